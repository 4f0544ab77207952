#include "core/model/selection.h"

#include <algorithm>

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

bool IsIn(const Dag& dag, std::int32_t task, std::string_view group_id) {
  std::int32_t group = dag.tasks[static_cast<std::size_t>(task)].group;
  while (group >= 0 && dag.groups[static_cast<std::size_t>(group)].id != group_id)
    group = dag.groups[static_cast<std::size_t>(group)].parent;
  return group >= 0;
}

}  // namespace

std::vector<std::int32_t> TasksOfGroup(const Dag& dag, std::string_view group_id) {
  std::vector<std::int32_t> tasks;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(dag.tasks.size()); ++i) {
    if (IsIn(dag, i, group_id)) tasks.push_back(i);
  }
  return tasks;
}

bool Names(const Dag& dag, const std::vector<std::string>& ids, std::int32_t task) {
  return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
    return id == dag.tasks[static_cast<std::size_t>(task)].id || IsIn(dag, task, id);
  });
}

StatusOr<std::vector<std::int32_t>> Select(const Dag& dag, const Selection& selection,
                                           const std::vector<TaskState>& states) {
  std::vector<bool> up(dag.tasks.size(), selection.task_ids.empty());
  std::vector<bool> down = up;
  std::vector<bool> named = up;
  std::string unknown;
  for (const std::string& id : selection.task_ids) {
    const std::int32_t task = dag.FindTask(id);
    const std::vector<std::int32_t> meant = task < 0 ? TasksOfGroup(dag, id) : std::vector{task};
    if (meant.empty()) unknown += (unknown.empty() ? "" : ", ") + id;
    for (const std::int32_t index : meant) {
      named[static_cast<std::size_t>(index)] = true;
      if (selection.upstream) Mark(dag, &Task::upstream, index, up);
      if (selection.downstream) Mark(dag, &Task::downstream, index, down);
    }
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
