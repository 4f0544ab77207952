#include "scheduler/dagbag/flow.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/spec/task_kind.h"
#include "core/template/template.h"

namespace millrace::dagbag {
namespace {

using Bits = std::vector<std::uint64_t>;

bool Has(const Bits& bits, std::size_t i) { return ((bits[i / 64] >> (i % 64)) & 1U) != 0; }

// For each task all tasks before it (Task::upstream), or behind it (Task::downstream).
std::vector<Bits> Reach(const Dag& dag, std::vector<std::int32_t> Task::*edges) {
  const std::size_t size = dag.tasks.size();
  std::vector<Bits> reach(size, Bits((size + 63) / 64, 0));
  const bool up = edges == &Task::upstream;
  for (std::size_t n = 0; n < size; ++n) {
    const std::size_t at = up ? n : size - 1 - n;  // tasks stand in topological order
    for (const std::int32_t next : dag.tasks[at].*edges) {
      const auto other = static_cast<std::size_t>(next);
      reach[at][other / 64] |= std::uint64_t{1} << (other % 64);
      for (std::size_t word = 0; word < reach[at].size(); ++word) reach[at][word] |= reach[other][word];
    }
  }
  return reach;
}

// What stands behind a setup uses it, up to its teardown; without one, all of it does.
void SetSetups(Dag& dag) {
  const bool any = std::any_of(dag.tasks.begin(), dag.tasks.end(),
                               [](const Task& task) { return task.role != TaskRole::kWork; });
  if (!any) return;
  for (Task& task : dag.tasks) {
    if (task.role != TaskRole::kTeardown) continue;
    for (const std::int32_t before : task.upstream) {
      if (dag.tasks[static_cast<std::size_t>(before)].role == TaskRole::kSetup) task.setups.push_back(before);
    }
  }
  const std::vector<Bits> upstream = Reach(dag, &Task::upstream);
  for (std::size_t s = 0; s < dag.tasks.size(); ++s) {
    if (dag.tasks[s].role != TaskRole::kSetup) continue;
    const auto setup = static_cast<std::int32_t>(s);
    std::vector<std::size_t> ends;
    for (std::size_t t = 0; t < dag.tasks.size(); ++t) {
      const std::vector<std::int32_t>& own = dag.tasks[t].setups;
      if (dag.tasks[t].role == TaskRole::kTeardown && std::find(own.begin(), own.end(), setup) != own.end())
        ends.push_back(t);
    }
    for (std::size_t i = s + 1; i < dag.tasks.size(); ++i) {
      if (dag.tasks[i].role != TaskRole::kWork || !Has(upstream[i], s)) continue;
      const bool over = !ends.empty() && std::all_of(ends.begin(), ends.end(),
                                                     [&](std::size_t end) { return Has(upstream[i], end); });
      if (!over) dag.tasks[i].setups.push_back(setup);
    }
  }
}

void SetWeights(Dag& dag) {
  for (const auto& [rule, edges] : {std::pair{WeightRule::kDownstream, &Task::downstream},
                                    std::pair{WeightRule::kUpstream, &Task::upstream}}) {
    const bool any =
        std::any_of(dag.tasks.begin(), dag.tasks.end(), [rule = rule, edges = edges](const Task& task) {
          return task.weight_rule == rule && !(task.*edges).empty();
        });
    if (!any) continue;
    const std::vector<Bits> reach = Reach(dag, edges);
    const int first = dag.tasks.front().own_weight;
    const bool all_one = std::all_of(dag.tasks.begin(), dag.tasks.end(),
                                     [first](const Task& task) { return task.own_weight == first; });
    for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
      if (dag.tasks[i].weight_rule != rule) continue;
      std::int64_t weight = dag.tasks[i].own_weight;
      if (all_one) {
        for (const std::uint64_t word : reach[i]) weight += std::int64_t{first} * std::popcount(word);
      } else {
        for (std::size_t other = 0; other < dag.tasks.size(); ++other) {
          if (Has(reach[i], other)) weight += dag.tasks[other].own_weight;
        }
      }
      dag.tasks[i].priority_weight = static_cast<int>(std::clamp<std::int64_t>(weight, INT32_MIN, INT32_MAX));
    }
  }
}

// What texts read from outside their run's facts.
struct Reads {
  std::set<XComRef> pulls;
  std::set<LookupRef> lookups;
};

void AddReads(const Dag& dag, std::string_view text, const Task& task, Reads& reads) {
  for (const TemplateReference& reference : References(text, task.id)) {
    const TemplateNeed& need = reference.need;
    if (const std::optional<LookupRef> ref = RefOf(need)) {
      reads.lookups.insert(*ref);
    } else if (const std::int32_t from = dag.FindTask(need.name); from >= 0) {
      reads.pulls.insert({from, need.key});
    }
  }
}

void SetExpandReads(const Dag& dag, Task& task, const std::vector<Expansion>& expand) {
  Reads reads;
  for (const Expansion& expansion : expand) {
    if (expansion.values.is_string()) AddReads(dag, expansion.values.as_string(), task, reads);
  }
  task.expand_pulls.assign(reads.pulls.begin(), reads.pulls.end());
  task.expand_lookups.assign(reads.lookups.begin(), reads.lookups.end());
}

// Which tasks a gate has run again, and whose result it asks about.
void SetGates(Dag& dag) {
  std::vector<std::int32_t> gates(dag.groups.size(), -1);
  for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
    if (IsLoopGate(dag.tasks[i])) gates[static_cast<std::size_t>(dag.tasks[i].group)] = static_cast<std::int32_t>(i);
  }
  // Parents come first: a group within one that loops has its gate.
  for (std::size_t g = 0; g < gates.size(); ++g) {
    const std::int32_t parent = dag.groups[g].parent;
    if (gates[g] < 0 && parent >= 0) gates[g] = gates[static_cast<std::size_t>(parent)];
  }
  for (Task& task : dag.tasks) {
    if (task.group >= 0) task.loop_gate = gates[static_cast<std::size_t>(task.group)];
    if (IsLoopGate(task)) task.pulls = {{task.upstream.front(), "return_value"}};
  }
}

