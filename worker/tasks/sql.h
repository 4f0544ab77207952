// The kind `sql`: statements in one transaction, in a database or in a fresh DuckDB. A SELECT's first rows are shown in the log as
// a table; the last statement's are the result.
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
  Status Show(TaskContext& context, const std::string& select, Value& shown);
  Database database_;
};

}  // namespace millrace::tasks
