// The kind `shell`: a command in a process group of its own; its output is the attempt's log. Exit status 0
// is success, 99 skips the task. Stopping is TERM to the group, KILL after the grace; whatever of the group
// is left when the command has ended is killed too.
#pragma once

#include <map>
#include <string>

#include "worker/tasks/registry.h"

namespace millrace::tasks {

// `environment` is what every command finds: PATH, HOME, LANG.
TaskEntry ShellEntry(std::map<std::string, std::string> environment);

}  // namespace millrace::tasks
