#include "network.h"

#include <cmath>
#include <limits>
#include <map>
#include <regex>
#include <set>

#include "files.h"
#include "near_names.h"
#include "user_error.h"

namespace {

using tensorflow::GraphDef;
using tensorflow::NodeDef;
using tensorflow::Tensor;

// Protocol buffers are not longer than this.
constexpr int64_t kMostBytes = std::numeric_limits<int>::max();

GraphDef ReadGraph(const std::string& path) {
  const std::string bytes =
      ReadRegularFile(path, "--graph=" + path, kMostBytes);
  GraphDef graph;
  if (!graph.ParseFromArray(bytes.data(), bytes.size()) || !graph.node_size()) {
    throw UserError("--graph=", path, " is not a binary GraphDef.");
  }
  return graph;
}

void CheckFrozen(const GraphDef& graph, const std::string& path) {
  const std::set<std::string> ops = {"Variable", "VariableV2", "VarHandleOp"};
  int variables = 0;
  for (const NodeDef& node : graph.node()) variables += ops.count(node.op());
  if (variables) {
    throw UserError("--graph=", path, " holds ", variables,
                    " variables without values. Freeze it first, with `python "
                    "-m tensorflow.python.tools.freeze_graph`.");
  }
}

// Returns the name of the node in `node:0`.
std::string NodeName(const std::string& tensor) {
  return tensor.substr(0, tensor.find(':'));
}

std::vector<std::string> Inputs(const GraphDef& graph) {
  std::vector<std::string> found;
  for (const NodeDef& node : graph.node()) {
    if (node.op() == "Placeholder") found.push_back(node.name());
  }
  return found;
}

// Returns the nodes that no other node uses.
std::vector<std::string> Outputs(const GraphDef& graph) {
  const std::set<std::string> no_results = {"Assert", "Assign", "Const", "NoOp",
                                            "Placeholder"};
  std::set<std::string> used;
  for (const NodeDef& node : graph.node()) {
    for (const std::string& input : node.input()) {
      used.insert(NodeName(input.substr(input.find_first_not_of('^'))));
    }
  }
  std::vector<std::string> found;
  for (const NodeDef& node : graph.node()) {
    if (!no_results.count(node.op()) && !used.count(node.name())) {
      found.push_back(node.name());
    }
  }
  return found;
}

// Returns the given name, or the only candidate.
std::string NameOrOnly(const std::string& flag, const std::string& name,
                       const std::vector<std::string>& candidates) {
  if (!name.empty()) return name;
  if (candidates.size() == 1) return candidates[0];
  std::string listed;
  for (size_t i = 0; i < candidates.size() && i < 5; ++i) {
    listed += ", " + candidates[i];
  }
  throw UserError("--", flag, " is missing: the graph has ", candidates.size(),
                  " candidates", listed, ".");
}

const NodeDef& FindNode(const GraphDef& graph, const std::string& flag,
                        const std::string& name) {
  std::vector<std::string> known;
  static const std::regex tensor("[^:^]+(:[0-9]{1,9})?");
  const bool is_tensor = std::regex_match(name, tensor);
  for (const NodeDef& node : graph.node()) {
    if (is_tensor && node.name() == NodeName(name)) return node;
    known.push_back(node.name());
  }
  throw UserError("--", flag, "=", name, ": the graph has no such node.",
                  DidYouMean(name, known));
}

void CheckInput(const NodeDef& node) {
  const std::string shown = "--input_layer=" + node.name();
  if (node.op() == "Const") {
    throw UserError(shown, " is a constant. Name the node that takes images.");
  }
  const auto& attributes = node.attr();
  const auto type = attributes.find("dtype");
  if (type != attributes.end() && type->second.type() &&
      type->second.type() != tensorflow::DT_FLOAT) {
    throw UserError(shown, " takes ",
                    tensorflow::DataTypeString(type->second.type()),
                    " values; images are float.");
  }
}

void CheckOutput(const NodeDef& node, const std::string& input) {
  const bool is_input =
      node.op() == "Placeholder" || node.name() == NodeName(input);
  if (is_input || node.op() == "Const") {
    throw UserError("--output_layer=", node.name(), " is ",
                    is_input ? "an input" : "a constant",
                    " of the graph. Name the node that gives scores.");
  }
}

// Returns a size from the flag or from the graph, which must not differ.
int64_t Side(const char* flag, int64_t given, int64_t defined,
             int64_t otherwise) {
  if (given > 0 && defined > 0 && given != defined) {
    throw UserError("--", flag, "=", given, ": the network takes ", defined,
                    " pixels. Leave out --", flag, ".");
  }
  return given > 0 ? given : defined > 0 ? defined : otherwise;
}

ImageShape ReadShape(const NodeDef& node, const Options& options) {
  ImageShape shape;
  int64_t height = 0, width = 0;
  const auto found = node.attr().find("shape");
  if (found != node.attr().end()) {
    const auto& dims = found->second.shape();
    if (dims.dim_size() == 4) {
      if (dims.dim(0).size() > 0) shape.batch = dims.dim(0).size();
      height = dims.dim(1).size();
      width = dims.dim(2).size();
      if (dims.dim(3).size() > 0) shape.channels = dims.dim(3).size();
    } else if (dims.dim_size() || !dims.unknown_rank()) {
      throw UserError("--input_layer=", node.name(), " has ", dims.dim_size(),
                      " dimensions; images are [batch, height, width, "
                      "channels].");
    }
  }
  if (shape.channels != 1 && shape.channels != 3) {
    throw UserError("The network takes images with ", shape.channels,
                    " channels; image files have 1 or 3. Name another node "
                    "with --input_layer.");
  }
  shape.height =
      Side("input_height", options.input_height, height, shape.height);
  shape.width = Side("input_width", options.input_width, width, shape.width);
  const double bytes =
      4.0 * shape.batch * shape.height * shape.width * shape.channels;
  if (bytes > kMostBytes) {
    throw UserError("The network takes ", shape.batch, " images of ",
                    shape.width, " x ", shape.height,
                    " pixels, which do not fit in 2 GiB.");
  }
  return shape;
}

// Returns the cause of an error of TensorFlow in one line.
std::string Summary(const tensorflow::Status& status) {
  static const std::regex noise(
      R"(\d+ root error\(s\) found\.|\s*\(\d+\) [A-Z_]+: |\s*\[\[\{\{node.*)");
  const std::string text =
      std::regex_replace(std::string(status.message()), noise, "");
  const size_t start = text.find_first_not_of(" \t\n");
  if (start == std::string::npos) return status.ToString() + ".";
  const std::string line = text.substr(start, text.find('\n', start) - start);
  return line.substr(0, line.find_last_not_of(". ") + 1) + ".";
}

}  // namespace

