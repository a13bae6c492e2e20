// Image files.

#ifndef SCRIPTS_LABEL_IMAGE_CC_IMAGE_H_
#define SCRIPTS_LABEL_IMAGE_CC_IMAGE_H_

#include "flags.h"
#include "network.h"
#include "tensorflow/core/framework/tensor.h"

// Returns the image of --image, resized bilinearly and scaled by --input_mean
// and --input_std, as a batch of the given shape. Throws a UserError if the
// file cannot be read or decoded.
tensorflow::Tensor ReadImages(const Options& options, const ImageShape& shape);

#endif  // SCRIPTS_LABEL_IMAGE_CC_IMAGE_H_
