// JSON text to Value and back. Bounded, because text comes from strangers: at most 64 levels, checked while parsing (the
// JSON library's own tree overflows the stack on 100,000 levels). Duplicate keys are errors. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/model/value.h"

namespace millrace {

inline constexpr int kMaxJsonDepth = 64;

// INVALID_ARGUMENT says what is wrong and at which byte. Numbers without fraction that fit become integers.
StatusOr<Value> ParseJson(std::string_view text);

// Compact; members in their order; NaN and infinities become null; invalid UTF-8 is replaced.
std::string ToJson(const Value& value);
std::string ToPrettyJson(const Value& value);

}  // namespace millrace
