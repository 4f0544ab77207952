// What counts as true where a template decides: a rendered text is never a boolean. Pure.
#pragma once

#include <string>

#include "core/model/value.h"

namespace millrace::engine {

inline bool IsTrue(const Value& value) {
  if (value.is_null()) return false;
  if (value.is_bool()) return value.as_bool();
  if (value.is_number()) return value.as_double() != 0;
  if (value.is_list()) return !value.as_list().empty();
  if (value.is_map()) return !value.as_map().empty();
  const std::string& text = value.as_string();
  return !text.empty() && text != "False" && text != "false" && text != "None" && text != "0";
}

// A member of a map that is not there is false.
inline bool IsTrue(const Value* value) { return value != nullptr && IsTrue(*value); }

}  // namespace millrace::engine
