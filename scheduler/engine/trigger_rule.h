// Airflow's twelve trigger rules: what the ends of an instance's direct upstream mean for it. Pure.
#pragma once

#include "core/model/dag.h"
#include "scheduler/engine/live.h"

namespace millrace::engine {

enum class Readiness { kWait, kReady, kSkip, kUpstreamFailed };

// Adds `by` ends in `state`; states that are no end count nothing.
void Count(UpstreamEnds& ends, TaskState state, std::int32_t by);

// `upstream`: how many direct upstream tasks there are; none makes every rule hold.
Readiness Evaluate(TriggerRule rule, const UpstreamEnds& ends, std::int32_t upstream);

}  // namespace millrace::engine
