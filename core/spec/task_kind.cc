#include "core/spec/task_kind.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/spec/kinds.h"
#include "core/spec/notifiers.h"

namespace millrace {
namespace {

struct OperatorPath {
  std::string_view path;
  std::string_view kind;                // "": known to Airflow's users, not supported here
  Steering steering = Steering::kNone;  // beyond the kind's own
};

constexpr std::string_view kEntryOperator = "airflow.providers.standard.operators.hitl.HITLEntryOperator";

constexpr std::array kOperatorPaths = {
    OperatorPath{"airflow.providers.standard.operators.bash.BashOperator", "shell"},
    OperatorPath{"airflow.operators.bash.BashOperator", "shell"},
    OperatorPath{"airflow.providers.standard.operators.empty.EmptyOperator", "empty"},
    OperatorPath{"airflow.operators.empty.EmptyOperator", "empty"},
    OperatorPath{"airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator", "sql"},
    OperatorPath{"airflow.providers.standard.operators.python.PythonOperator", "python"},
    OperatorPath{"airflow.operators.python.PythonOperator", "python"},
    OperatorPath{"airflow.providers.standard.operators.python.ExternalPythonOperator", "python"},
    OperatorPath{"airflow.providers.http.operators.http.HttpOperator", "http"},
    OperatorPath{"airflow.providers.standard.operators.python.BranchPythonOperator", "python",
                 Steering::kBranch},
    OperatorPath{"airflow.operators.python.BranchPythonOperator", "python", Steering::kBranch},
    OperatorPath{"airflow.providers.standard.operators.python.ShortCircuitOperator", "python",
                 Steering::kShortCircuit},
    OperatorPath{"airflow.operators.python.ShortCircuitOperator", "python", Steering::kShortCircuit},
    OperatorPath{"airflow.providers.standard.operators.latest_only.LatestOnlyOperator", "latest_only"},
    OperatorPath{"airflow.operators.latest_only.LatestOnlyOperator", "latest_only"},
    OperatorPath{"airflow.providers.standard.operators.trigger_dagrun.TriggerDagRunOperator", "trigger_dag"},
    OperatorPath{"airflow.operators.trigger_dagrun.TriggerDagRunOperator", "trigger_dag"},
    OperatorPath{"airflow.providers.standard.operators.hitl.ApprovalOperator", "approval"},
    OperatorPath{"airflow.providers.standard.operators.hitl.HITLOperator", "approval"},
    OperatorPath{"airflow.providers.standard.operators.hitl.HITLBranchOperator", "approval", Steering::kBranch},
    OperatorPath{kEntryOperator, "approval"},
    OperatorPath{"airflow.providers.standard.sensors.filesystem.FileSensor", "sensor_file"},
    OperatorPath{"airflow.sensors.filesystem.FileSensor", "sensor_file"},
    OperatorPath{"airflow.providers.common.sql.sensors.sql.SqlSensor", "sensor_sql"},
    OperatorPath{"airflow.providers.http.sensors.http.HttpSensor", "sensor_http"},
    OperatorPath{"airflow.providers.standard.sensors.time.TimeSensor", "sensor_time"},
    OperatorPath{"airflow.providers.standard.sensors.time.TimeSensorAsync", "sensor_time"},
    OperatorPath{"airflow.sensors.time_sensor.TimeSensor", "sensor_time"},
    OperatorPath{"airflow.sensors.time_sensor.TimeSensorAsync", "sensor_time"},
    OperatorPath{"airflow.providers.standard.sensors.date_time.DateTimeSensor", "sensor_time"},
    OperatorPath{"airflow.providers.standard.sensors.date_time.DateTimeSensorAsync", "sensor_time"},
    OperatorPath{"airflow.sensors.date_time.DateTimeSensor", "sensor_time"},
    OperatorPath{"airflow.sensors.date_time.DateTimeSensorAsync", "sensor_time"},
    OperatorPath{"airflow.providers.standard.sensors.time_delta.TimeDeltaSensor", "sensor_time"},
    OperatorPath{"airflow.providers.standard.sensors.time_delta.TimeDeltaSensorAsync", "sensor_time"},
    OperatorPath{"airflow.providers.standard.sensors.time_delta.WaitSensor", "sensor_time"},
    OperatorPath{"airflow.sensors.time_delta.TimeDeltaSensor", "sensor_time"},
    OperatorPath{"airflow.sensors.time_delta.TimeDeltaSensorAsync", "sensor_time"},
    OperatorPath{"airflow.providers.standard.sensors.external_task.ExternalTaskSensor", "sensor_external_task"},
    OperatorPath{"airflow.sensors.external_task.ExternalTaskSensor", "sensor_external_task"},
    OperatorPath{"airflow.providers.smtp.operators.smtp.EmailOperator", "notify"},
    OperatorPath{"airflow.operators.email.EmailOperator", "notify"},
    OperatorPath{"airflow.providers.slack.operators.slack_webhook.SlackWebhookOperator", "notify"},
    OperatorPath{"airflow.providers.slack.operators.slack.SlackAPIPostOperator", "notify"},
};

// What these operators call the fields.
constexpr std::array kOperatorFields = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"bash_command", "command"},
    {"conn_id", "connection"},
    {"http_conn_id", "connection"},
    {"op_kwargs", "args"},
    {"filepath", "path"},
    {"request_params", "params"},
    {"response_error_codes_allowlist", "not_yet"},
    {"target_time", "at"},
    {"delta", "after"},
    {"time_to_wait", "wait"},
    {"poll_interval", "poke_interval"},
    {"trigger_dag_id", "dag"},
    {"trigger_run_id", "run_id"},
    {"assigned_users", "respondents"},
});

