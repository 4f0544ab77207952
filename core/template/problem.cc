#include "core/template/problem.h"

#include <algorithm>

namespace millrace {

TemplateProblem ProblemAt(std::string_view text, std::size_t offset, std::string message,
                          std::string suggestion) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return {offset, static_cast<int>(line), static_cast<int>(column), std::move(message),
          std::move(suggestion)};
}

Status ToStatus(const TemplateProblem& problem) {
  return InvalidArgument("template, line " + std::to_string(problem.line) + ", column " +
                         std::to_string(problem.column) + ": " + problem.message +
                         (problem.suggestion.empty() ? "" : "; " + problem.suggestion));
}

namespace jinja {
namespace {

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates) {
  if (name.size() > 100) return "";
  std::size_t best = std::max<std::size_t>(name.size() / 3, 1) + 1;
  const std::string* nearest = nullptr;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = &candidate;
    }
  }
  return nearest == nullptr ? "" : "did you mean '" + *nearest + "'?";
}

}  // namespace jinja
}  // namespace millrace
