// The DAGs that every world of the simulator has. Called by World; they do not depend on the seed.
#pragma once

#include <vector>

#include "core/model/dag.h"

namespace millrace::sim {

std::vector<DagPtr> Dags();
// Another version of the one that is called "changes".
inline constexpr int kVersions = 4;
DagPtr Changed(int version);

}  // namespace millrace::sim
