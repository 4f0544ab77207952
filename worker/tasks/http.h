// The task kind `http`: one request; its answer is the result, or a file beneath the root. Lives in a runner.
#pragma once

#include <atomic>

#include "worker/tasks/task.h"

namespace millrace::tasks {

class HttpTask final : public TaskKind {
 public:
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override { cancelled_ = true; }

 private:
  StatusOr<TaskEnd> Exchange(TaskContext& context);

  std::atomic<bool> cancelled_ = false;
};

}  // namespace millrace::tasks
