// Fuse: run the whole job as one fragment on one worker, without a shuffle, when that is not slower than spreading it.
#pragma once

#include <cstdint>

#include "core/model/job.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

struct FuseChoice {
  bool fused = false;
  double fused_seconds = 0;
  double distributed_seconds = 0;
  Decision decision;
};

// `slots` over all `workers`. The author's mode, and a number of partitions (which always shuffles), come first.
// `slot_bytes`: the memory of a slot; 0: not known.
FuseChoice Fuse(const JobPlan& plan, std::int32_t workers, std::int32_t slots, std::int64_t slot_bytes = 0);

}  // namespace millrace::jobs
