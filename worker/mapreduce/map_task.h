// A map stage task: the rows of its splits, through the map and combine steps, into one map output. The attempt's thread;
// DuckDB and native code use the site's threads. Who keeps and serves the output is not decided here.
#pragma once

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/mapreduce/site.h"
#include "worker/shuffle/map_writer.h"

namespace millrace::mapreduce {

struct MapTaskOutput {
  shuffle::FinishedOutput blocks;
  MapResult result;  // but for where the blocks are served
};

// INVALID_ARGUMENT and UNIMPLEMENTED: no retry can mend it.
StatusOr<MapTaskOutput> RunMapTask(const Site& site, const MapWork& work);

}  // namespace millrace::mapreduce