void SetReads(const Dag& dag, Task& task) {
  const TaskKind* kind = FindTaskKind(task.kind);
  if (kind == nullptr) return;
  Reads reads;
  std::set<XComRef>& pulls = reads.pulls;
  const RenderString collect = [&](std::string_view text, FieldUse, Position) -> StatusOr<std::string> {
    AddReads(dag, text, task, reads);
    return std::string();
  };
  const PullValue pulled = [&](const std::string& from, const std::string& key, Position) -> StatusOr<Value> {
    if (const std::int32_t index = dag.FindTask(from); index >= 0) pulls.insert({index, key});
    return Value();
  };
  static_cast<void>(RenderWith(*kind, task.with, collect, pulled).ok());  // the collectors refuse nothing
  if (task.cache) {
    if (task.cache->key.is_string()) AddReads(dag, task.cache->key.as_string(), task, reads);
    for (const Value& input : task.cache->inputs) AddReads(dag, input.as_string(), task, reads);
  }
  for (const auto& condition : {task.run_if, task.skip_if}) {
    if (condition) AddReads(dag, condition->condition.as_string(), task, reads);
  }
  if (task.weight) AddReads(dag, task.weight->as_string(), task, reads);
  if (task.map_index_template) AddReads(dag, task.map_index_template->as_string(), task, reads);
  task.pulls.assign(pulls.begin(), pulls.end());
  task.lookups.assign(reads.lookups.begin(), reads.lookups.end());
}

// A callback is told of no XComs.
void SetLookups(const Dag& dag, Callback& callback) {
  const TaskKind* kind = FindTaskKind(callback.kind);
  if (kind == nullptr) return;
  static const Task kNoTask;
  Reads reads;
  const RenderString collect = [&](std::string_view text, FieldUse, Position) -> StatusOr<std::string> {
    AddReads(dag, text, kNoTask, reads);
    return std::string();
  };
  static_cast<void>(RenderWith(*kind, callback.with, collect).ok());  // the collector refuses nothing
  callback.lookups.assign(reads.lookups.begin(), reads.lookups.end());
}

}  // namespace

void CompleteFlow(Dag& dag) {
  SetSetups(dag);
  SetWeights(dag);
  SetGates(dag);
  for (Callback& callback : dag.callbacks) SetLookups(dag, callback);
  for (Task& task : dag.tasks) {
    SetReads(dag, task);
    SetExpandReads(
        dag, task,
        task.mapped_group < 0 ? task.expand : dag.groups[static_cast<std::size_t>(task.mapped_group)].expand);
  }
}

}  // namespace millrace::dagbag
