#include "dagctl/text_diff.h"

#include <algorithm>
#include <cstdint>

namespace millrace::dagctl {
namespace {

// Beyond this the middle is shown as one change: a table of that size is not worth its memory.
constexpr std::size_t kMaxCells = 16'000'000;

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

struct Step {
  char sign;
  std::size_t before, after;  // the places that it stands at
};

// The shortest way from one to the other: longest common subsequence between what both begin and end with.
std::vector<Step> Steps(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  std::size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    ++tail;
  const std::size_t rows = a.size() - head - tail;
  const std::size_t columns = b.size() - head - tail;
  std::vector<Step> steps;
  for (std::size_t i = 0; i < head; ++i) steps.push_back({' ', i, i});
  std::size_t i = 0;
  std::size_t j = 0;
  if (rows > 0 && columns > 0 && (rows + 1) * (columns + 1) <= kMaxCells) {
    std::vector<std::uint32_t> common((rows + 1) * (columns + 1));
    const auto at = [&](std::size_t row, std::size_t column) -> std::uint32_t& {
      return common[row * (columns + 1) + column];
    };
    for (std::size_t row = rows; row-- > 0;) {
      for (std::size_t column = columns; column-- > 0;) {
        at(row, column) = a[head + row] == b[head + column]
                              ? at(row + 1, column + 1) + 1
                              : std::max(at(row + 1, column), at(row, column + 1));
      }
    }
    while (i < rows && j < columns) {
      if (a[head + i] == b[head + j]) {
        steps.push_back({' ', head + i++, head + j++});
      } else if (at(i + 1, j) >= at(i, j + 1)) {
        steps.push_back({'-', head + i++, head + j});
      } else {
        steps.push_back({'+', head + i, head + j++});
      }
    }
  }
  for (; i < rows; ++i) steps.push_back({'-', head + i, head + j});
  for (; j < columns; ++j) steps.push_back({'+', head + i, head + j});
  for (std::size_t k = 0; k < tail; ++k) steps.push_back({' ', head + rows + k, head + columns + k});
  return steps;
}

}  // namespace

std::vector<DiffLine> DiffTexts(std::string_view before, std::string_view after, int context) {
  const std::vector<std::string_view> a = Lines(before);
  const std::vector<std::string_view> b = Lines(after);
  const std::vector<Step> steps = Steps(a, b);
  const auto around = static_cast<std::size_t>(std::max(context, 0));
  std::vector<bool> shown(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].sign == ' ') continue;
    const std::size_t from = i < around ? 0 : i - around;
    for (std::size_t k = from; k < std::min(steps.size(), i + around + 1); ++k) shown[k] = true;
  }
  std::vector<DiffLine> lines;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!shown[i]) continue;
    if (i == 0 || !shown[i - 1])
      lines.push_back({'@', "from line " + std::to_string(steps[i].before + 1) + " to line " +
                                std::to_string(steps[i].after + 1)});
    lines.push_back(
        {steps[i].sign, std::string(steps[i].sign == '+' ? b[steps[i].after] : a[steps[i].before])});
  }
  return lines;
}

}  // namespace millrace::dagctl
