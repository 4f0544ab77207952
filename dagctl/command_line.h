// dagctl's command line: which command, with which options. main.cc calls it once.
#pragma once

#include "core/base/clock.h"
#include "core/base/zones.h"

namespace millrace::dagctl {

// The exit status.
int RunCommandLine(int argc, char** argv, const Clock& clock, const ZoneDatabase& zones, bool terminal);

}  // namespace millrace::dagctl
