// What is due on the boot clock, earliest first. Entries are never removed early: whoever handles one looks
// whether it still means something. Equal times go by kind and key, so that a seed gives one order.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "core/base/clock.h"
#include "core/model/ids.h"

namespace millrace::engine {

// After which the store is asked again what it could not say: one that is slow is not asked in a circle.
constexpr Duration kStorePause = std::chrono::seconds(1);

enum class TimerKind : std::uint8_t {
  kLease,       // `session`
  kRetry,       // `instance`, after `try_number`
  kBackstop,    // `fence`: its worker should have ended it long ago
  kJobTimeout,  // `instance`, in `try_number`
  kJobTick,     // `instance`, in `try_number`: are some of its tasks slow?
  kRunTimeout,  // `instance`'s run
  kAskAgain,    // for what `instance` wants of the store, or for the run before its run (index -1)
  kBackfill,    // `instance.run` is its id: ask the store again
  kDeferred,    // `instance`, in `try_number`, has waited long enough
  kWaitOver,    // `instance`, in `try_number`: has waited for too long
  kAskRuns,     // `instance` waits for runs that the store did not tell of
  kDelivery,    // `instance.run` is a notification's id: its next try
  kWatch,       // the watch that looked as `fence` looks again
  kRunRetry,    // `instance`'s run is tried again, for the `try_number`-th time
};

struct Timer {
  BootTime at{};
  TimerKind kind = TimerKind::kLease;
  SessionId session{};
  TaskInstanceKey instance;
  std::int32_t try_number = 0;
  Fence fence;
  friend auto operator<=>(const Timer&, const Timer&) = default;
};

class Timers {
 public:
  void Add(const Timer& timer) { heap_.push(timer); }
  std::optional<BootTime> Next() const {
    return heap_.empty() ? std::nullopt : std::optional(heap_.top().at);
  }
  // The earliest that is due at `now`, taken out.
  std::optional<Timer> TakeDue(BootTime now) {
    if (heap_.empty() || heap_.top().at > now) return std::nullopt;
    const Timer timer = heap_.top();
    heap_.pop();
    return timer;
  }

 private:
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> heap_;
};

}  // namespace millrace::engine
