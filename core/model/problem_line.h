// A problem as people read it. Pure; any thread.
#pragma once

#include <string>

#include "core/model/dag.h"

namespace millrace {

// "file:line:column: message (suggestion)".
std::string ToLine(const Problem& problem);

}  // namespace millrace
