// What an encoded image says of itself, without decoding it.

#ifndef SCRIPTS_LABEL_IMAGE_CC_IMAGE_HEADERS_H_
#define SCRIPTS_LABEL_IMAGE_CC_IMAGE_HEADERS_H_

#include <string>

// Checks that an image can be decoded without running out of memory, and cuts
// off all but the first picture of a GIF. Throws a UserError that starts with
// `path` if it is not an image, has too many pixels, or would be decoded wrong.
void CheckImage(const std::string& path, std::string* bytes);

#endif  // SCRIPTS_LABEL_IMAGE_CC_IMAGE_HEADERS_H_