// What these operators have to be told and the scheduler knows: it waits without looking again and again.
constexpr std::array<std::string_view, 3> kNeedless = {"poke_interval", "deferrable",
                                                       "openlineage_inject_parent_info"};

// HITLEntryOperator asks for params, and to say OK.
void AddEntryOptions(Value& with) {
  if (with.Find("options") != nullptr) return;
  with.Set("options", Value(Value::List{"OK"}));
  if (with.Find("defaults") == nullptr) with.Set("defaults", Value(Value::List{"OK"}));
}

// python_callable: reports.daily.build is the function `build` of the file reports/daily.py.
void SplitCallable(Value& with) {
  const Value* callable = with.Find("python_callable");
  if (callable == nullptr || !callable->is_string()) return;
  const std::string path = callable->as_string();
  const std::size_t dot = path.rfind('.');
  if (dot == std::string::npos) return;
  std::string file = path.substr(0, dot);
  std::replace(file.begin(), file.end(), '.', '/');
  Value name(file + ".py");
  name.At(callable->position()).KeyAt(callable->key_position());
  Value function(path.substr(dot + 1));
  function.At(callable->position()).KeyAt(callable->key_position());
  std::erase_if(with.as_map(), [](const auto& member) { return member.first == "python_callable"; });
  with.Set("file", std::move(name));
  with.Set("function", std::move(function));
}

// Kinds of the design that later versions bring.
constexpr std::array<std::string_view, 1> kLaterKinds = {"spark"};

const OperatorPath* FindOperator(std::string_view name) {
  const auto found =
      std::find_if(kOperatorPaths.begin(), kOperatorPaths.end(),
                   [&](const OperatorPath& operator_path) { return operator_path.path == name; });
  return found == kOperatorPaths.end() ? nullptr : &*found;
}

class Renderer {
 public:
  Renderer(const RenderString& render, const PullValue& pull) : render_(render), pull_(pull) {}

