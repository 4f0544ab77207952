// The kind `check`: data-quality checks and contracts over files; failing rows are shown in the log and, when asked, written to
// a quarantine folder. A failed check of severity error fails the attempt for good: the data will not be better next time.
#pragma once

#include "core/spec/check_spec.h"
#include "worker/tasks/database.h"

namespace millrace::tasks {

class CheckTask : public TaskKind {
 public:
  // `clock`: what freshness is measured against.
  CheckTask(const Workplace& workplace, const Clock& clock) : scheduler_(workplace.scheduler), database_(workplace), clock_(clock) {}
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override { database_.Cancel(); }

 private:
  StatusOr<TaskEnd> Check(TaskContext& context);
  StatusOr<std::int64_t> Quarantine(TaskContext& context, const std::string& to, const std::vector<CheckSpec>& checks);
  const std::string scheduler_;
  Database database_;
  const Clock& clock_;
};

}  // namespace millrace::tasks
