// What a worker is told of an attempt: the task's fields with their templates filled in, and its ids and
// dates. Pure. Called by the engine when it places an attempt, and again when it must be sent a second time.
#pragma once

#include "core/base/status.h"
#include "core/model/attempt.h"
#include "core/model/dag.h"
#include "core/model/run.h"

namespace millrace::engine {

// Everything but `with`.
Assignment Frame(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance, Fence fence);

// INVALID_ARGUMENT says which template does not render, where it stands and why.
StatusOr<Assignment> Render(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                            Fence fence);

}  // namespace millrace::engine
