// Names of runs that somebody asks for without a name: two of one moment get two names. Any thread.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/calendar/format.h"

namespace millrace::api {

class RunNames {
 public:
  explicit RunNames(const Clock& clock) : clock_(clock) {}
  // "manual__2001-03-01T02:00:00.000001+00:00"
  std::string Next(std::string_view prefix) {
    const std::lock_guard lock(mutex_);
    last_ = std::max(clock_.now().wall, last_ + Duration(1));
    return std::string(prefix) + "__" + FormatTs(last_);
  }

 private:
  const Clock& clock_;
  std::mutex mutex_;
  WallTime last_{};
};

}  // namespace millrace::api
