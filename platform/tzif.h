// A compiled time zone file (TZif, RFC 8536) as a list of offsets over time. Private to this room.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace millrace::platform {

struct OffsetPeriod {
  std::int64_t from;            // seconds since 1970, UTC
  std::chrono::seconds offset;  // from then on
  friend bool operator==(const OffsetPeriod&, const OffsetPeriod&) = default;
};

// Periods in order, the first from the beginning of time. The rule that a file ends with
// ("EST5EDT,M3.2.0,M11.1.0") is written out until the year 2500; from then on the last offset stays.
// DATA_LOSS for what is no such file.
StatusOr<std::vector<OffsetPeriod>> ReadTzif(std::string_view bytes);

}  // namespace millrace::platform
