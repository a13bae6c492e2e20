// Reading of files that a user named.

#ifndef SCRIPTS_LABEL_IMAGE_CC_FILES_H_
#define SCRIPTS_LABEL_IMAGE_CC_FILES_H_

#include <cstdint>
#include <string>

// Returns the contents of a regular file. Throws a UserError that starts with
// `shown` if it cannot be read, is longer than `most_bytes`, or is a pipe or a
// device, which could keep the reader waiting forever.
std::string ReadRegularFile(const std::string& path, const std::string& shown,
                            int64_t most_bytes);

#endif  // SCRIPTS_LABEL_IMAGE_CC_FILES_H_
