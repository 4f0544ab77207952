// The DAGs that every world of the simulator has. Called by World; they do not depend on the seed.
#pragma once

#include <vector>

#include "core/model/dag.h"

namespace millrace::sim {

std::vector<DagPtr> Dags();

}  // namespace millrace::sim
