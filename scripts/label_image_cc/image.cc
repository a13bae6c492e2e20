#include "image.h"

#include <algorithm>
#include <string>

#include "files.h"
#include "image_headers.h"
#include "tensorflow/cc/framework/scope.h"
#include "tensorflow/cc/ops/array_ops.h"
#include "tensorflow/cc/ops/image_ops.h"
#include "tensorflow/cc/ops/math_ops.h"
#include "user_error.h"

namespace {

namespace ops = tensorflow::ops;
using tensorflow::Scope;
using tensorflow::Tensor;

constexpr int64_t kMostBytes = int64_t{1} << 30;

Tensor RunOps(const Scope& scope, const ops::Placeholder& input,
              const Tensor& value, const tensorflow::Output& output,
              const std::string& what) {
  tensorflow::GraphDef graph;
  const tensorflow::Status status = scope.ToGraphDef(&graph);
  if (!status.ok()) throw UserError(what, ": ", std::string(status.message()));
  return Run(StartSession(graph, what).get(), {{input.node()->name(), value}},
             output.name(), what);
}

// Returns the pixels of an image file, [height, width, 1 to 4 channels].
Tensor Decode(const std::string& path) {
  std::string bytes = ReadRegularFile(path, path, kMostBytes);
  CheckImage(path, &bytes);
  const Scope scope = Scope::NewRootScope();
  const ops::Placeholder content(scope, tensorflow::DT_STRING);
  // Asked for a number of channels, it would refuse some GIFs and BMPs.
  const ops::DecodeImage decoded(scope, content,
                                 ops::DecodeImage::ExpandAnimations(false));
  const std::string what = path + " cannot be decoded";
  Tensor encoded(tensorflow::DT_STRING, {});
  encoded.scalar<tensorflow::tstring>()() = bytes;
  const Tensor pixels = RunOps(scope, content, encoded, decoded.image, what);
  if (pixels.dims() != 3 || pixels.dtype() != tensorflow::DT_UINT8 ||
      pixels.NumElements() == 0) {
    throw UserError(what, ": it has the shape ", pixels.shape().DebugString(),
                    ".");
  }
  return pixels;
}

// Returns a decoded image as floats with 1 or 3 channels: gray is repeated,
// colors become gray, transparency is left out.
Tensor WithChannels(const Tensor& decoded, int64_t channels) {
  const int64_t height = decoded.dim_size(0), width = decoded.dim_size(1);
  const int64_t given = decoded.dim_size(2);
  Tensor image(tensorflow::DT_FLOAT, {1, height, width, channels});
  const auto* from = decoded.flat<tensorflow::uint8>().data();
  float* to = image.flat<float>().data();
  for (int64_t pixel = 0; pixel < height * width; ++pixel, from += given) {
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

// Returns a batch that repeats one image.
Tensor Repeated(const Tensor& image, int64_t batch) {
  if (batch == 1) return image;
  tensorflow::TensorShape shape = image.shape();
  shape.set_dim(0, batch);
  Tensor images(tensorflow::DT_FLOAT, shape);
  const float* from = image.flat<float>().data();
  float* to = images.flat<float>().data();
  for (int64_t i = 0; i < batch; ++i) {
    to = std::copy(from, from + image.NumElements(), to);
  }
  return images;
}

}  // namespace

Tensor ReadImages(const Options& options, const ImageShape& shape) {
  const Tensor pixels = Decode(options.image);
  const Scope scope = Scope::NewRootScope();
  const ops::Placeholder input(scope, tensorflow::DT_FLOAT);
  const ops::ResizeBilinear resized(
      scope, input,
      {static_cast<int>(shape.height), static_cast<int>(shape.width)});
  const ops::Sub centered(scope, resized.resized_images,
                          static_cast<float>(options.input_mean));
  const ops::Div scaled(scope, centered, static_cast<float>(options.input_std));
  const Tensor image =
      RunOps(scope, input, WithChannels(pixels, shape.channels), scaled.z,
             options.image + " cannot be resized");
  return Repeated(image, shape.batch);
}
