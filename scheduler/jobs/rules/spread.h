// Spread: how many tasks the splits of a stage are dealt to, how many partitions a shuffle gets.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

inline constexpr std::int32_t kMaxMapTasks = 10'000;
inline constexpr std::int32_t kMaxPartitions = 2'000;

struct SpreadChoice {
  std::int32_t tasks = 1;
  Decision decision;
};

// `splits` are those of one stage. `slot_bytes` here and below is the memory of a slot, 0 when it is not known.
SpreadChoice Spread(const std::vector<Split>& splits, std::int32_t workers, std::int32_t slots, std::int64_t slot_bytes = 0);

// `asked` by the author, 0 when it is ours to choose; `bytes` are what the stages before it read.
std::int32_t PartitionsOf(std::int32_t asked, std::int64_t bytes, std::int32_t slots, std::int64_t slot_bytes = 0);

// What one task reads of a shuffle at best: what makes a task worth its start, as far as a slot's memory can hold it. DuckDB spills,
// but not everything and not below some ten megabytes.
std::int64_t TargetBytes(std::int64_t slot_bytes);

// The splits, kept in order, dealt into `tasks` runs of about equal bytes; none is empty while there are splits left.
std::vector<std::vector<Split>> Deal(const std::vector<Split>& splits, std::int32_t tasks);

}  // namespace millrace::jobs
