// The kind `sql`: statements in one transaction, in a database or in a fresh DuckDB. The result is the last statement's first
// rows.
#pragma once

#include "worker/tasks/database.h"

namespace millrace::tasks {

class SqlTask : public TaskKind {
 public:
  explicit SqlTask(const Workplace& workplace) : database_(workplace) {}
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override { database_.Cancel(); }

 private:
  StatusOr<std::string> RunAll(TaskContext& context);
  Database database_;
};

}  // namespace millrace::tasks
