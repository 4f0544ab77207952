// Ranges: where a total sort cuts its order into partitions of about equal size, from the samples of the
// tasks that wrote the rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

struct RangesChoice {
  std::vector<std::string>
      bounds;  // in hex: the least of every partition but the first; ascending, each once
  Decision decision;
};

// Each sample stands for the rows of its task, in equal parts. At most `partitions` ranges; fewer where
// values repeat.
RangesChoice Ranges(const std::vector<const MapResult*>& maps, std::int32_t partitions);

}  // namespace millrace::jobs
