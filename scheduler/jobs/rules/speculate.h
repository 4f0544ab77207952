// Speculate: near the end of a stage, a task that takes far longer than its size explains is tried a second time elsewhere; the first of
// the two that ends well is chosen.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/clock.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

// A task that ended, or that runs since `time`; `bytes` is what it reads.
struct TimedTask {
  std::int32_t index = 0;
  std::int64_t bytes = 0;
  Duration time{0};
};

struct SpeculateChoice {
  struct Again {
    std::int32_t index = 0;
    Decision decision;
  };
  std::vector<Again> again;  // the slowest first
};

// `running` without those that are tried twice already, of which there are `twice`.
SpeculateChoice Speculate(const std::vector<TimedTask>& ended, std::vector<TimedTask> running, std::size_t twice);

}  // namespace millrace::jobs
