// `millrace-worker runner`: the child's side of a runner. Reads the socket, runs each attempt on a thread of
// its own, and sees to it that nothing outlives its right to run: timeouts, the lease, the agent's death.
// When it must die it takes every process of its session with it.
#pragma once

#include <functional>

#include "core/base/clock.h"
#include "worker/tasks/registry.h"

namespace millrace::tasks {

// `descriptor` is the runner's end of the socket pair. Returns the process's exit status, after the agent has
// closed its end and every attempt is dead; usually it does not return but kills itself. SIGTERM must be
// blocked in every thread.
int RunRunner(int descriptor, const Clock& clock,
              const std::function<Registry(const Workplace&)>& make_registry);

}  // namespace millrace::tasks
