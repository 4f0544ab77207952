#include "scheduler/jobs/plan_value.h"

#include <algorithm>
#include <map>
#include <utility>

namespace millrace::jobs {
namespace {

Value Columns(const std::vector<Column>& columns) {
  Value::List list;
  for (const Column& column : columns)
    list.push_back(Value::Map{{"name", column.name}, {"type", column.type}});
  return list;
}

Value Code(const Fragment& fragment) {
  if (!fragment.library.empty()) return Value::Map{{"library", fragment.library}};
  if (!fragment.command.empty()) {
    Value::List words;
    for (const std::string& word : fragment.command) words.emplace_back(word);
    return Value::Map{{"command", std::move(words)}};
  }
  return fragment.sql.empty() ? Value() : Value(fragment.sql);
}

bool IsSplit(const JobPlan& plan, const JobDecisions& decisions, const std::string& input) {
  if (decisions.mode == "fused" || decisions.stages.size() < plan.stages.size()) return true;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::vector<std::string>& inputs = plan.stages[i].inputs;
    if (!decisions.stages[i].absorbed && std::find(inputs.begin(), inputs.end(), input) != inputs.end()) return true;
  }
  return false;
}

Value Inputs(const JobPlan& plan, const JobDecisions& decisions) {
  std::map<std::string, std::int64_t> splits;
  for (const Split& split : plan.splits) ++splits[split.input];
  Value::List list;
  for (const InputFacts& input : plan.inputs) {
    const bool split = !input.broadcast && IsSplit(plan, decisions, input.name);
    list.push_back(Value::Map{{"name", input.name},
                              {"format", input.format},
                              {"read", split ? "split" : "broadcast"},
                              {"files", static_cast<std::int64_t>(input.paths.size())},
                              {"pruned_files", std::int64_t{input.pruned_files}},
                              {"bytes", input.bytes},
                              {"rows", input.rows < 0 ? Value() : Value(input.rows)},
                              {"splits", split ? Value(splits[input.name]) : Value()},
                              {"columns", Columns(input.columns)}});
  }
  return list;
}

Value Strings(const std::vector<std::string>& texts) {
  Value::List list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

Value Steps(const std::vector<Step>& steps) {
  Value::List done;
  for (const Step& step : steps) {
    // What has no name only hands rows on.
    if (Value code = Code(step.code); !step.name.empty() && !code.is_null())
      done.push_back(Value::Map{{"step", step.name}, {"code", std::move(code)}});
  }
  return done;
}

const char* Writes(const StagePlan& stage) {
  switch (stage.exchange) {
    case Exchange::kFiles: return "files";
    case Exchange::kHash: return "hash";
    case Exchange::kScatter: return "scatter";
    case Exchange::kRange: return "range";
  }
  return "files";
}

// Tasks that are not decided before its shuffles are there: one a partition at most.
std::int64_t TasksOf(const JobPlan& plan, const JobDecisions& decisions, std::size_t stage) {
  const StageDecisions& decided = decisions.stages[stage];
  if (!decided.tasks.empty()) return static_cast<std::int64_t>(decided.tasks.size());
  std::map<std::int32_t, std::int64_t> most;  // by group
  for (const StageRead& read : plan.stages[stage].reads) {
    std::int64_t& partitions = most[read.group];
    partitions = std::max<std::int64_t>(partitions, decisions.stages[static_cast<std::size_t>(read.stage)].partitions);
  }
  std::int64_t tasks = 0;
  for (const auto& [group, partitions] : most) tasks += partitions;
  return tasks;
}

Value Stage(const std::string& name, Value tasks, bool most, Value steps, const std::vector<Column>& columns) {
  return Value::Map{{"stage", name}, {"tasks", std::move(tasks)}, {"at_most", most}, {"steps", std::move(steps)}, {"writes", Columns(columns)}};
}

Value Stages(const JobPlan& plan, const JobDecisions& decisions) {
  Value publish = Stage("publish", std::int64_t{1}, false, Value(Value::List()), {});
  if (decisions.mode == "fused") return Value::List{Stage("fused", std::int64_t{1}, false, Steps(plan.fused), plan.output), std::move(publish)};
  Value::List stages;
  for (std::size_t i = 0; i < plan.stages.size() && i < decisions.stages.size(); ++i) {
    if (decisions.stages[i].absorbed) continue;
    const StagePlan& stage = plan.stages[i];
    std::vector<std::string> reads = stage.inputs;
    reads.insert(reads.end(), stage.broadcast.begin(), stage.broadcast.end());
    for (const StageRead& read : stage.reads) reads.push_back(plan.stages[static_cast<std::size_t>(read.stage)].name);
    const std::int64_t tasks = TasksOf(plan, decisions, i);
    Value value = Stage(stage.name, tasks == 0 ? Value() : Value(tasks), decisions.stages[i].tasks.empty(), Steps(stage.steps), stage.columns);
    value.Set("reads", Strings(reads));
    value.Set("exchange", Writes(stage));
    value.Set("keys", Strings(stage.keys));
    Value::List beside;
    for (const SideOutput& side : stage.sides) beside.emplace_back(side.name);
    value.Set("beside", std::move(beside));
    stages.push_back(std::move(value));
  }
  stages.push_back(std::move(publish));
  return stages;
}

Value Cached(const JobPlan& plan) {
  Value::List list;
  for (const CachedStage& cached : plan.cached) {
    Value one = Value::Map{{"stage", cached.stage}, {"hit", cached.hit}};
    if (cached.hit) {
      one.Set("bytes", cached.bytes);
      one.Set("age_seconds", cached.age_seconds);
    }
    list.push_back(std::move(one));
  }
  return list;
}

// Of the first shuffle that has any.
std::vector<std::string> KeysOf(const JobPlan& plan) {
  for (const StagePlan& stage : plan.stages) {
    if (!stage.keys.empty()) return stage.keys;
  }
  return {};
}

}  // namespace

Value PlanValue(const JobPlan& plan, const JobDecisions& decisions, const FuseChoice& estimates) {
  return Value::Map{{"inputs", Inputs(plan, decisions)},
                    {"input_bytes", plan.input_bytes},
                    {"keys", Strings(KeysOf(plan))},
                    {"stages", Stages(plan, decisions)},
                    {"cached", Cached(plan)},
                    {"fused_seconds", estimates.fused_seconds},
                    {"distributed_seconds", estimates.distributed_seconds}};
}

}  // namespace millrace::jobs
