// What tasks and groups wrote as `needs`, resolved to tasks. Called by DagReader only. Pure.
//
// A name is looked for in the group that the writer stands in, then in the group around it, and so on. A
// group as a need means its last tasks (teardowns aside); a group's own needs are those of its first tasks. Where a group
// loops its last task is the gate, which needs the one before it; what lies outside can need nothing else of it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace::dagbag {

class Needs {
 public:
  // Borrowed; not changed while this lives.
  Needs(const std::vector<Task>& tasks, const std::vector<TaskGroup>& groups);

  // `of_tasks` and `of_groups` hold what each wrote. Answers the same by task, with whole ids of tasks. What
  // does not exist becomes a problem.
  std::vector<std::vector<Value>> Resolve(const std::vector<std::vector<Value>>& of_tasks,
                                          const std::vector<std::vector<Value>>& of_groups,
                                          std::vector<Problem>& problems);

  // Ids of the tasks that a name means to whoever stands in `scope`; empty when there is none.
  std::vector<std::string> TasksOf(const std::string& name, std::int32_t scope);

 private:
  // Of a task or, when `is_group`, of a group.
  struct Target {
    bool is_group = false;
    std::int32_t index = -1;
    Position where;
  };

  std::optional<Target> Find(const std::string& name, std::int32_t scope) const;
  bool IsIn(std::int32_t group, std::int32_t in) const;
  bool Covers(const Target& target, std::int32_t task) const;
  std::vector<std::int32_t> LastOf(std::int32_t group) const;
  std::vector<std::int32_t> FirstOf(std::int32_t group) const;
  std::optional<Target> Look(const Value& name, std::int32_t scope, const std::string& who,
                             std::vector<Problem>& problems) const;
  // The group around it that loops; -1: none does.
  std::int32_t LoopAround(std::int32_t group) const;
  void LinkGates(std::vector<Problem>& problems);
  // Who stands in `scope` needs what lies within a loop that `scope` does not lie in.
  bool ReachesIntoLoop(const Target& target, std::int32_t scope, const std::string& who,
                       std::vector<Problem>& problems) const;

  const std::vector<Task>& tasks_;
  const std::vector<TaskGroup>& groups_;
  std::map<std::string, Target, std::less<>> by_id_;
  std::vector<bool> loops_;  // by group
  std::vector<std::vector<Target>> task_targets_;
  std::vector<std::vector<Target>> group_targets_;
};

}  // namespace millrace::dagbag
