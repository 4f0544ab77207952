// strftime and strptime as Python has them, in English, without the C library's locale and time zone: what
// templates and partition keys are written and read by. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace {

// What %z and %Z stand for: "+0200", "CEST"; nothing when they are empty.
struct ClockZone {
  std::string offset;
  std::string name;
};

// `shown` is what the clock there shows, as if it were UTC. INVALID_ARGUMENT for a directive that is not
// supported.
StatusOr<std::string> FormatByPattern(WallTime shown, std::string_view format, const ClockZone& zone);

struct PatternTime {
  WallTime shown;
  std::optional<Duration> offset;  // of %z
};
// INVALID_ARGUMENT when the text does not look like the format. What the format leaves out is of 1900-01-01.
StatusOr<PatternTime> ParseByPattern(std::string_view text, std::string_view format);

}  // namespace millrace