  StatusOr<Value> Members(const Value& map, const std::vector<FieldSpec>& fields) const {
    Value::Map rendered;
    for (const auto& [key, value] : map.as_map()) {
      const auto field =
          std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& spec) { return spec.name == key; });
      if (field == fields.end()) {
        rendered.emplace_back(key, value);
        continue;
      }
      ASSIGN_OR_RETURN(Value done, Field(value, *field));
      rendered.emplace_back(key, std::move(done));
    }
    return Keep(map, Value(std::move(rendered)));
  }

 private:
  static Value Keep(const Value& from, Value to) {
    to.At(from.position());
    return to;
  }

  StatusOr<Value> Field(const Value& value, const FieldSpec& field) const {
    // Where text stands, a pulled value is text as well.
    const bool text = field.type == FieldType::kString || field.type == FieldType::kStringList ||
                      field.type == FieldType::kStringMap;
    if (field.use == FieldUse::kTemplate) return Everything(value, FieldUse::kTemplate, text);
    if (field.use == FieldUse::kShellTemplate) {
      // A list is an argument vector, which no shell reads.
      return Everything(value, value.is_list() ? FieldUse::kTemplate : FieldUse::kShellTemplate, true);
    }
    if (field.members.empty()) return value;
    if (field.type == FieldType::kMap && value.is_map()) return Members(value, field.members);
    if (field.type == FieldType::kMapOfMaps && value.is_map()) {
      Value::Map rendered;
      for (const auto& [name, member] : value.as_map()) {
        ASSIGN_OR_RETURN(Value done,
                         member.is_map() ? Members(member, field.members) : StatusOr<Value>(member));
        rendered.emplace_back(name, std::move(done));
      }
      return Keep(value, Value(std::move(rendered)));
    }
    return value;
  }

  StatusOr<Value> Pulled(const Value& value, const PulledXCom& xcom, FieldUse use, bool text) const {
    if (!text)
      return pull_ == nullptr ? StatusOr<Value>(value) : pull_(xcom.task, xcom.key, value.position());
    ASSIGN_OR_RETURN(std::string rendered, render_(PullText(xcom), use, value.position()));
    return Keep(value, Value(std::move(rendered)));
  }

  StatusOr<Value> Everything(const Value& value, FieldUse use, bool text) const {
    if (const std::optional<PulledXCom> xcom = PulledFrom(value)) return Pulled(value, *xcom, use, text);
    if (value.is_string() && HasTemplate(value.as_string())) {
      ASSIGN_OR_RETURN(std::string rendered, render_(value.as_string(), use, value.position()));
      return Keep(value, Value(std::move(rendered)));
    }
    if (value.is_list()) {
      Value::List rendered;
      for (const Value& item : value.as_list()) {
        ASSIGN_OR_RETURN(Value done, Everything(item, use, text));
        rendered.push_back(std::move(done));
      }
      return Keep(value, Value(std::move(rendered)));
    }
    if (value.is_map()) {
      Value::Map rendered;
      for (const auto& [name, member] : value.as_map()) {
        ASSIGN_OR_RETURN(Value done, Everything(member, use, text));
        rendered.emplace_back(name, std::move(done));
      }
      return Keep(value, Value(std::move(rendered)));
    }
    return value;
  }

  const RenderString& render_;
  const PullValue& pull_;
};

void AddName(const Value& value, std::vector<std::string>& names) {
  if (value.is_list()) {
    for (const Value& item : value.as_list()) AddName(item, names);
  } else if (value.is_string() && std::find(names.begin(), names.end(), value.as_string()) == names.end()) {
    names.push_back(value.as_string());
  }
}

std::vector<std::string> NamesOf(const TaskKind& kind, const Value& with, FieldUse use) {
  std::vector<std::string> names;
  for (const FieldSpec& field : kind.fields) {
    const Value* value = with.Find(field.name);
    if (field.use == use && value != nullptr) AddName(*value, names);
  }
  return names;
}

}  // namespace

const std::vector<const TaskKind*>& TaskKinds() {
  static const std::vector<const TaskKind*> kinds = {
      &ShellKind(),     &EmptyKind(),  &SqlKind(),  &ExtractKind(), &LoadKind(),         &CheckKind(),
      &MapReduceKind(), &PythonKind(), &HttpKind(), &BranchKind(),  &ShortCircuitKind(), &LatestOnlyKind(),
      &TriggerDagKind(), &ApprovalKind(), &SensorFileKind(), &SensorSqlKind(), &SensorHttpKind(), &SensorTimeKind(),
      &SensorExternalTaskKind(), &NotifyKind()};
  return kinds;
}

