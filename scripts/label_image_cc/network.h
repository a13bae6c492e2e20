// A frozen network: loaded, checked and run.

#ifndef SCRIPTS_LABEL_IMAGE_CC_NETWORK_H_
#define SCRIPTS_LABEL_IMAGE_CC_NETWORK_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "flags.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/public/session.h"

// The batch and the images that a network takes.
struct ImageShape {
  int64_t batch = 1;
  int64_t height = 299;
  int64_t width = 299;
  int64_t channels = 3;
};

struct Network {
  std::unique_ptr<tensorflow::Session> session;
  std::string input;
  std::string output;
  ImageShape shape;
};

// Returns the network that the flags name. Throws a UserError if the file is
// not a frozen GraphDef, or does not fit the flags.
Network LoadNetwork(const Options& options);

// Returns the scores of the first image of a batch, shaped as network.shape
// says. Throws a UserError if the network does not run, or gives something
// else.
std::vector<float> Scores(const Network& network,
                          const tensorflow::Tensor& images);

// Returns a session on a graph. Throws a UserError that starts with `what`.
std::unique_ptr<tensorflow::Session> StartSession(
    const tensorflow::GraphDef& graph, const std::string& what);

// Runs a session; `feeds` are pairs of name and value. Throws a UserError that
// starts with `what`.
tensorflow::Tensor Run(
    tensorflow::Session* session,
    const std::vector<std::pair<std::string, tensorflow::Tensor>>& feeds,
    const std::string& output, const std::string& what);

#endif  // SCRIPTS_LABEL_IMAGE_CC_NETWORK_H_
