// A stage task whose steps are SQL, or end in it: the views of what it reads, the steps over them, and what
// is written, all at once or in turns (turns.h). The attempt's thread; DuckDB uses the site's threads.
#pragma once

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/mapreduce/site.h"
#include "worker/mapreduce/stage_task.h"

namespace millrace::mapreduce {

// As RunStageTask, when all blocks are there.
StatusOr<StageTaskOutput> RunSqlTask(const Site& site, const StageTaskWork& work, Gathered gathered);

}  // namespace millrace::mapreduce
