// The plan attempt: what the job reads, what crosses its shuffle and what it writes, bound before anything runs. One thread.
//
// SQL of the steps reads: map, the inputs by name; combine, `mapped` (the map's rows); merge and reduce, `shuffled`. Merge SQL
// that follows from `aggregate` reads `states`, so that `shuffled` can be its result.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {

inline constexpr const char* kMapped = "mapped";
inline constexpr const char* kShuffled = "shuffled";
inline constexpr const char* kStates = "states";
inline constexpr const char* kMerged = "merged";

// INVALID_ARGUMENT: the author must change something. Anything else may pass (a missing input).
StatusOr<JobPlan> MakePlan(const Site& site);

// What DuckDB writes to a file for these columns: 128-bit integers, which Parquet does not have, as DECIMAL(38,0).
std::string WrittenSelect(const std::string& select, const std::vector<Column>& columns);
std::vector<Column> WrittenColumns(std::vector<Column> columns);

}  // namespace millrace::mapreduce
