// JSON Lines inputs: what their columns are, found once by the plan attempt as DuckDB guesses them, and pinned; and who reads them.
// Ours (worker/readers) reads a JSON object a line; what it does not do, DuckDB's read_json does. The attempt's thread.
#pragma once

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// Fills in columns and reader of an input whose paths are known.
Status FindJsonLines(sql::Connection& connection, const InputSpec& spec, InputFacts& input);

}  // namespace millrace::mapreduce
