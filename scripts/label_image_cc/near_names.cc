#include "near_names.h"

#include <algorithm>
#include <utility>

namespace {

constexpr double kSimilar = 0.6;
constexpr size_t kMost = 3;

// Returns the share of letters that two names have in common in the same order,
// in [0, 1].
double Similarity(const std::string& a, const std::string& b) {
  std::vector<int> row(b.size() + 1, 0);
  for (const char letter : a) {
    int diagonal = 0;
    for (size_t j = 0; j < b.size(); ++j) {
      const int above = row[j + 1];
      row[j + 1] = letter == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return 2.0 * row.back() / std::max<size_t>(1, a.size() + b.size());
}

}  // namespace

std::string DidYouMean(const std::string& name,
                       const std::vector<std::string>& known) {
  std::vector<std::pair<double, std::string>> similar;
  for (const std::string& other : known) {
    const double shorter = std::min(name.size(), other.size());
    const double longer = std::max(name.size(), other.size());
    if (2 * shorter < kSimilar * (shorter + longer)) continue;
    const double similarity = Similarity(name, other);
    if (similarity >= kSimilar) similar.emplace_back(-similarity, other);
  }
  std::sort(similar.begin(), similar.end());
  similar.resize(std::min(similar.size(), kMost));
  std::string text;
  for (const auto& item : similar) {
    text += (text.empty() ? " Did you mean " : " or ") + item.second;
  }
  return text.empty() ? text : text + "?";
}
