#include "core/model/selection.h"

namespace millrace {
namespace {

void Mark(const Dag& dag, const std::vector<std::int32_t> Task::*edges, std::int32_t from,
          std::vector<bool>& marked) {
  std::vector<std::int32_t> todo = {from};
  while (!todo.empty()) {
    const auto index = static_cast<std::size_t>(todo.back());
    todo.pop_back();
    for (const std::int32_t next : dag.tasks[index].*edges) {
      if (marked[static_cast<std::size_t>(next)]) continue;
      marked[static_cast<std::size_t>(next)] = true;
      todo.push_back(next);
    }
  }
}

}  // namespace

StatusOr<std::vector<std::int32_t>> Select(const Dag& dag, const Selection& selection,
                                           const std::vector<TaskState>& states) {
  std::vector<bool> up(dag.tasks.size(), selection.task_ids.empty());
  std::vector<bool> down = up;
  std::vector<bool> named = up;
  std::string unknown;
  for (const std::string& id : selection.task_ids) {
    const std::int32_t index = dag.FindTask(id);
    if (index < 0) {
      unknown += (unknown.empty() ? "" : ", ") + id;
      continue;
    }
    named[static_cast<std::size_t>(index)] = true;
    if (selection.upstream) Mark(dag, &Task::upstream, index, up);
    if (selection.downstream) Mark(dag, &Task::downstream, index, down);
  }
  // What a task uses is prepared and taken down with it.
  std::vector<bool> whole(dag.tasks.size(), false);
  for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
    if (!named[i] && !up[i] && !down[i]) continue;
    for (const std::int32_t setup : dag.tasks[i].setups) whole[static_cast<std::size_t>(setup)] = true;
    if (dag.tasks[i].role == TaskRole::kSetup) whole[i] = true;
  }
  for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
    if (whole[i]) named[i] = true;
    if (dag.tasks[i].role != TaskRole::kTeardown) continue;
    for (const std::int32_t setup : dag.tasks[i].setups) {
      if (whole[static_cast<std::size_t>(setup)]) named[i] = true;
    }
  }
  if (!unknown.empty()) return NotFound("DAG " + dag.id + " has no task: " + unknown);
  std::vector<std::int32_t> selected;
  for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
    if (!named[i] && !up[i] && !down[i]) continue;
    const TaskState state = i < states.size() ? states[i] : TaskState::kNone;
    if (selection.only_failed && state != TaskState::kFailed && state != TaskState::kUpstreamFailed) continue;
    selected.push_back(static_cast<std::int32_t>(i));
  }
  return selected;
}

}  // namespace millrace
