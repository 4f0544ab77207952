// Steps in native code: commands (Hadoop Streaming) and libraries (api/mapreduce.h), as map and reduce stage tasks run them.
// Pairs cross the shuffle as two strings of bytes. Counters and a command's stderr go to the log. The attempt's thread; a
// command is a child process of its own group.
//
// The pairs of a reduce task must fit in memory: they are sorted there, by the bytes of their keys.
#pragma once

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/mapreduce/stage_task.h"
#include "worker/mapreduce/site.h"
#include "worker/shuffle/map_writer.h"

namespace millrace::mapreduce {

// What a plan says when `map` is native. INVALID_ARGUMENT when the steps do not fit together or a library cannot be loaded.
Status PlanNative(const Site& site, sql::Connection& connection, JobPlan& plan);

// Every library that the plan's steps name can be loaded and has its class.
Status CheckLibraries(const Site& site, const JobPlan& plan);

// The plan's step of this name in native code; null when there is none.
const Fragment* CodeOf(const StagePlan& plan, const char* step);

// The work's splits, as lines, through the steps map, combine and partition. Counts lines.
StatusOr<shuffle::FinishedOutput> MapByUserCode(const Site& site, const StageTaskWork& work, const shuffle::OutputKey& key,
                                                std::int64_t& input_rows, std::vector<Counter>& counters);

// Also without a reduce step: then the sorted pairs are the result.
StatusOr<ReduceResult> ReduceByUserCode(const Site& site, const StageTaskWork& work, Gathered gathered);

// The same for SQL that goes on: what reduce makes of the pairs of a task's only read, as blocks of a view.
struct ReducedPairs {
  shuffle::FinishedOutput file;
  std::vector<sql::MapBlocks> blocks;
  std::int64_t input_rows = 0;
  std::vector<Counter> counters;
  std::vector<LostOutput> lost;  // corrupt ones; then there are no blocks
};
StatusOr<ReducedPairs> ReducePairs(const Site& site, const StageTaskWork& work, const Gathered& gathered);

}  // namespace millrace::mapreduce
