// Fields of a DAG file as numbers, times and text. Called by DagReader only, after CheckFields has told what
// does not fit: what does not is taken for left out. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "core/base/clock.h"
#include "core/calendar/format.h"
#include "core/model/value.h"

namespace millrace::dagbag {

inline bool IsTrue(const Value* value) { return value != nullptr && value->is_bool() && value->as_bool(); }

inline Duration LengthOf(const Value* value, Duration otherwise) {
  if (value == nullptr) return otherwise;
  if (value->is_number())
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value->as_double()));
  const StatusOr<Duration> length =
      value->is_string() ? ParseDuration(value->as_string()) : InvalidArgument("no duration");
  return length.ok() ? *length : otherwise;
}

inline int NumberOf(const Value* value, int otherwise) {
  if (value == nullptr || !value->is_int()) return otherwise;
  return static_cast<int>(std::clamp<std::int64_t>(value->as_int(), INT32_MIN, INT32_MAX));
}

// A list of strings, or one; each with its place.
inline Value::List NamesOf(const Value* value) {
  Value::List names;
  if (value == nullptr) return names;
  if (value->is_string()) names.push_back(*value);
  if (value->is_list()) {
    for (const Value& name : value->as_list()) {
      if (name.is_string()) names.push_back(name);
    }
  }
  return names;
}

}  // namespace millrace::dagbag
