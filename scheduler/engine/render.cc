#include "scheduler/engine/render.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/task_kind.h"
#include "core/template/run_context.h"
#include "core/template/template.h"
#include "scheduler/engine/params.h"

namespace millrace::engine {
namespace {

bool HasField(const TaskKind& kind, std::string_view name) {
  return std::any_of(kind.fields.begin(), kind.fields.end(),
                     [name](const FieldSpec& field) { return field.name == name; });
}

// What `expand` gives: to fields of the task's kind, else, where the kind calls something with them, to its
// arguments. Such values are no templates.
Status PutMapped(const TaskKind& kind, const TaskInstance& instance, Value& with) {
  if (instance.map_value.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const Value values, ParseJson(instance.map_value));
  const Value* written = with.Find("args");
  Value args = written != nullptr && written->is_map() ? *written : Value(Value::Map{});
  bool called = false;
  for (const auto& [name, value] : values.as_map()) {
    if (HasField(kind, name)) {
      if (with.Find(name) == nullptr) with.Set(name, value);
    } else if (HasField(kind, "args") && args.Find(name) == nullptr) {
      args.Set(name, value);
      called = true;
    }
  }
  if (called) with.Set("args", std::move(args));
  return OkStatus();
}

}  // namespace

const LoopPolicy* LoopOf(const Dag& dag, const Task& task) {
  const Task& looping = task.loop_gate < 0 ? task : dag.tasks[static_cast<std::size_t>(task.loop_gate)];
  return looping.loop ? &*looping.loop : nullptr;
}

Value LoopNames(const LoopPolicy& loop, const TaskInstance& instance) {
  Value names;
  names.Set("index", Value(std::int64_t{0}));
  names.Set("max_iterations", Value(std::int64_t{loop.max_iterations}));
  names.Set("previous", Value());
  const StatusOr<Value> kept = instance.loop.empty() ? NotFound("first") : ParseJson(instance.loop);
  if (!kept.ok() || !kept->is_map()) return names;
  for (const char* name : {"index", "previous"}) {
    if (const Value* value = kept->Find(name); value != nullptr) names.Set(name, *value);
  }
  return names;
}

StatusOr<TemplateContext> ContextOf(const Run& run, const Dag& dag, const Task& task,
                                    const TaskInstance& instance, const Value& triggering_events) {
  RunFacts facts;
  facts.dag_id = dag.id;
  facts.task_id = task.id;
  facts.run_id = run.run_id;
  facts.run_type = std::string(ToString(run.type));
  facts.owner = task.owner;
  facts.inlets = task.inlets;
  facts.inlets.insert(facts.inlets.end(), task.inlet_aliases.begin(), task.inlet_aliases.end());
  facts.outlets = task.outlets;
  facts.outlets.insert(facts.outlets.end(), task.outlet_aliases.begin(), task.outlet_aliases.end());
  facts.run_after = run.run_after;
  facts.logical_date = run.logical_date;
  facts.interval_start = run.interval_start;
  facts.interval_end = run.interval_end;
  ASSIGN_OR_RETURN(facts.params, MergeParams(dag, run.conf));
  ASSIGN_OR_RETURN(facts.conf, ParseJson(run.conf));
  facts.try_number = instance.try_number;
  facts.max_tries = instance.max_tries;
  facts.map_index = instance.map_index;
  facts.priority_weight = task.own_weight;
  facts.triggering_events = triggering_events;
  facts.partition_key = run.partition_key;
  facts.partition_date = run.partition_date;
  TemplateContext context = MakeRunContext(facts);
  if (!instance.map_value.empty()) {
    ASSIGN_OR_RETURN(Value values, ParseJson(instance.map_value));
    context.Set("map", std::move(values), TemplateContext::Source::kUser);
  }
  if (const LoopPolicy* loop = LoopOf(dag, task); loop != nullptr)
    context.Set("loop", LoopNames(*loop, instance), TemplateContext::Source::kUser);
  return context;
}

// What a kind that asks for it is told of its run: the names that templates have, as JSON.
StatusOr<std::string> ContextJson(const Run& run, const Dag& dag, const Task& task,
                                  const TaskInstance& instance) {
  Value context;
  context.Set("dag_id", dag.id);
  context.Set("run_id", run.run_id);
  context.Set("task_id", task.id);
  context.Set("run_type", ToString(run.type));
  context.Set("try_number", Value(std::int64_t{instance.try_number}));
  const auto set_time = [&](const char* name, const std::optional<WallTime>& time) {
    if (time) context.Set(name, FormatTs(*time));
  };
  if (run.logical_date) {
    context.Set("ds", FormatDs(*run.logical_date));
    context.Set("ds_nodash", FormatDsNodash(*run.logical_date));
    context.Set("ts", FormatTs(*run.logical_date));
  }
  set_time("logical_date", run.logical_date);
  set_time("data_interval_start", run.interval_start);
  set_time("data_interval_end", run.interval_end);
  set_time("partition_date", run.partition_date);
  if (!run.partition_key.empty()) context.Set("partition_key", run.partition_key);
  ASSIGN_OR_RETURN(Value params, MergeParams(dag, run.conf));
  ASSIGN_OR_RETURN(Value conf, ParseJson(run.conf));
  context.Set("params", std::move(params));
  context.Set("conf", std::move(conf));
  if (const LoopPolicy* loop = LoopOf(dag, task); loop != nullptr) context.Set("loop", LoopNames(*loop, instance));
  // Those by name; what aliases stand for is not known before the end.
  if (!task.inlets.empty()) context.Set("inlets", Value(Value::List(task.inlets.begin(), task.inlets.end())));
  if (!task.outlets.empty()) context.Set("outlets", Value(Value::List(task.outlets.begin(), task.outlets.end())));
  return ToJson(context);
}

Assignment Frame(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                 Fence fence) {
  Assignment assignment;
  assignment.fence = fence;
  assignment.instance = instance.key;
  assignment.dag_id = dag.id;
  assignment.run_id = run.run_id;
  assignment.task_id = task.id;
  assignment.try_number = instance.try_number;
  assignment.kind = task.kind;
  assignment.connections = task.connections;
  assignment.team = dag.team;
  assignment.files = task.files;
  assignment.dag_hash = dag.hash;
  assignment.timeout = task.execution_timeout;
  assignment.kill_grace = task.kill_grace;
  auto& environment = assignment.environment;
  environment = {{"MILLRACE_DAG_ID", dag.id},
                 {"MILLRACE_RUN_ID", run.run_id},
                 {"MILLRACE_TASK_ID", task.id},
                 {"MILLRACE_TRY_NUMBER", std::to_string(instance.try_number)},
                 {"MILLRACE_FENCE", ToString(fence)}};
  if (const LoopPolicy* loop = LoopOf(dag, task); loop != nullptr)
    environment.emplace_back("MILLRACE_LOOP_INDEX", std::to_string(LoopNames(*loop, instance).Find("index")->as_int()));
  if (instance.map_index >= 0)
    environment.emplace_back("MILLRACE_MAP_INDEX", std::to_string(instance.map_index));
  if (run.logical_date) {
    environment.emplace_back("MILLRACE_DS", FormatDs(*run.logical_date));
    environment.emplace_back("MILLRACE_LOGICAL_DATE", FormatTs(*run.logical_date));
  }
  if (run.interval_start)
    environment.emplace_back("MILLRACE_DATA_INTERVAL_START", FormatTs(*run.interval_start));
  if (run.interval_end) environment.emplace_back("MILLRACE_DATA_INTERVAL_END", FormatTs(*run.interval_end));
  if (!run.partition_key.empty()) environment.emplace_back("MILLRACE_PARTITION_KEY", run.partition_key);
  // The same for the retries of a task, another once it was cleared.
  if (task.kind == "notify") {
    Notification message;
    message.id = (std::int64_t{instance.key.index} << 20) + instance.max_tries - task.retry.retries;
    message.created_at = run.queued_at;
    message.dag_id = dag.id;
    message.run_id = run.run_id;
    message.task_id = task.id;
    environment.emplace_back("MILLRACE_IDEMPOTENCY_KEY", IdempotencyKey(message));
  }
  return assignment;
}

std::vector<TemplateNeed> NeedsOf(const Task& task) {
  std::vector<TemplateNeed> needs;
  const TaskKind* kind = FindTaskKind(task.kind);
  if (kind == nullptr) return needs;
  const RenderString collect = [&](std::string_view text, FieldUse, Position) -> StatusOr<std::string> {
    for (TemplateReference& reference : References(text, task.id)) {
      if (std::find(needs.begin(), needs.end(), reference.need) == needs.end())
        needs.push_back(std::move(reference.need));
    }
    return std::string();
  };
  const PullValue pulled = [&](const std::string& from, const std::string& key, Position) -> StatusOr<Value> {
    const TemplateNeed need{TemplateNeed::Kind::kXCom, from, key, std::nullopt};
    if (std::find(needs.begin(), needs.end(), need) == needs.end()) needs.push_back(need);
    return Value();
  };
  static_cast<void>(RenderWith(*kind, task.with, collect, pulled).ok());  // the collectors refuse nothing
  return needs;
}

StatusOr<Assignment> Render(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                            Fence fence, TemplateLookup* lookup, Value triggering_events) {
  Assignment assignment = Frame(run, dag, task, instance, fence);
  const TaskKind* kind = FindTaskKind(task.kind);
  if (kind == nullptr) return InvalidArgument("task kind not known: " + task.kind);
  std::optional<TemplateContext> context;  // made for the first template: most tasks of a burst have none
  ShellEnvironment shell;
  const RenderString render = [&](std::string_view text, FieldUse use,
                                  Position where) -> StatusOr<std::string> {
    if (!IsTemplate(text)) return std::string(text);
    StatusOr<std::string> rendered = [&]() -> StatusOr<std::string> {
      if (!context) {
        ASSIGN_OR_RETURN(context, ContextOf(run, dag, task, instance, triggering_events));
        context->SetLookup(lookup);
      }
      if (use != FieldUse::kShellTemplate) return RenderText(text, *context);
      ASSIGN_OR_RETURN(const Template parsed, Template::Parse(text));
      return parsed.RenderShell(*context, shell);
    }();
    if (rendered.ok()) return rendered;
    // Whatever can be known ahead is asked for before; what is left was named by an expression.
    if (rendered.status().code() == Code::kUnavailable) {
      const std::string what = rendered.status().message();
      rendered = Unavailable(
          what + "; write its name as plain text, so that it can be read before the task starts");
    }
    return rendered.status().WithContext("task '" + task.id + "', " + dag.file + ":" +
                                         std::to_string(where.line) + ":" + std::to_string(where.column));
  };
  const PullValue pull = [&](const std::string& from, const std::string& key, Position) -> StatusOr<Value> {
    if (lookup == nullptr) return FailedPrecondition("XComs cannot be read here");
    StatusOr<Value> value = lookup->Find({TemplateNeed::Kind::kXCom, from, key, std::nullopt});
    if (!value.ok() && value.status().code() == Code::kNotFound) return Value();
    return value;
  };
  ASSIGN_OR_RETURN(Value with, RenderWith(*kind, task.with, render, pull));
  RETURN_IF_ERROR(PutMapped(*kind, instance, with));
  assignment.with = ToJson(with);
  if (kind->context) {
    ASSIGN_OR_RETURN(assignment.context, ContextJson(run, dag, task, instance));
  }
  assignment.environment.insert(assignment.environment.end(), shell.variables.begin(), shell.variables.end());
  return assignment;
}

StatusOr<std::string> RenderPlain(const Run& run, const Dag& dag, const Task& task,
                                  const TaskInstance& instance, const std::string& text, TemplateLookup* lookup,
                                  Value triggering_events) {
  ASSIGN_OR_RETURN(TemplateContext context, ContextOf(run, dag, task, instance, triggering_events));
  context.SetLookup(lookup);
  return RenderText(text, context);
}

StatusOr<Value> RenderData(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                           const std::string& text, TemplateLookup* lookup, Value triggering_events) {
  ASSIGN_OR_RETURN(TemplateContext context, ContextOf(run, dag, task, instance, triggering_events));
  context.SetLookup(lookup);
  const std::size_t begin = text.find_first_not_of(" \t\n");
  const std::size_t end = text.find_last_not_of(" \t\n");
  std::string whole = begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
  // One expression alone keeps its type.
  const bool one = whole.starts_with("{{") && whole.ends_with("}}") && whole.find("}}") == whole.size() - 2;
  if (one) whole = "{{ (" + whole.substr(2, whole.size() - 4) + ") | tojson }}";
  ASSIGN_OR_RETURN(const std::string rendered, RenderText(whole, context));
  StatusOr<Value> value = ParseJson(rendered);
  if (!value.ok()) return InvalidArgument("'" + text + "' gives no JSON: " + value.status().message());
  return value;
}

}  // namespace millrace::engine
