// The simulated time line: what happens when, one thing after another, on a clock that jumps from one to the
// next. Things of the same instant keep their order.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "core/base/clock.h"

namespace millrace::sim {

class Timeline final : public Clock {
 public:
  Now now() const override { return now_; }

  void At(BootTime time, std::function<void()> what) {
    queue_.emplace(std::pair(std::max(time, now_.boot), ++count_), std::move(what));
  }
  void After(Duration delay, std::function<void()> what) { At(now_.boot + delay, std::move(what)); }
  // Does the next thing; false when there is none until `end`, where the clock then stands.
  bool Step(BootTime end) {
    if (queue_.empty() || queue_.begin()->first.first > end) {
      MoveTo(end);
      return false;
    }
    auto next = queue_.extract(queue_.begin());
    MoveTo(next.key().first);
    next.mapped()();
    return true;
  }

 private:
  void MoveTo(BootTime time) {
    now_.wall += time - now_.boot;
    now_.boot = time;
  }

  Now now_{WallFromMicros(983'404'800'000'000), BootTime(std::chrono::hours(1))};  // 2001-03-01
  std::map<std::pair<BootTime, std::uint64_t>, std::function<void()>> queue_;
  std::uint64_t count_ = 0;
};

}  // namespace millrace::sim
