#include "scheduler/dagbag/needs.h"

#include <algorithm>

#include "core/spec/field.h"

namespace millrace::dagbag {

Needs::Needs(const std::vector<Task>& tasks, const std::vector<TaskGroup>& groups)
    : tasks_(tasks), groups_(groups) {
  for (std::size_t i = 0; i < tasks.size(); ++i)
    by_id_.emplace(tasks[i].id, Target{false, static_cast<std::int32_t>(i), {}});
  for (std::size_t g = 0; g < groups.size(); ++g)
    by_id_.emplace(groups[g].id, Target{true, static_cast<std::int32_t>(g), {}});
  loops_.assign(groups.size(), false);
  for (const Task& task : tasks) {
    if (IsLoopGate(task)) loops_[static_cast<std::size_t>(task.group)] = true;
  }
}

std::int32_t Needs::LoopAround(std::int32_t group) const {
  while (group >= 0 && !loops_[static_cast<std::size_t>(group)])
    group = groups_[static_cast<std::size_t>(group)].parent;
  return group;
}

bool Needs::ReachesIntoLoop(const Target& target, std::int32_t scope, const std::string& who,
                            std::vector<Problem>& problems) const {
  const auto index = static_cast<std::size_t>(target.index);
  // A group that loops may be needed itself.
  const std::int32_t within = target.is_group ? groups_[index].parent : tasks_[index].group;
  const std::int32_t loop = LoopAround(within);
  if (loop < 0 || IsIn(scope, loop)) return false;
  const std::string& group = groups_[static_cast<std::size_t>(loop)].id;
  AddProblem(problems, target.where,
             who + " needs '" + (target.is_group ? groups_[index].id : tasks_[index].id) + "', which runs again as long as group '" +
                 group + "' loops",
             "need the group: '" + group + "'");
  return true;
}

// A gate asks about one result.
void Needs::LinkGates(std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (!IsLoopGate(tasks_[i])) continue;
    std::vector<std::int32_t> last = LastOf(tasks_[i].group);
    std::erase(last, static_cast<std::int32_t>(i));
    if (last.size() != 1) {
      std::string names;
      for (const std::int32_t task : last) names += (names.empty() ? "" : ", ") + tasks_[static_cast<std::size_t>(task)].id;
      AddProblem(problems, tasks_[i].where,
                 "group '" + groups_[static_cast<std::size_t>(tasks_[i].group)].id + "' loops and ends with " +
                     (last.empty() ? "no task" : "several tasks, " + names),
                 "let one task behind them return what the iteration came to");
      continue;
    }
    task_targets_[i].push_back({false, last.front(), tasks_[i].where});
  }
}

std::optional<Needs::Target> Needs::Find(const std::string& name, std::int32_t scope) const {
  for (std::int32_t at = scope;; at = groups_[static_cast<std::size_t>(at)].parent) {
    const auto found = by_id_.find(at < 0 ? name : groups_[static_cast<std::size_t>(at)].id + "." + name);
    if (found != by_id_.end()) return found->second;
    if (at < 0) return std::nullopt;
  }
}

bool Needs::IsIn(std::int32_t group, std::int32_t in) const {
  for (; group >= 0; group = groups_[static_cast<std::size_t>(group)].parent) {
    if (group == in) return true;
  }
  return false;
}

bool Needs::Covers(const Target& target, std::int32_t task) const {
  return target.is_group ? IsIn(tasks_[static_cast<std::size_t>(task)].group, target.index)
                         : target.index == task;
}

std::vector<std::int32_t> Needs::LastOf(std::int32_t group) const {
  std::vector<bool> needed(tasks_.size(), false);
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    // A teardown comes after everything, and nobody waits for it.
    if (!IsIn(tasks_[i].group, group) || tasks_[i].role == TaskRole::kTeardown) continue;
    for (const Target& target : task_targets_[i]) {
      if (!target.is_group) {
        needed[static_cast<std::size_t>(target.index)] = true;
        continue;
      }
      for (std::size_t other = 0; other < tasks_.size(); ++other) {
        if (IsIn(tasks_[other].group, target.index)) needed[other] = true;
      }
    }
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    if (!IsIn(static_cast<std::int32_t>(g), group) || static_cast<std::int32_t>(g) == group) continue;
    for (const Target& target : group_targets_[g]) {
      for (std::size_t other = 0; other < tasks_.size(); ++other) {
        if (Covers(target, static_cast<std::int32_t>(other))) needed[other] = true;
      }
    }
  }
  std::vector<std::int32_t> last;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (IsIn(tasks_[i].group, group) && !needed[i] && tasks_[i].role != TaskRole::kTeardown)
      last.push_back(static_cast<std::int32_t>(i));
  }
  return last;
}

