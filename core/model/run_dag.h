// The DAG by which a run's task instances are read: its version, and behind it the tasks that the run has had and the
// version has not (Run::former_tasks), of which only the ids are known. Used by the engine, the store and the API wherever
// they have a run and its version. Pure.
#pragma once

#include "core/model/dag.h"
#include "core/model/run.h"

namespace millrace {

// The version itself where there is nothing to add.
DagPtr DagOfRun(const Run& run, DagPtr version);

// How many tasks the version of `dag`, which DagOfRun gave for `run`, has itself.
std::int32_t OwnTasks(const Run& run, const Dag& dag);

}  // namespace millrace
