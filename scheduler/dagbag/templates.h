// Templates of a DAG, checked before anything runs. Called by DagReader only. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "core/model/dag.h"

namespace millrace::dagbag {

// Undefined names, bad syntax and XComs of tasks that do not exist in the tasks' fields, each at its place in
// `source`.
void CheckTemplates(const Dag& dag, std::string_view source, std::vector<Problem>& problems);

}  // namespace millrace::dagbag