std::vector<std::int32_t> Needs::FirstOf(std::int32_t group) const {
  std::vector<std::int32_t> first;
  const auto within = [&](const Target& target) {
    return target.is_group ? IsIn(target.index, group)
                           : IsIn(tasks_[static_cast<std::size_t>(target.index)].group, group);
  };
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (!IsIn(tasks_[i].group, group)) continue;
    bool waits = std::any_of(task_targets_[i].begin(), task_targets_[i].end(), within);
    for (std::int32_t at = tasks_[i].group; at != group; at = groups_[static_cast<std::size_t>(at)].parent) {
      const std::vector<Target>& targets = group_targets_[static_cast<std::size_t>(at)];
      waits = waits || std::any_of(targets.begin(), targets.end(), within);
    }
    if (!waits) first.push_back(static_cast<std::int32_t>(i));
  }
  return first;
}

std::optional<Needs::Target> Needs::Look(const Value& name, std::int32_t scope, const std::string& who,
                                         std::vector<Problem>& problems) const {
  std::optional<Target> target = Find(name.as_string(), scope);
  if (target) {
    target->where = name.position();
    return target;
  }
  std::vector<std::string> ids;
  for (const Task& task : tasks_) ids.push_back(task.id);
  for (const TaskGroup& group : groups_) ids.push_back(group.id);
  AddProblem(problems, name.position(), who + " needs '" + name.as_string() + "', which does not exist",
             DidYouMean(name.as_string(), ids));
  return std::nullopt;
}

std::vector<std::vector<Value>> Needs::Resolve(const std::vector<std::vector<Value>>& of_tasks,
                                               const std::vector<std::vector<Value>>& of_groups,
                                               std::vector<Problem>& problems) {
  task_targets_.assign(tasks_.size(), {});
  group_targets_.assign(groups_.size(), {});
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    for (const Value& name : of_tasks[i]) {
      const std::optional<Target> target =
          Look(name, tasks_[i].group, "task '" + tasks_[i].id + "'", problems);
      if (!target) continue;
      if (target->is_group && Covers(*target, static_cast<std::int32_t>(i))) {
        AddProblem(
            problems, name.position(),
            "task '" + tasks_[i].id + "' needs '" + name.as_string() + "', a group that it is in itself",
            "name the tasks that it needs");
        continue;
      }
      if (ReachesIntoLoop(*target, tasks_[i].group, "task '" + tasks_[i].id + "'", problems)) continue;
      task_targets_[i].push_back(*target);
    }
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (const Value& name : of_groups[g]) {
      const std::optional<Target> target =
          Look(name, groups_[g].parent, "group '" + groups_[g].id + "'", problems);
      if (!target) continue;
      const bool own = target->is_group ? IsIn(target->index, static_cast<std::int32_t>(g)) ||
                                              IsIn(static_cast<std::int32_t>(g), target->index)
                                        : IsIn(tasks_[static_cast<std::size_t>(target->index)].group,
                                               static_cast<std::int32_t>(g));
      if (own) {
        AddProblem(
            problems, name.position(),
            "group '" + groups_[g].id + "' needs '" + name.as_string() + "', which is not outside of it",
            "name what comes before the group");
        continue;
      }
      if (ReachesIntoLoop(*target, groups_[g].parent, "group '" + groups_[g].id + "'", problems)) continue;
      group_targets_[g].push_back(*target);
    }
  }
  LinkGates(problems);
  std::vector<std::vector<Value>> resolved(tasks_.size());
  std::vector<std::optional<std::vector<std::int32_t>>> last(groups_.size());
  const auto add = [&](std::size_t task, const Target& target) {
    const auto put = [&](std::int32_t index) {
      Value id(tasks_[static_cast<std::size_t>(index)].id);
      resolved[task].push_back(id.At(target.where));
    };
    if (!target.is_group) return put(target.index);
    auto& known = last[static_cast<std::size_t>(target.index)];
    if (!known) known = LastOf(target.index);
    for (const std::int32_t index : *known) put(index);
  };
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    for (const Target& target : task_targets_[i]) add(i, target);
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    if (group_targets_[g].empty()) continue;
    for (const std::int32_t first : FirstOf(static_cast<std::int32_t>(g))) {
      for (const Target& target : group_targets_[g]) add(static_cast<std::size_t>(first), target);
    }
  }
  return resolved;
}

std::vector<std::string> Needs::TasksOf(const std::string& name, std::int32_t scope) {
  const std::optional<Target> target = Find(name, scope);
  std::vector<std::string> ids;
  if (!target) return ids;
  for (const std::int32_t index : target->is_group ? LastOf(target->index) : std::vector{target->index})
    ids.push_back(tasks_[static_cast<std::size_t>(index)].id);
  return ids;
}

}  // namespace millrace::dagbag