const TaskKind* FindTaskKind(std::string_view name) {
  if (const OperatorPath* found = FindOperator(name)) name = found->kind;
  for (const TaskKind* kind : TaskKinds()) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

Steering SteeringOf(std::string_view name) {
  const OperatorPath* path = FindOperator(name);
  if (path != nullptr && path->steering != Steering::kNone) return path->steering;
  const TaskKind* kind = FindTaskKind(name);
  return kind == nullptr ? Steering::kNone : kind->steering;
}

Problem UnknownTaskKind(std::string_view name, Position where) {
  const std::string quoted = "'" + std::string(name) + "'";
  const OperatorPath* known = FindOperator(name);
  if (known != nullptr || std::find(kLaterKinds.begin(), kLaterKinds.end(), name) != kLaterKinds.end()) {
    return {"", where, "task kind " + quoted + " is not supported yet",
            known != nullptr ? "run a script with the kind 'shell'" : ""};
  }
  std::vector<std::string> names;
  for (const TaskKind* kind : TaskKinds()) names.push_back(kind->name);
  std::string suggestion = DidYouMean(name, names);
  const std::string family = std::string(name) + "_";  // uses: sensor
  if (std::any_of(names.begin(), names.end(), [&](const auto& kind) { return kind.starts_with(family); })) {
    std::erase_if(names, [&](const std::string& kind) { return !kind.starts_with(family); });
    suggestion.clear();
  }
  if (suggestion.empty()) {
    for (const std::string& kind : names) suggestion += (suggestion.empty() ? "there are: " : ", ") + kind;
  }
  return {"", where, "unknown task kind " + quoted, std::move(suggestion)};
}

Value NativeWith(std::string_view uses, const Value& with) {
  if (FindOperator(uses) == nullptr || !with.is_map()) return with;
  Value native = with;
  for (auto& [key, value] : native.as_map()) {
    for (const auto& [theirs, ours] : kOperatorFields) {
      if (key == theirs) key = ours;
    }
    // Airflow's YAML marks templates: {$t: "extract.sh {{ ds }}"}. Ours are templates without a mark.
    const Value* marked = value.is_map() && value.as_map().size() == 1 ? value.Find("$t") : nullptr;
    if (marked == nullptr && value.is_map() && value.as_map().size() == 1) marked = value.Find("$template");
    if (marked != nullptr) {
      Value plain = *marked;
      value = std::move(plain);
    }
  }
  if (std::optional<Value> message = NativeNotifier(uses, native)) return *std::move(message);
  SplitCallable(native);
  const std::string_view kind = FindOperator(uses)->kind;
  if (kind == "trigger_dag") {
    std::erase_if(native.as_map(), [](const auto& member) {
      return std::find(kNeedless.begin(), kNeedless.end(), member.first) != kNeedless.end();
    });
  }
  if (uses == kEntryOperator) AddEntryOptions(native);
  // Airflow's name for "where paths begin", which is the worker's root here.
  if (const Value* folder = native.Find("fs_conn_id"); folder != nullptr && *folder == Value("fs_default"))
    std::erase_if(native.as_map(), [](const auto& member) { return member.first == "fs_conn_id"; });
  return native;
}

StatusOr<Value> RenderWith(const TaskKind& kind, const Value& with, const RenderString& render,
                           const PullValue& pull) {
  if (!with.is_map()) return with;
  return Renderer(render, pull).Members(with, kind.fields);
}

std::vector<std::string> ConnectionsOf(const TaskKind& kind, const Value& with) {
  return NamesOf(kind, with, FieldUse::kConnection);
}

std::vector<std::string> FilesOf(const TaskKind& kind, const Value& with) {
  return NamesOf(kind, with, FieldUse::kFile);
}

}  // namespace millrace
