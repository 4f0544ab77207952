// Rows of stages that are kept for later jobs: <root>/.millrace/cache/<hash>/, published as any output is, and beside it <hash>.json
// with when it ends; that file's time is when it was last used. The hash is over the author's key and over all that makes the rows:
// the stage and those before it, and the files of their inputs. So what is found is what would be computed. The plan attempt looks,
// publish keeps and drops. The attempt's thread; several attempts may do the same at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {

// What is left of a job when the rows that are kept are taken as they are: stages that are not needed any more are gone, and so are
// their inputs; cached stages are inputs. `plan` gets its inputs and what was found; gives the job as it is to be planned.
StatusOr<MapReduceSpec> UseCache(const Site& site, JobPlan& plan, WallTime now);

// Says when what was published at `path` beneath the root ends.
Status KeepCached(const Site& site, const std::string& stage, const std::string& path, WallTime now);

// How much room kept rows may take.
struct CacheLimits {
  std::int64_t most_bytes = 0;
  std::int64_t least_free_bytes = 0;          // on the file system
  std::chrono::seconds in_use{std::chrono::hours(1)};  // what was used so lately may be read by a job now
};
CacheLimits LimitsOf(const std::string& root);

// Drops what has ended, then what was not used for longest, until the limits hold. Gives what it dropped, for the log.
std::vector<std::string> DropCached(const std::string& root, const CacheLimits& limits, WallTime now);

}  // namespace millrace::mapreduce
