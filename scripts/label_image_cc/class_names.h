// Names of classes, and which classes score highest.

#ifndef SCRIPTS_LABEL_IMAGE_CC_CLASS_NAMES_H_
#define SCRIPTS_LABEL_IMAGE_CC_CLASS_NAMES_H_

#include <string>
#include <vector>

#include "tensorflow/core/lib/core/status.h"

// Reads the names of `num_classes` classes: one a line, or numbered `0:daisy`.
// The file may hold `offset` more, which are left out at its head. Without a
// file, and where it leaves a gap, classes are named by their index.
tensorflow::Status ReadClassNames(const std::string& path, int num_classes,
                                  int offset, std::vector<std::string>* names);

// Returns the indices of the `top_k` highest of `count` scores, in that order.
std::vector<int> HighestScores(const float* scores, int count, int top_k);

#endif  // SCRIPTS_LABEL_IMAGE_CC_CLASS_NAMES_H_
