// A stage task: its splits, and the blocks of its partitions from every map, through the stage's steps, into
// one map output or into files in staging. The fused task does the whole job in one DuckDB instead. The
// attempt's thread; DuckDB and native code use the site's threads. Who keeps and serves a map output is not
// decided here.
#pragma once

#include <optional>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/mapreduce/site.h"
#include "worker/shuffle/fetcher.h"
#include "worker/shuffle/map_writer.h"
#include "worker/sql/shuffle_scan.h"

namespace millrace::mapreduce {

// Blocks of some partitions, of every map.
struct Gathered {
  std::vector<std::vector<sql::MapBlocks>> reads;  // as in the work
  std::vector<LostOutput> lost;                    // could not be read any more, sorted
  std::int64_t bytes = 0;                          // of all blocks
};
// UNAVAILABLE sources are asked again a few times, then taken for lost. Cancellation ends it between two
// sources.
StatusOr<Gathered> Gather(const Site& site, const StageTaskWork& work, shuffle::Fetcher& fetcher);

struct StageTaskOutput {
  std::optional<shuffle::FinishedOutput> blocks;  // of a stage that shuffles, unless maps were lost
  // MapResult (but for where the blocks are served), or ReduceResult: of files, or with lost maps, and then
  // the attempt has failed for that reason alone and wrote nothing. Bytes by way of transport are the
  // fetcher's to tell.
  StageResult result;
};

// INVALID_ARGUMENT and UNIMPLEMENTED: no retry can mend it.
StatusOr<StageTaskOutput> RunStageTask(const Site& site, const StageTaskWork& work,
                                       shuffle::Fetcher& fetcher);

StatusOr<ReduceResult> RunFusedTask(const Site& site, const FusedWork& work);

// Their views, one over the other.
Status RunSteps(sql::Connection& connection, const std::vector<Step>& steps);

// What a shuffling task answers of the blocks that it wrote.
MapResult ResultOf(const Site& site, const StageTaskWork& work, const shuffle::FinishedOutput& blocks);

}  // namespace millrace::mapreduce
