// What tests of specs write, and what its author is told of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/json.h"
#include "core/spec/task_kind.h"

namespace millrace {

inline Value Json(std::string_view text) { return ParseJson(text).value(); }

// All that is wrong with `with` for a task of this kind.
inline std::vector<Problem> ProblemsOf(const TaskKind& kind, const Value& with) {
  std::vector<Problem> problems;
  CheckFields(with, kind.fields, kind.name, problems);
  if (kind.check != nullptr) kind.check(with, problems);
  return problems;
}

// A line a problem: what is wrong, and what to write instead.
inline std::string Told(const std::vector<Problem>& problems) {
  std::string all;
  for (const Problem& problem : problems) all += problem.message + " (" + problem.suggestion + ")\n";
  return all;
}

}  // namespace millrace
