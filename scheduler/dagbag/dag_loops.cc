// The part of DagReader that reads `loop`: of a task, and of a group, which gets a gate for it.
#include <algorithm>
#include <utility>

#include "core/model/ids.h"
#include "core/template/template.h"
#include "scheduler/dagbag/dag_reader.h"
#include "scheduler/dagbag/fields.h"
#include "scheduler/dagbag/marked_values.h"

namespace millrace::dagbag {

LoopPolicy DagReader::ReadLoopPolicy(const Value& loop, const std::string& what) {
  LoopPolicy policy;
  policy.max_iterations = std::max(NumberOf(loop.Find("max_iterations"), 1), 1);
  policy.delay = LengthOf(loop.Find("delay"), Duration(0));
  if (const Value* until = loop.Find("until"); until != nullptr && !until->is_null()) {
    Value text = WithoutMarks(*until, only_marked_);
    if (text.is_string() && HasTemplate(text.as_string())) {
      policy.until = std::move(text);
    } else {
      Add(until->position(), what + ": 'until' must be a template", "until: \"{{ loop.result.error < 0.01 }}\"");
    }
  }
  return policy;
}

void DagReader::ReadLoop(Task& task, const Value& value) {
  const Value* loop = value.Find("loop");
  if (loop == nullptr || !loop->is_map()) return;
  const std::string what = "task '" + task.id + "': 'loop'";
  if (task.in_engine || task.sensor) {
    Add(loop->key_position(), what + " is for tasks that a worker runs to their end",
        "put the task into a group and let the group loop");
    return;
  }
  if (task.cache) {
    Add(loop->key_position(), what + " and 'cache' are both given: which iteration's result would stand for it?",
        "leave one out");
    return;
  }
  task.loop = ReadLoopPolicy(*loop, what);
}

// Its needs are found with the others: the group's last task.
void DagReader::ReadGate(const Value& group, const Scope& scope) {
  const Value* loop = group.Find("loop");
  if (loop == nullptr || !loop->is_map()) return;
  const std::string& id = dag_->groups[static_cast<std::size_t>(scope.group)].id;
  Task gate;
  gate.id = IdIn(scope.group, std::string(kLoopGateId));
  gate.group = scope.group;
  gate.kind = kLoopGate;
  gate.in_engine = true;
  gate.where = loop->key_position();
  gate.doc = "Asks whether the group's loop has ended.";
  if (!IsValidId(gate.id)) {
    Add(gate.where, "group '" + id + "': its id is too long for a loop",
        "the id of its gate, '" + gate.id + "', has at most 128 characters");
  }
  const Value nothing{Value::Map{}};
  ReadPolicy(gate, nothing, scope);
  ReadTaskCallbacks(gate, nothing, scope);
  gate.trigger_rule = TriggerRule::kAllSuccess;
  gate.retry = {};  // it would ask the same again
  gate.loop = ReadLoopPolicy(*loop, "group '" + id + "': 'loop'");
  needs_.emplace_back();
  dag_->tasks.push_back(std::move(gate));
}

// Loops of loops there are none, nor of instances that `expand` makes: an iteration is one of the whole group.
void DagReader::CheckLoops() {
  const auto above = [&](std::int32_t group, const auto& is) {
    while (group >= 0 && !is(group)) group = dag_->groups[static_cast<std::size_t>(group)].parent;
    return group;
  };
  std::vector<bool> loops(dag_->groups.size(), false);
  for (const Task& task : dag_->tasks) {
    if (IsLoopGate(task)) loops[static_cast<std::size_t>(task.group)] = true;
  }
  const auto is_loop = [&](std::int32_t group) { return loops[static_cast<std::size_t>(group)]; };
  const auto is_mapped = [&](std::int32_t group) {
    return !dag_->groups[static_cast<std::size_t>(group)].expand.empty();
  };
  for (const Task& task : dag_->tasks) {
    if (!task.loop) continue;
    const bool gate = IsLoopGate(task);
    const auto name = [&](std::int32_t group) { return "group '" + dag_->groups[static_cast<std::size_t>(group)].id + "'"; };
    const std::string what = gate ? name(task.group) : "task '" + task.id + "'";
    const std::int32_t outside = gate ? dag_->groups[static_cast<std::size_t>(task.group)].parent : task.group;
    if (const std::int32_t around = above(outside, is_loop); around >= 0)
      Add(task.where, what + " loops, and so does " + name(around) + " around it", "let one of them loop");
    if (!gate) continue;
    if (const std::int32_t mapped = above(task.group, is_mapped); mapped >= 0) {
      Add(task.where,
          what + " loops, and " + (mapped == task.group ? "has 'expand'" : "lies in " + name(mapped) + ", which has 'expand'"),
          "map the tasks within the loop, or let a task of the instances loop");
    }
  }
}

}  // namespace millrace::dagbag
