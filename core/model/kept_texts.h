// Whether a stage keeps texts while it combines rows: a max() of VARCHAR, an author's list(). DuckDB does not
// count the memory of such states, so it does not spill them, and whoever gives a task its rows has to see
// that they fit. Pure; any thread.
#pragma once

#include "core/model/job.h"

namespace millrace {

// Keys are no states: DuckDB counts and spills them.
bool KeepsTexts(const StagePlan& plan);

}  // namespace millrace
