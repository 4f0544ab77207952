// What changed between two texts, by line, in the form of `diff -u`. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::dagctl {

struct DiffLine {
  char sign = ' ';  // ' ', '-', '+', or '@' for the head of a hunk
  std::string text;
};

// Empty when they are the same. `context` lines around each change.
std::vector<DiffLine> DiffTexts(std::string_view before, std::string_view after, int context = 3);

}  // namespace millrace::dagctl
