#include "scheduler/api/instances.h"

#include <algorithm>
#include <set>

#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

constexpr int kAllInstances = 1'000'000;

}  // namespace

StatusOr<Value::List> Shower::Show(const std::vector<TaskInstance>& rows) {
  std::vector<TaskInstanceKey> keys;
  for (const TaskInstance& row : rows) keys.push_back(row.key);
  ASSIGN_OR_RETURN(const auto notes, context_.readers.task_instances.ListNotes(keys));
  std::map<TaskInstanceKey, std::string> noted;
  for (const NoteRecord& note : notes) noted[note.instance] = note.text;
  Value::List wire;
  for (const TaskInstance& row : rows) {
    auto found = runs_.find(row.key.run);
    if (found == runs_.end()) {
      ASSIGN_OR_RETURN(Run run, context_.readers.runs.GetRunByKey(row.key.run));
      found = runs_.emplace(row.key.run, std::move(run)).first;
    }
    const Run& run = found->second;
    DagPtr& dag = dags_[row.key.run];
    if (dag == nullptr) {
      ASSIGN_OR_RETURN(dag, context_.DagOf(run));
    }
    wire.emplace_back(WireTaskInstance(row, run, *dag, context_.Version(run.dag_id, run.version)));
    // What somebody wrote about it goes before the reason that the scheduler has.
    if (const auto note = noted.find(row.key); note != noted.end()) wire.back().Set("note", note->second);
  }
  return wire;
}

StatusOr<Value::List> Shower::Show(const std::vector<TaskInstanceKey>& keys) {
  std::map<RunKey, std::set<TaskInstanceKey>> wanted;
  for (const TaskInstanceKey& key : keys) wanted[key.run].insert(key);
  Value::List wire;
  for (const auto& [run, of_run] : wanted) {
    store::TaskInstanceFilter filter;
    filter.runs = {run};
    filter.page.limit = kAllInstances;
    ASSIGN_OR_RETURN(auto listing, context_.readers.task_instances.ListTaskInstances(filter));
    std::erase_if(listing.rows, [&](const TaskInstance& row) { return !of_run.contains(row.key); });
    ASSIGN_OR_RETURN(Value::List shown, Show(listing.rows));
    wire.insert(wire.end(), shown.begin(), shown.end());
  }
  return wire;
}

}  // namespace millrace::api
