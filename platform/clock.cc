#include "platform/clock.h"

#include <ctime>

#include "core/base/status.h"

namespace millrace::platform {
namespace {

Duration Read(clockid_t clock) {
  timespec time{};
  MILLRACE_CHECK(clock_gettime(clock, &time) == 0);
  return std::chrono::seconds(time.tv_sec) +
         std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

Now SystemClock::now() const { return {WallTime(Read(CLOCK_REALTIME)), BootTime(Read(CLOCK_BOOTTIME))}; }

}  // namespace millrace::platform
