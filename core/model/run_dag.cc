#include "core/model/run_dag.h"

#include <utility>

namespace millrace {

DagPtr DagOfRun(const Run& run, DagPtr version) {
  if (version == nullptr || !run.former_tasks || run.former_tasks->empty()) return version;
  Dag dag = *version;
  for (const std::string& id : *run.former_tasks) {
    Task task;
    task.id = id;
    task.kind = "empty";
    dag.tasks.push_back(std::move(task));
  }
  return std::make_shared<const Dag>(std::move(dag));
}

std::int32_t OwnTasks(const Run& run, const Dag& dag) {
  return static_cast<std::int32_t>(dag.tasks.size() - (run.former_tasks ? run.former_tasks->size() : 0));
}

}  // namespace millrace
