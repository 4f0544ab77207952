// The kind `load`: files into a table of a DuckDB database, in one transaction that also remembers the fence, so that a repeat
// loads nothing twice and an attempt that was given up cannot load after its successor.
#pragma once

#include "worker/tasks/database.h"

namespace millrace::tasks {

class LoadTask : public TaskKind {
 public:
  explicit LoadTask(const Workplace& workplace) : database_(workplace) {}
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override { database_.Cancel(); }

 private:
  StatusOr<std::string> Load(TaskContext& context);
  Status InTransaction(TaskContext& context, const Value& with, const std::string& source);
  Status RefuseOlder(const Assignment& assignment);
  Status Remember(const Assignment& assignment);
  Status Append(const Assignment& assignment, const std::string& table, const std::string& source);
  Status Merge(const std::vector<std::string>& key, const std::string& table, const std::string& source);
  Database database_;
};

}  // namespace millrace::tasks
