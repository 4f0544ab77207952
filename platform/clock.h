// The machine's clocks. Made once by each main.cc and handed to whoever needs the time; any thread.
#pragma once

#include "core/base/clock.h"

namespace millrace::platform {

// wall: CLOCK_REALTIME. boot: CLOCK_BOOTTIME, which also counts while the machine sleeps.
class SystemClock final : public Clock {
 public:
  Now now() const override;
};

}  // namespace millrace::platform
