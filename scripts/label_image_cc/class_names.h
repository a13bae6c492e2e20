// Names of classes, and which classes score highest.

#ifndef SCRIPTS_LABEL_IMAGE_CC_CLASS_NAMES_H_
#define SCRIPTS_LABEL_IMAGE_CC_CLASS_NAMES_H_

#include <cstdint>
#include <string>
#include <vector>

// Returns the names of `num_classes` classes from a file: one per line, or
// numbered like `0:daisy`. The first `offset` names of the file are left out;
// -1 for none. Without a file, and where it has no name, a class is named by
// its index. Throws a UserError if the file cannot be used or does not fit.
std::vector<std::string> ReadClassNames(const std::string& path,
                                        int64_t num_classes, int64_t offset);

// Returns the indices of the `top_k` highest of `count` scores, in that order.
std::vector<int64_t> HighestScores(const float* scores, int64_t count,
                                   int64_t top_k);

#endif  // SCRIPTS_LABEL_IMAGE_CC_CLASS_NAMES_H_
