#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "user_error.h"

namespace {

// Closes a file when it goes out of scope.
struct OpenFile {
  explicit OpenFile(const std::string& path)
      // Opening a pipe would wait for its other end.
      : descriptor(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor >= 0) close(descriptor);
  }
  const int descriptor;
};

}  // namespace

std::string ReadRegularFile(const std::string& path, const std::string& shown,
                            int64_t most_bytes) {
  const OpenFile file(path);
  struct stat status;
  if (file.descriptor < 0 || fstat(file.descriptor, &status) != 0) {
    throw UserError(shown, " cannot be read: ", std::strerror(errno), ".");
  }
  if (S_ISDIR(status.st_mode)) {
    throw UserError(shown, " cannot be read: it is a folder.");
  }
  if (!S_ISREG(status.st_mode)) {
    throw UserError(shown, " cannot be read: it is not a regular file.");
  }
  if (status.st_size > most_bytes) {
    throw UserError(shown, " cannot be read: it is larger than ",
                    most_bytes >> 20, " MiB.");
  }
  std::string content(status.st_size, '\0');
  size_t length = 0;
  while (length < content.size()) {
    const ssize_t count =
        read(file.descriptor, &content[length], content.size() - length);
    if (count < 0 && errno != EINTR) {
      throw UserError(shown, " cannot be read: ", std::strerror(errno), ".");
    }
    if (count == 0) break;  // The file was cut off meanwhile.
    length += std::max<ssize_t>(count, 0);
  }
  content.resize(length);
  return content;
}
