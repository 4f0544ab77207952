// Time as the program sees it. Two clocks: `wall` (UTC) decides when schedules fire and is what users see; `boot`
// (CLOCK_BOOTTIME) measures leases, retries and timeouts and never steps. Only main.cc makes a real Clock; everything else
// is handed one, or is handed `Now` as an argument (core and the engine never ask).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace millrace {

using Duration = std::chrono::microseconds;
using WallTime = std::chrono::sys_time<Duration>;

// Tag of the boot clock's time points; it has no now() on purpose.
struct BootClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<BootClock, Duration>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

struct Now {
  WallTime wall;
  BootTime boot;
  friend bool operator==(const Now&, const Now&) = default;
};

// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now now() const = 0;
};

inline std::int64_t ToMicros(WallTime time) { return time.time_since_epoch().count(); }
inline std::int64_t ToMicros(BootTime time) { return time.time_since_epoch().count(); }
inline WallTime WallFromMicros(std::int64_t micros) { return WallTime(Duration(micros)); }
inline BootTime BootFromMicros(std::int64_t micros) { return BootTime(Duration(micros)); }

}  // namespace millrace
