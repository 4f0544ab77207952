// Files that no stage can want rows of, by the folders they lie in: a condition that DuckDB finds false for a folder's values. The
// plan attempt calls it once the stages are bound. Its thread.
#pragma once

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// Takes such files out of the inputs' paths; at least one stays. Only for inputs that are read by SELECTs which look at one row at a
// time: of those, the rows of two folders together give what they give apart.
Status PruneFiles(sql::Connection& connection, const MapReduceSpec& spec, JobPlan& plan);

}  // namespace millrace::mapreduce
