// A reduce stage task: the blocks of its partitions from every map output, through the merge and reduce steps, into files in
// staging. The fused task does the whole job in one DuckDB statement instead. The attempt's thread.
#pragma once

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/mapreduce/site.h"
#include "worker/shuffle/fetcher.h"
#include "worker/sql/shuffle_scan.h"

namespace millrace::mapreduce {

// Blocks of some partitions, of every map.
struct Gathered {
  std::vector<sql::MapBlocks> blocks;
  std::vector<std::int32_t> lost_maps;  // could not be read any more, sorted
};
// UNAVAILABLE sources are asked again a few times, then taken for lost. Cancellation ends it between two sources.
StatusOr<Gathered> Gather(const Site& site, const ReduceWork& work, shuffle::Fetcher& fetcher);

// With lost maps in the answer the attempt has failed for that reason alone, and wrote nothing. Bytes by way of transport are
// the fetcher's to tell.
StatusOr<ReduceResult> RunReduceTask(const Site& site, const ReduceWork& work, shuffle::Fetcher& fetcher);

StatusOr<ReduceResult> RunFusedTask(const Site& site, const FusedWork& work);

}  // namespace millrace::mapreduce
