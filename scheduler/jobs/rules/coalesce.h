// Coalesce: at the barrier the partitions' sizes are known; small neighbours are reduced by one task.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

struct CoalesceChoice {
  std::vector<std::int32_t> begins;  // first partition of each reduce task
  std::vector<std::int32_t> ends;    // and the one after its last
  Decision decision;
};

// What is put together for one task, of so many bytes; `slot_bytes` is the memory of a slot, 0 when it is not known.
std::int64_t CoalesceTarget(std::int64_t total, std::int32_t slots, std::int64_t slot_bytes);

// `fixed`: the author gave a number of partitions, and each gets a task of its own. `without` are read elsewhere, or empty for
// sure: no task reads them; none, or as many as partitions.
CoalesceChoice Coalesce(const std::vector<PartitionSize>& partitions, bool fixed, std::int32_t slots,
                        const std::vector<bool>& without = {}, std::int64_t slot_bytes = 0);

}  // namespace millrace::jobs
