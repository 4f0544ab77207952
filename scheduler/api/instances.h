// Task instances as answers show them, gathered from several runs; each run and its DAG version is read once.
// Within one handler call.
#pragma once

#include <map>
#include <vector>

#include "scheduler/api/context.h"

namespace millrace::api {

class Shower {
 public:
  explicit Shower(Context& context) : context_(context) {}

  void Know(const Run& run) {
    runs_.insert_or_assign(run.key, run);
    dags_.erase(run.key);
  }
  StatusOr<Value::List> Show(const std::vector<TaskInstance>& rows);
  // The same of their keys, as the store has them now.
  StatusOr<Value::List> Show(const std::vector<TaskInstanceKey>& keys);

 private:
  Context& context_;
  std::map<RunKey, Run> runs_;
  std::map<RunKey, DagPtr> dags_;
};

}  // namespace millrace::api
