// The flags of label_image.

#ifndef SCRIPTS_LABEL_IMAGE_CC_FLAGS_H_
#define SCRIPTS_LABEL_IMAGE_CC_FLAGS_H_

#include <cstdint>
#include <string>

struct Options {
  std::string image;
  std::string graph;
  std::string labels;
  std::string input_layer;
  std::string output_layer;
  // 0 takes the size from the graph.
  int64_t input_width = 0;
  int64_t input_height = 0;
  double input_mean = 0;
  double input_std = 255;
  // -1 if it was not given.
  int64_t labels_offset = -1;
  int64_t top_k = 5;
  bool help = false;
};

// Returns what the command line says: --name=value or --name value, with one or
// two dashes. Throws a UserError for an unknown flag or a value that cannot
// work.
Options ParseFlags(int argc, char* argv[]);

// Returns the text for --help.
std::string HelpText();

#endif  // SCRIPTS_LABEL_IMAGE_CC_FLAGS_H_
