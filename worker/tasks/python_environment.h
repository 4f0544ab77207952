// Virtual environments of Python tasks: made by pip once for what a task requires, kept in the worker's
// folder and shared by its runners. Called by python.cc on an attempt's thread.
//
// A folder holds them: HASH is a link to the finished one, renamed into place, HASH-... the environment
// itself, where an unfinished one is never found; HASH.lock is held shared while it is used and alone while
// it is made or dropped.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"
#include "worker/shuffle/descriptor.h"
#include "worker/tasks/process.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

inline constexpr std::size_t kMostEnvironments =
    16;  // kept; those used least lately go, unless they are in use

struct PythonEnvironment {
  std::string interpreter;
  shuffle::Descriptor in_use;  // as long as it lives, nobody drops the environment
};

// Whether the task's fields ask for one.
bool WantsEnvironment(const Value& with);

// That of the task's fields, made if there is none yet; what pip says goes to the log. `cancel` is readable
// when it should stop. CANCELLED, or what to do about it.
StatusOr<PythonEnvironment> TakeEnvironment(TaskContext& context, const std::string& folder,
                                            const std::string& interpreter, const Value& with,
                                            const ChildPlace& place, int cancel);

}  // namespace millrace::tasks
