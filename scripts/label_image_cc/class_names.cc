#include "class_names.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "files.h"
#include "user_error.h"

namespace {

constexpr int64_t kMostBytes = int64_t{1} << 28;
// Far more classes than a network has: a larger label is a mistake.
constexpr int64_t kMostClasses = 10000000;
const char kBlanks[] = " \t\v\f";

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

// Returns the length of the UTF-8 character at the start of a text, 0 if there
// is none. See RFC 3629, UTF-8, a transformation format of ISO 10646.
size_t CharacterBytes(const unsigned char* text, size_t length) {
  const unsigned char first = text[0];
  if (first < 0x80) return 1;
  const size_t bytes = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (first < 0xC2 || first > 0xF4 || bytes > length) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((text[i] & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = text[1];
  const bool overlong = (first == 0xE0 && second < 0xA0) ||
                        (first == 0xF0 && second < 0x90);
  const bool impossible = (first == 0xED && second > 0x9F) ||
                          (first == 0xF4 && second > 0x8F);
  return overlong || impossible ? 0 : bytes;
}

bool IsUtf8(const std::string& text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  for (size_t position = 0; position < text.size();) {
    const size_t length =
        CharacterBytes(bytes + position, text.size() - position);
    if (length == 0) return false;
    position += length;
  }
  return true;
}

bool IsBlank(const std::string& line) {
  return line.find_first_not_of(kBlanks) == std::string::npos;
}

std::string Stripped(const std::string& text) {
  if (IsBlank(text)) return "";
  const size_t start = text.find_first_not_of(kBlanks);
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

// Returns the lines of a file, with the line ends of any operating system,
// without a byte order mark and without blank last lines.
std::vector<std::string> ReadLines(const std::string& path,
                                   const std::string& shown) {
  std::string text = ReadRegularFile(path, shown, kMostBytes);
  if (!IsUtf8(text)) {
    throw UserError(shown, " is not UTF-8 text. Save it as UTF-8.");
  }
  if (text.find('\0') != std::string::npos) {
    throw UserError(shown, " is not a file of class names.");
  }
  if (text.compare(0, 3, "\xEF\xBB\xBF") == 0) text.erase(0, 3);
  std::vector<std::string> lines(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || text[i] == '\r') {
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      lines.emplace_back();
    } else {
      lines.back() += text[i];
    }
  }
  while (!lines.empty() && IsBlank(lines.back())) lines.pop_back();
  if (lines.empty()) throw UserError(shown, " is empty.");
  return lines;
}

// Splits `12:daisy` into label and name; says whether the line is of that form.
bool SplitNumbered(const std::string& line, std::string* label,
                   std::string* name) {
  const size_t start = line.find_first_not_of(" \t");
  if (start == std::string::npos) return false;
  size_t end = start + (line[start] == '-' ? 1 : 0);
  const size_t digits = end;
  while (end < line.size() && IsDigit(line[end])) ++end;
  const size_t colon = line.find_first_not_of(" \t", end);
  if (end == digits || colon == std::string::npos || line[colon] != ':') {
    return false;
  }
  *label = line.substr(start, end - start);
  *name = line.substr(colon + 1);
  return true;
}

// Returns whether all lines are numbered. Throws a UserError for a mixture.
bool CheckSameForm(const std::vector<std::string>& lines,
                   const std::string& shown) {
  size_t with_number = 0, without = 0;  // Counted from 1; 0 for none.
  std::string label, name;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (IsBlank(lines[i])) continue;
    size_t& first =
        SplitNumbered(lines[i], &label, &name) ? with_number : without;
    if (first == 0) first = i + 1;
  }
  if (with_number && without) {
    throw UserError(shown, ": line ", with_number, " is numbered, but line ",
                    without,
                    " is not. Number all lines, like 0:daisy, or none.");
  }
  return with_number > 0;
}

// Returns the names on numbered lines, by their numbers.
std::vector<std::string> Ordered(const std::vector<std::string>& lines,
                                 const std::string& shown) {
  std::vector<std::string> names;
  std::set<int64_t> seen;
  std::string label, name;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!SplitNumbered(lines[i], &label, &name)) continue;
    const int64_t index = label.size() > 18 ? kMostClasses : std::stoll(label);
    if (std::abs(index) >= kMostClasses) {
      throw UserError(shown, ", line ", i + 1, ": the label ",
                      label.substr(0, 20), " is too large.");
    }
    if (index < 0) {
      throw UserError(shown, " has the label ", index,
                      ". Number the classes from 0.");
    }
    if (!seen.insert(index).second) {
      throw UserError(shown, ", line ", i + 1, ": the label ", index,
                      " is on an earlier line too.");
    }
    if (index >= static_cast<int64_t>(names.size())) names.resize(index + 1);
    names[index] = Stripped(name);
  }
  return names;
}

// Returns the names in a file, '' for classes without one.
std::vector<std::string> ReadNames(const std::string& path,
                                   const std::string& shown) {
  std::vector<std::string> lines = ReadLines(path, shown);
  if (CheckSameForm(lines, shown)) return Ordered(lines, shown);
  for (std::string& line : lines) line = Stripped(line);
  return lines;
}

// Returns a sentence on how to make the numbers fit, or ''.
std::string Advice(int64_t count, int64_t num_classes, int64_t offset) {
  if (offset > 0 && count == num_classes) return " Leave out --labels_offset.";
  if (count == num_classes + 1) {
    return " If the first name is a background class that the network does not "
           "have, use --labels_offset=1.";
  }
  if (count == num_classes - 1) {
    return " If the first class of the network is the background, add a line "
           "for it at the top of the file.";
  }
  return "";
}

}  // namespace

std::vector<std::string> ReadClassNames(const std::string& path,
                                        int64_t num_classes, int64_t offset) {
  std::vector<std::string> names(num_classes);
  if (!path.empty()) {
    const std::string shown = "--labels=" + path;
    names = ReadNames(path, shown);
    const int64_t count = names.size(), left_out = std::max<int64_t>(0, offset);
    if (count - left_out != num_classes) {
      throw UserError(shown, " names ", count,
                      " classes, but the network has ", num_classes, ".",
                      Advice(count, num_classes, offset));
    }
    names.erase(names.begin(), names.begin() + left_out);
  }
  for (int64_t index = 0; index < num_classes; ++index) {
    if (names[index].empty()) names[index] = std::to_string(index);
  }
  return names;
}

std::vector<int64_t> HighestScores(const float* scores, int64_t count,
                                   int64_t top_k) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(
      order.begin(), order.end(),
      [scores](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  order.resize(std::min(count, top_k));
  return order;
}
