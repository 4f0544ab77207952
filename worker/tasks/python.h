// The task kinds `python` and `sensor_python`: a function in a file of the DAG version, arguments and result as JSON. One warm
// server an interpreter (python_server.h) is kept by the entry; the attempt is a fork of it, in a process
// group of its own, followed like a shell command. Any thread; lives in a runner.
#pragma once

#include <map>
#include <string>

#include "worker/tasks/registry.h"

namespace millrace::tasks {

// `environment`: what the interpreters inherit. `environments`: the folder of virtual environments
// (python_environment.h).
TaskEntry PythonEntry(std::map<std::string, std::string> environment, std::string environments);

}  // namespace millrace::tasks
