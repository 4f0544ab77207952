#include "core/model/problem_line.h"

namespace millrace {

std::string ToLine(const Problem& problem) {
  std::string line = problem.file;
  if (problem.where.line > 0)
    line += ":" + std::to_string(problem.where.line) + ":" + std::to_string(problem.where.column);
  line += ": " + problem.message;
  return problem.suggestion.empty() ? line : line + " (" + problem.suggestion + ")";
}

}  // namespace millrace
