#include "core/spec/dag_references.h"

#include <utility>

namespace millrace {

std::vector<DagReference> ReferencesOf(const Dag& dag) {
  std::vector<DagReference> found;
  for (const Task& task : dag.tasks) {
    if (task.kind == kTriggeringKind)
      found.push_back({DagReference::Kind::kTriggers, task.id, TextOf(task.with, "dag"), {}});
    if (task.kind != kWaitingKind) continue;
    DagReference waits{DagReference::Kind::kWaitsFor, task.id, TextOf(task.with, "external_dag_id"), {}};
    for (const char* field : {"external_task_id", "external_task_group_id"}) {
      if (std::string one = TextOf(task.with, field); !one.empty()) waits.waits_for.push_back(std::move(one));
    }
    const Value* several = task.with.Find("external_task_ids");
    for (const Value& one : several != nullptr && several->is_list() ? several->as_list() : Value::List()) {
      if (one.is_string()) waits.waits_for.push_back(one.as_string());
    }
    found.push_back(std::move(waits));
  }
  return found;
}

}  // namespace millrace
