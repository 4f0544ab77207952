// Something wrong in a template, with its place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace millrace {

struct TemplateProblem {
  std::size_t offset = 0;  // in bytes, from the start of the text
  int line = 1;            // 1-based, within the text
  int column = 1;
  std::string message;
  std::string suggestion;  // "did you mean 'ds_nodash'?", or ""
};

// Line and column of an offset in a text.
TemplateProblem ProblemAt(std::string_view text, std::size_t offset, std::string message,
                          std::string suggestion = "");

// INVALID_ARGUMENT: "template, line 1, column 4: 'dss' is undefined; did you mean 'ds'?"
Status ToStatus(const TemplateProblem& problem);

namespace jinja {
// "did you mean 'x'?" for the candidate closest to a name, or "".
std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates);
}  // namespace jinja

}  // namespace millrace
