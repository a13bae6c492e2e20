#include "class_names.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <numeric>

#include "tensorflow/core/lib/core/errors.h"

namespace {

using tensorflow::errors::InvalidArgument;

// Reads the lines of a file without line ends and without blank last lines.
bool ReadLines(const std::string& path, std::vector<std::string>* lines) {
  std::ifstream file(path);
  if (!file) return false;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines->push_back(line);
  }
  while (!lines->empty() && lines->back().empty()) lines->pop_back();
  return true;
}

// Splits `12:daisy`; says whether the line is of that form.
bool SplitNumbered(const std::string& line, int* index, std::string* name) {
  size_t digits = 0;
  while (digits < line.size() && std::isdigit(line[digits])) ++digits;
  if (digits == 0 || digits > 9 || line[digits] != ':') return false;
  *index = std::stoi(line);
  *name = line.substr(digits + 1);
  return true;
}

// Puts numbered lines in their place; leaves other lines as they are.
void OrderIfNumbered(std::vector<std::string>* lines) {
  std::map<int, std::string> numbered;
  for (const std::string& line : *lines) {
    int index;
    std::string name;
    if (line.empty()) continue;
    if (!SplitNumbered(line, &index, &name)) return;
    numbered[index] = name;
  }
  if (numbered.empty()) return;
  lines->assign(numbered.rbegin()->first + 1, "");
  for (const auto& item : numbered) (*lines)[item.first] = item.second;
}

}  // namespace

tensorflow::Status ReadClassNames(const std::string& path, int num_classes,
                                  int offset,
                                  std::vector<std::string>* names) {
  std::vector<std::string> lines(num_classes);
  if (!path.empty()) {
    lines.clear();
    if (!ReadLines(path, &lines)) {
      return InvalidArgument("--labels=", path, " cannot be read.");
    }
    OrderIfNumbered(&lines);
  }
  const int count = lines.size();
  if (count != num_classes && count != num_classes + offset) {
    return InvalidArgument(
        "--labels=", path, " names ", count, " classes, but the network tells ",
        num_classes, " apart.",
        count == num_classes + 1
            ? " If the first of them is a background class that the network "
              "does not know, say --labels_offset=1."
            : "");
  }
  names->assign(lines.begin() + (count - num_classes), lines.end());
  for (int index = 0; index < num_classes; ++index) {
    if ((*names)[index].empty()) (*names)[index] = std::to_string(index);
  }
  return tensorflow::Status();
}

std::vector<int> HighestScores(const float* scores, int count, int top_k) {
  std::vector<int> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [scores](int a, int b) {
    return scores[a] > scores[b];
  });
  order.resize(std::min(count, std::max(0, top_k)));
  return order;
}
