// Scripts of the DAG version that an assignment carries, as files. For kinds that run commands; the attempt's thread.
#pragma once

#include <string>

#include "core/base/status.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

// Writes them below `folder`, executable, for this attempt alone.
Status LayOutFiles(const TaskContext& context, const std::string& folder);

}  // namespace millrace::tasks
