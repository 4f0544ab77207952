// Dependencies between tasks: ids to edges, cycles named, tasks put in topological order. Called by DagReader
// only. Pure.
#pragma once

#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace::dagbag {

// `needs` holds, for each task, the ids that its author wrote. Unknown ids and cycles become problems;
// otherwise the tasks are put in topological order, in the file's order as far as dependencies let them, and
// their edges are set.
void LinkTasks(std::vector<Task>& tasks, const std::vector<std::vector<Value>>& needs,
               std::vector<Problem>& problems);

}  // namespace millrace::dagbag
