// The kind `empty`: does nothing, successfully.
#pragma once

#include "worker/tasks/registry.h"

namespace millrace::tasks {

TaskEntry EmptyEntry();

}  // namespace millrace::tasks
