// Label an image with a frozen graph, in C++.
//
//   label_image --image=daisy.jpg --graph=/tmp/frozen_inception_v3.pb \
//     --labels=/tmp/imagenet_slim_labels.txt --input_layer=input \
//     --output_layer=InceptionV3/Predictions/Reshape_1
//
// Decodes a JPEG, PNG, GIF, BMP or WebP by its content, resizes it bilinearly,
// subtracts --input_mean, divides by --input_std, and prints the most probable
// classes. Prints the same as scripts/label_image.py with the same flags.
// TF_CPP_MIN_LOG_LEVEL=3 in the environment silences TensorFlow.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "class_names.h"
#include "flags.h"
#include "image.h"
#include "network.h"
#include "user_error.h"

namespace {

void Label(const Options& options) {
  const Network network = LoadNetwork(options);
  const tensorflow::Tensor images = ReadImages(options, network.shape);
  const std::vector<float> scores = Scores(network, images);
  const std::vector<std::string> names =
      ReadClassNames(options.labels, scores.size(), options.labels_offset);
  for (const int64_t index :
       HighestScores(scores.data(), scores.size(), options.top_k)) {
    std::printf("%s (%lld): %.6f\n", names[index].c_str(),
                static_cast<long long>(index), scores[index]);
  }
  if (std::fflush(stdout) != 0) {
    throw UserError("The standard output cannot be written: ",
                    std::strerror(errno), ".");
  }
}

int Run(int argc, char* argv[]) {
  const Options options = ParseFlags(argc, argv);
  if (options.help) {
    std::cout << HelpText();
  } else {
    Label(options);
  }
  return 0;
}

}  // namespace

int main(int argc, char* argv[]) {
  try {
    return Run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::cerr << "label_image: There is not enough memory.\n";
  } catch (const std::exception& error) {
    std::cerr << "label_image: " << error.what() << "\n";
  }
  return 1;
}
