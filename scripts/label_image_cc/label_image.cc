// Names what is on an image, with a frozen graph, in C++.
//
//   label_image --image=daisy.jpg --graph=/tmp/frozen_inception_v3.pb \
//     --labels=/tmp/imagenet_slim_labels.txt --input_layer=input \
//     --output_layer=InceptionV3/Predictions/Reshape_1
//
// Decodes a JPEG, PNG, GIF or BMP by its content, resizes it bilinearly,
// subtracts --input_mean, divides by --input_std, and prints the most probable
// classes. Prints the same as scripts/label_image.py with the same flags.
// TF_CPP_MIN_LOG_LEVEL=3 in the environment silences TensorFlow.

#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "class_names.h"
#include "tensorflow/cc/framework/scope.h"
#include "tensorflow/cc/ops/standard_ops.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/public/session.h"
#include "tensorflow/core/util/command_line_flags.h"

namespace {

using tensorflow::GraphDef;
using tensorflow::NodeDef;
using tensorflow::Scope;
using tensorflow::Status;
using tensorflow::Tensor;
using tensorflow::errors::InvalidArgument;

struct Options {
  std::string image;
  std::string graph;
  std::string labels;
  std::string input_layer;
  std::string output_layer;
  tensorflow::int32 input_width = 0;
  tensorflow::int32 input_height = 0;
  float input_mean = 0;
  float input_std = 255;
  tensorflow::int32 labels_offset = 0;
  tensorflow::int32 top_k = 5;
};

// Height, width and channels of the images that a network takes.
struct ImageShape {
  int height = 299;
  int width = 299;
  int channels = 3;
};

std::vector<tensorflow::Flag> Flags(Options* options) {
  return {
      tensorflow::Flag("image", &options->image, "image file (required)"),
      tensorflow::Flag("graph", &options->graph, "frozen GraphDef (required)"),
      tensorflow::Flag("labels", &options->labels,
                       "class names, one a line or numbered like 0:daisy"),
      tensorflow::Flag("input_layer", &options->input_layer,
                       "input node; the only placeholder by default"),
      tensorflow::Flag("output_layer", &options->output_layer,
                       "output node; the only unused node by default"),
      tensorflow::Flag("input_width", &options->input_width,
                       "image width; the graph's by default"),
      tensorflow::Flag("input_height", &options->input_height,
                       "image height; the graph's by default"),
      tensorflow::Flag("input_mean", &options->input_mean,
                       "subtracted from values in 0..255"),
      tensorflow::Flag("input_std", &options->input_std,
                       "what the difference is divided by"),
      tensorflow::Flag("labels_offset", &options->labels_offset,
                       "how many names at the head of --labels the network "
                       "may leave out"),
      tensorflow::Flag("top_k", &options->top_k, "how many classes to print"),
  };
}

// Finds a node by name; without one, the only candidate.
Status FindNode(const GraphDef& graph, const std::string& flag,
                const std::vector<const NodeDef*>& candidates,
                std::string* name) {
  if (name->empty()) {
    if (candidates.size() != 1) {
      return InvalidArgument("--", flag, " is missing: the graph has ",
                             candidates.size(), " candidates.");
    }
    *name = candidates[0]->name();
    return Status();
  }
  for (const NodeDef& node : graph.node()) {
    if (node.name() == name->substr(0, name->find(':'))) return Status();
  }
  return InvalidArgument("--", flag, "=", *name,
                         ": the graph has no such node.");
}

std::vector<const NodeDef*> Inputs(const GraphDef& graph) {
  std::vector<const NodeDef*> found;
  for (const NodeDef& node : graph.node()) {
    if (node.op() == "Placeholder") found.push_back(&node);
  }
  return found;
}

// Returns the nodes that no other node uses.
std::vector<const NodeDef*> Outputs(const GraphDef& graph) {
  std::map<std::string, const NodeDef*> unused;
  for (const NodeDef& node : graph.node()) {
    const bool no_result = node.op() == "Const" || node.op() == "NoOp" ||
                           node.op() == "Placeholder";
    if (!no_result) unused[node.name()] = &node;
  }
  for (const NodeDef& node : graph.node()) {
    for (const std::string& input : node.input()) {
      const size_t start = input[0] == '^' ? 1 : 0;
      unused.erase(input.substr(start, input.find(':') - start));
    }
  }
  std::vector<const NodeDef*> found;
  for (const auto& item : unused) found.push_back(item.second);
  return found;
}

// Takes a size from the flag or from the graph, which must not differ.
Status Side(const char* flag, int asked, tensorflow::int64 given, int* side) {
  if (asked > 0 && given > 0 && asked != given) {
    return InvalidArgument("--", flag, "=", asked, ": the network takes ",
                           given, " pixels. Leave out --", flag, ".");
  }
  if (given > 0) *side = given;
  if (asked > 0) *side = asked;
  return Status();
}

Status ReadImageShape(const GraphDef& graph, const Options& options,
                      ImageShape* shape) {
  tensorflow::int64 height = 0, width = 0;
  const std::string name =
      options.input_layer.substr(0, options.input_layer.find(':'));
  for (const NodeDef& node : graph.node()) {
    if (node.name() != name || !node.attr().count("shape")) continue;
    const auto& dims = node.attr().at("shape").shape();
    if (dims.dim_size() != 4) continue;
    height = dims.dim(1).size();
    width = dims.dim(2).size();
    if (dims.dim(3).size() > 0) shape->channels = dims.dim(3).size();
  }
  if (shape->channels != 1 && shape->channels != 3) {
    return InvalidArgument("The network takes ", shape->channels,
                           " channels; images have 1 or 3.");
  }
  TF_RETURN_IF_ERROR(
      Side("input_height", options.input_height, height, &shape->height));
  return Side("input_width", options.input_width, width, &shape->width);
}

// Returns a decoded image as floats with 1 or 3 channels: gray is repeated,
// colours are weighed, transparency is left out.
Tensor WithChannels(const Tensor& decoded, int channels) {
  const int height = decoded.dim_size(0), width = decoded.dim_size(1);
  const int given = decoded.dim_size(2);
  Tensor image(tensorflow::DT_FLOAT, {1, height, width, channels});
  const auto* from = decoded.flat<tensorflow::uint8>().data();
  float* to = image.flat<float>().data();
  for (int pixel = 0; pixel < height * width; ++pixel, from += given) {
    const bool gray = given < 3;
    if (channels == 1) {
      *to++ = gray ? from[0]
                   : 0.2989f * from[0] + 0.5870f * from[1] + 0.1140f * from[2];
    } else {
      for (int i = 0; i < 3; ++i) *to++ = gray ? from[0] : from[i];
    }
  }
  return image;
}

// Runs a graph once; `feeds` are (name, value) pairs.
Status Run(const GraphDef& graph,
           const std::vector<std::pair<std::string, Tensor>>& feeds,
           const std::string& output, Tensor* result) {
  std::unique_ptr<tensorflow::Session> session(
      tensorflow::NewSession(tensorflow::SessionOptions()));
  TF_RETURN_IF_ERROR(session->Create(graph));
  std::vector<Tensor> results;
  TF_RETURN_IF_ERROR(session->Run(feeds, {output}, {}, &results));
  *result = results[0];
  return Status();
}

Status Run(const Scope& scope,
           const std::vector<std::pair<std::string, Tensor>>& feeds,
           const tensorflow::Output& output, Tensor* result) {
  GraphDef graph;
  TF_RETURN_IF_ERROR(scope.ToGraphDef(&graph));
  return Run(graph, feeds, output.name(), result);
}

Status ReadFile(const std::string& path, tensorflow::tstring* bytes) {
  std::string content;
  const Status status = tensorflow::ReadFileToString(
      tensorflow::Env::Default(), path, &content);
  if (!status.ok()) return InvalidArgument("There is no image ", path, ".");
  *bytes = content;
  return status;
}

// Reads an image file as [1, height, width, channels], ready for the network.
Status ReadImage(const Options& options, const ImageShape& shape,
                 Tensor* image) {
  namespace ops = tensorflow::ops;
  const Scope decoding = Scope::NewRootScope();
  const auto content = ops::Placeholder(decoding, tensorflow::DT_STRING);
  // Asked for a number of channels, it would refuse some GIFs and BMPs.
  const auto decoded = ops::DecodeImage(
      decoding, content, ops::DecodeImage::ExpandAnimations(false));
  tensorflow::tstring bytes;
  TF_RETURN_IF_ERROR(ReadFile(options.image, &bytes));
  Tensor pixels;
  const Status status = Run(decoding, {{content.node()->name(), Tensor(bytes)}},
                            decoded.image, &pixels);
  if (!status.ok()) {
    return InvalidArgument(options.image, " cannot be decoded: ",
                           status.message());
  }

  const Scope scaling = Scope::NewRootScope();
  const auto input = ops::Placeholder(scaling, tensorflow::DT_FLOAT);
  const auto resized =
      ops::ResizeBilinear(scaling, input, {shape.height, shape.width});
  const auto centered =
      ops::Sub(scaling, resized.resized_images, options.input_mean);
  const auto scaled = ops::Div(scaling, centered, options.input_std);
  return Run(scaling,
             {{input.node()->name(), WithChannels(pixels, shape.channels)}},
             scaled.z, image);
}

Status Label(Options options) {
  GraphDef graph;
  TF_RETURN_IF_ERROR(tensorflow::ReadBinaryProto(tensorflow::Env::Default(),
                                                 options.graph, &graph));
  TF_RETURN_IF_ERROR(
      FindNode(graph, "input_layer", Inputs(graph), &options.input_layer));
  TF_RETURN_IF_ERROR(
      FindNode(graph, "output_layer", Outputs(graph), &options.output_layer));
  ImageShape shape;
  TF_RETURN_IF_ERROR(ReadImageShape(graph, options, &shape));
  Tensor image, result;
  TF_RETURN_IF_ERROR(ReadImage(options, shape, &image));
  TF_RETURN_IF_ERROR(Run(graph, {{options.input_layer, image}},
                         options.output_layer, &result));
  const auto scores = result.flat<float>();
  std::vector<std::string> names;
  TF_RETURN_IF_ERROR(ReadClassNames(options.labels, scores.size(),
                                    options.labels_offset, &names));
  for (const int index :
       HighestScores(scores.data(), scores.size(), options.top_k)) {
    std::printf("%s (%d): %.6f\n", names[index].c_str(), index, scores(index));
  }
  return Status();
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  const std::vector<tensorflow::Flag> flags = Flags(&options);
  const std::string usage = tensorflow::Flags::Usage(argv[0], flags);
  if (!tensorflow::Flags::Parse(&argc, argv, flags) || argc > 1 ||
      options.image.empty() || options.graph.empty()) {
    if (argc > 1) std::cerr << "Unexpected argument " << argv[1] << "\n";
    std::cerr << usage;
    return 1;
  }
  const Status status = Label(options);
  if (!status.ok()) {
    const std::string message(status.message());
    std::cerr << "label_image: " << message.substr(0, message.find('\n'))
              << "\n";
    return 1;
  }
  return 0;
}
