// Tries whether a connection works, for somebody who asks: http answers, a mail server takes the login, a
// database file opens, a PostgreSQL server takes connections. No kind for authors: the scheduler sends it when
// the API is asked, beside the slots. The message of its end is the answer.
#pragma once

#include <atomic>

#include "worker/tasks/database.h"
#include "worker/tasks/registry.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

class ConnectionTest final : public TaskKind {
 public:
  explicit ConnectionTest(const Workplace& workplace) : database_(workplace) {}
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override;

 private:
  StatusOr<std::string> Try(TaskContext& context);

  std::atomic<bool> cancelled_ = false;
  Database database_;
};

}  // namespace millrace::tasks
