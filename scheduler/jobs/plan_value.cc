#include "scheduler/jobs/plan_value.h"

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

Value Inputs(const JobPlan& plan) {
  std::map<std::string, std::int64_t> splits;
  for (const Split& split : plan.splits) ++splits[split.input];
  Value::List list;
  for (const InputFacts& input : plan.inputs) {
    list.push_back(Value::Map{{"name", input.name},
                              {"format", input.format},
                              {"read", input.broadcast ? "broadcast" : "split"},
                              {"files", static_cast<std::int64_t>(input.paths.size())},
                              {"bytes", input.bytes},
                              {"rows", input.rows < 0 ? Value() : Value(input.rows)},
                              {"splits", input.broadcast ? Value() : Value(splits[input.name])},
                              {"columns", Columns(input.columns)}});
  }
  return list;
}

Value Stage(const char* name, std::int64_t tasks, std::vector<std::pair<const char*, const Fragment*>> steps,
            const std::vector<Column>& writes) {
  Value::List done;
  for (const auto& [step, fragment] : steps) {
    if (Value code = Code(*fragment); !code.is_null())
      done.push_back(Value::Map{{"step", step}, {"code", std::move(code)}});
  }
  return Value::Map{
      {"stage", name}, {"tasks", tasks}, {"steps", std::move(done)}, {"writes", Columns(writes)}};
}

Value Stages(const JobPlan& plan, const JobDecisions& decisions) {
  if (decisions.mode == "fused") {
    const std::vector<std::pair<const char*, const Fragment*>> all = {
        {"map", &plan.map}, {"combine", &plan.combine}, {"merge", &plan.merge}, {"reduce", &plan.reduce}};
    return Value::List{Stage("fused", 1, all, plan.output), Stage("publish", 1, {}, {})};
  }
  return Value::List{
      Stage("map", decisions.map_tasks, {{"map", &plan.map}, {"combine", &plan.combine}}, plan.shuffled),
      Stage("reduce", decisions.partitions, {{"merge", &plan.merge}, {"reduce", &plan.reduce}}, plan.output),
      Stage("publish", 1, {}, {})};
}

}  // namespace

Value PlanValue(const JobPlan& plan, const JobDecisions& decisions, const FuseChoice& estimates) {
  Value::List keys;
  for (const std::string& key : plan.keys) keys.emplace_back(key);
  return Value::Map{{"inputs", Inputs(plan)},
                    {"input_bytes", plan.input_bytes},
                    {"keys", std::move(keys)},
                    {"stages", Stages(plan, decisions)},
                    {"fused_seconds", estimates.fused_seconds},
                    {"distributed_seconds", estimates.distributed_seconds}};
}

}  // namespace millrace::jobs
