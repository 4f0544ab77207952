// What follows from a DAG's edges once they are linked: which setups a task uses, what its priority counts,
// which XComs its templates read. Called by DagReader only. Pure.
#pragma once

#include "core/model/dag.h"

namespace millrace::dagbag {

void CompleteFlow(Dag& dag);

}  // namespace millrace::dagbag
