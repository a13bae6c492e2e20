// Names that are similar to one that was given.

#ifndef SCRIPTS_LABEL_IMAGE_CC_NEAR_NAMES_H_
#define SCRIPTS_LABEL_IMAGE_CC_NEAR_NAMES_H_

#include <string>
#include <vector>

// Returns ' Did you mean X?' for the most similar known names, or ''.
std::string DidYouMean(const std::string& name,
                       const std::vector<std::string>& known);

#endif  // SCRIPTS_LABEL_IMAGE_CC_NEAR_NAMES_H_