Network LoadNetwork(const Options& options) {
  Network network;
  const GraphDef graph = ReadGraph(options.graph);
  network.session =
      StartSession(graph, "--graph=" + options.graph + " cannot be loaded");
  CheckFrozen(graph, options.graph);
  network.input =
      NameOrOnly("input_layer", options.input_layer, Inputs(graph));
  network.output =
      NameOrOnly("output_layer", options.output_layer, Outputs(graph));
  const NodeDef& input = FindNode(graph, "input_layer", network.input);
  CheckInput(input);
  CheckOutput(FindNode(graph, "output_layer", network.output), network.input);
  network.shape = ReadShape(input, options);
  return network;
}

std::vector<float> Scores(const Network& network, const Tensor& images) {
  const Tensor scores =
      Run(network.session.get(), {{network.input, images}}, network.output,
          "The network does not run");
  if (scores.dtype() != tensorflow::DT_FLOAT || scores.dims() != 2 ||
      scores.dim_size(0) != images.dim_size(0) || scores.dim_size(1) < 1) {
    throw UserError("The output of the network is ",
                    tensorflow::DataTypeString(scores.dtype()),
                    " of the shape ", scores.shape().DebugString(), " for ",
                    images.dim_size(0),
                    " images, not floating-point scores of the shape [images, "
                    "classes]. Name another node with --output_layer.");
  }
  const auto values = scores.matrix<float>();
  std::vector<float> first(scores.dim_size(1));
  for (size_t i = 0; i < first.size(); ++i) {
    first[i] = values(0, i);
    if (!std::isfinite(first[i])) {
      throw UserError(
          "The network gives the image scores that are NaN or infinite.");
    }
  }
  return first;
}

std::unique_ptr<tensorflow::Session> StartSession(const GraphDef& graph,
                                                  const std::string& what) {
  std::unique_ptr<tensorflow::Session> session(
      tensorflow::NewSession(tensorflow::SessionOptions()));
  const tensorflow::Status status = session->Create(graph);
  if (!status.ok()) throw UserError(what, ": ", Summary(status));
  return session;
}

Tensor Run(tensorflow::Session* session,
           const std::vector<std::pair<std::string, Tensor>>& feeds,
           const std::string& output, const std::string& what) {
  std::vector<Tensor> results;
  const tensorflow::Status status =
      session->Run(feeds, {output}, {}, &results);
  if (!status.ok()) throw UserError(what, ": ", Summary(status));
  if (results.size() != 1) throw UserError(what, ": it has no output.");
  return results[0];
}
