// The kind `extract`: what one SELECT answers becomes a published folder of files. A full repeat gives the same folder.
#pragma once

#include "worker/tasks/database.h"

namespace millrace::tasks {

class ExtractTask : public TaskKind {
 public:
  explicit ExtractTask(const Workplace& workplace) : scheduler_(workplace.scheduler), database_(workplace) {}
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override { database_.Cancel(); }

 private:
  StatusOr<std::string> Extract(TaskContext& context);
  const std::string scheduler_;
  Database database_;
};

}  // namespace millrace::tasks
