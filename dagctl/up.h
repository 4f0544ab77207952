// `dagctl up`: a scheduler and workers on this machine, found beside dagctl's own program, kept until Ctrl-C
// or SIGTERM, then drained and stopped. Writes nothing but to the state folder. One thread; owns its
// children.
#pragma once

#include "core/base/clock.h"
#include "core/base/status.h"
#include "dagctl/cluster.h"

namespace millrace::dagctl {

// Returns when everything has stopped. An error says which program failed and where its log is.
Status Up(ClusterOptions options, const Clock& clock);

}  // namespace millrace::dagctl
