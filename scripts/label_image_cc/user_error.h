// A mistake that the user can fix.

#ifndef SCRIPTS_LABEL_IMAGE_CC_USER_ERROR_H_
#define SCRIPTS_LABEL_IMAGE_CC_USER_ERROR_H_

#include <sstream>
#include <stdexcept>
#include <string>

// The message is one sentence that says what is wrong and what would be right.
class UserError : public std::runtime_error {
 public:
  // Puts the parts of the message together.
  template <typename... Parts>
  explicit UserError(const Parts&... parts)
      : std::runtime_error(Concatenate(parts...)) {}

 private:
  template <typename... Parts>
  static std::string Concatenate(const Parts&... parts) {
    std::ostringstream text;
    (text << ... << parts);
    return text.str();
  }
};

#endif  // SCRIPTS_LABEL_IMAGE_CC_USER_ERROR_H_
