// Cut: at the barrier the partitions' sizes are known; one that is much larger than the others is read by several tasks, each of
// which gets some of its blocks. Whether they may, and what their answers are made of, the stage's plan says (StageCut). Where both
// sides of an inner join are hot by the same keys, both are divided: the pieces of one and those of the other are a grid of tasks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

// What a stage reads of one group, partition by partition.
struct CutRead {
  std::int32_t read = 0;  // of the stage's reads
  bool may_cut = false;   // it may be divided while the others are read whole
  std::vector<const MapResult*> maps;
  std::vector<SaltedKey> salts;  // as they were written, in the last `salted_partitions`
  std::int32_t salted_partitions = 0;
};

struct HotPartition {
  std::int32_t partition = 0;
  PartitionSize size;
  std::int32_t read = 0;               // that is divided
  std::vector<CutPoint> points;        // between its pieces, ascending
  std::int32_t other_read = -1;        // of a grid: the other that is divided
  std::vector<CutPoint> other_points;
  std::int64_t largest_task_bytes = 0;  // expected
  std::int64_t replicated_bytes = 0;    // what its tasks read more than once

  std::int64_t tasks() const { return static_cast<std::int64_t>((points.size() + 1) * (other_points.size() + 1)); }
};

struct CutChoice {
  std::int64_t usual_bytes = 0;  // the median partition, or what a task takes anyway
  std::int64_t largest_bytes = 0;
  std::int64_t largest_task_bytes = 0;  // afterwards
  std::vector<HotPartition> hot;        // by partition
  Decision decision;                    // no rule: nothing was hot
};

// `fixed`: the author gave a number of partitions, each of which is a task.
CutChoice Cut(const std::vector<CutRead>& reads, const StageCut& cut, bool fixed, std::int32_t slots,
              std::int64_t slot_bytes = 0);

// A task each.
std::vector<TaskShare> SharesOf(const HotPartition& partition, std::int32_t group);

// What a task reads, but for where its blocks begin and end.
std::int64_t BytesOf(const std::vector<CutRead>& reads, const TaskShare& share);

}  // namespace millrace::jobs
