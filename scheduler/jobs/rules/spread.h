// Spread: how many map tasks and partitions a distributed job gets, and which splits each map task takes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

inline constexpr std::int32_t kMaxMapTasks = 10'000;
inline constexpr std::int32_t kMaxPartitions = 2'000;

struct SpreadChoice {
  std::int32_t map_tasks = 1;
  std::int32_t partitions = 1;
  Decision decision;
};

SpreadChoice Spread(const JobPlan& plan, std::int32_t workers, std::int32_t slots);

// The splits, kept in order, dealt into `map_tasks` runs of about equal bytes; none is empty while there are splits left.
std::vector<std::vector<Split>> Deal(const std::vector<Split>& splits, std::int32_t map_tasks);

}  // namespace millrace::jobs
