// Coalesce: at the barrier the partitions' sizes are known; small neighbours are reduced by one task.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

struct CoalesceChoice {
  std::vector<std::int32_t> begins;  // first partition of each reduce task; the first is 0
  Decision decision;
};

// `fixed`: the author gave a number of partitions, and each gets a task of its own.
CoalesceChoice Coalesce(const std::vector<PartitionSize>& partitions, bool fixed, std::int32_t slots);

}  // namespace millrace::jobs
