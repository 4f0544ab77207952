#include "core/spec/airflow_operators.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "core/spec/airflow_checks.h"
#include "core/spec/dag_fields.h"
#include "core/spec/field.h"
#include "core/spec/notifiers.h"
#include "core/spec/task_kind.h"

namespace millrace {
namespace {

constexpr std::string_view kStandard = "airflow.providers.standard.";
constexpr std::string_view kAirflow = "airflow.";

constexpr std::array kOperators = std::to_array<AirflowOperator>({
    {"operators.bash.BashOperator", "shell"},
    {"operators.empty.EmptyOperator", "empty"},
    {"operators.dummy.DummyOperator", "empty"},
    {"operators.smooth.SmoothOperator", "empty"},
    {"operators.python.PythonOperator", "python"},
    {"operators.python.ExternalPythonOperator", "python"},
    {"operators.python.PythonVirtualenvOperator", "python"},
    {"operators.python.BranchPythonOperator", "python", Steering::kBranch},
    {"operators.python.BranchExternalPythonOperator", "python", Steering::kBranch},
    {"operators.python.BranchPythonVirtualenvOperator", "python", Steering::kBranch},
    {"operators.python.ShortCircuitOperator", "python", Steering::kShortCircuit},
    {"operators.latest_only.LatestOnlyOperator", "latest_only"},
    {"operators.trigger_dagrun.TriggerDagRunOperator", "trigger_dag"},
    {"operators.hitl.ApprovalOperator", "approval"},
    {"operators.hitl.HITLOperator", "approval"},
    {"operators.hitl.HITLBranchOperator", "approval", Steering::kBranch},
    {"operators.hitl.HITLEntryOperator", "approval"},
    {"operators.email.EmailOperator", "notify"},
    {"sensors.bash.BashSensor", "sensor_shell"},
    {"sensors.python.PythonSensor", "sensor_python"},
    {"sensors.filesystem.FileSensor", "sensor_file"},
    {"sensors.time.TimeSensor", "sensor_time"},
    {"sensors.time.TimeSensorAsync", "sensor_time"},
    {"sensors.time_sensor.TimeSensor", "sensor_time"},
    {"sensors.time_sensor.TimeSensorAsync", "sensor_time"},
    {"sensors.date_time.DateTimeSensor", "sensor_time"},
    {"sensors.date_time.DateTimeSensorAsync", "sensor_time"},
    {"sensors.time_delta.TimeDeltaSensor", "sensor_time"},
    {"sensors.time_delta.TimeDeltaSensorAsync", "sensor_time"},
    {"sensors.time_delta.WaitSensor", "sensor_time"},
    {"sensors.external_task.ExternalTaskSensor", "sensor_external_task"},
    {"providers.common.sql.operators.sql.SQLExecuteQueryOperator", "sql"},
    {"providers.common.sql.operators.sql.SQLColumnCheckOperator", "check"},
    {"providers.common.sql.operators.sql.SQLTableCheckOperator", "check"},
    {"providers.common.sql.operators.sql.SQLCheckOperator", "check"},
    {"providers.common.sql.operators.sql.SQLValueCheckOperator", "check"},
    {"providers.common.sql.operators.sql.SQLThresholdCheckOperator", "check"},
    {"providers.common.sql.operators.sql.SQLIntervalCheckOperator", "check"},
    {"operators.sql.SQLExecuteQueryOperator", "sql"},
    {"operators.sql.SQLColumnCheckOperator", "check"},
    {"operators.sql.SQLTableCheckOperator", "check"},
    {"operators.sql.SQLCheckOperator", "check"},
    {"operators.sql.SQLValueCheckOperator", "check"},
    {"operators.sql.SQLThresholdCheckOperator", "check"},
    {"operators.sql.SQLIntervalCheckOperator", "check"},
    {"providers.common.sql.sensors.sql.SqlSensor", "sensor_sql"},
    {"sensors.sql.SqlSensor", "sensor_sql"},
    {"providers.http.operators.http.HttpOperator", "http"},
    {"providers.http.operators.http.SimpleHttpOperator", "http"},
    {"providers.http.sensors.http.HttpSensor", "sensor_http"},
    {"providers.smtp.operators.smtp.EmailOperator", "notify"},
    {"providers.slack.operators.slack_webhook.SlackWebhookOperator", "notify"},
    {"providers.slack.operators.slack.SlackAPIPostOperator", "notify"},
});

// What these operators call the fields; "": it changes nothing here.
constexpr std::array kArguments = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"bash_command", "command"},
    {"conn_id", "connection"},
    {"sql_conn_id", "connection"},
    {"http_conn_id", "connection"},
    {"op_args", "positional"},
    {"op_kwargs", "args"},
    {"env_vars", "env"},
    {"pip_install_options", "pip_options"},
    {"filepath", "path"},
    {"request_params", "params"},
    {"response_error_codes_allowlist", "not_yet"},
    {"target_time", "at"},
    {"delta", "after"},
    {"time_to_wait", "wait"},
    {"trigger_dag_id", "dag"},
    {"trigger_run_id", "run_id"},
    {"assigned_users", "respondents"},
    {"append_env", ""},
    {"output_encoding", ""},
    {"show_return_value_in_logs", ""},
    {"log_response", ""},
    {"expect_airflow", ""},
    {"expect_pendulum", ""},
    {"use_dill", ""},
    {"serializer", ""},
    {"inherit_env", ""},
    {"venv_cache_path", ""},
    {"split_statements", ""},
    {"return_last", ""},
    {"requires_result_fetch", ""},
    {"start_from_trigger", ""},
    {"end_from_trigger", ""},
    {"trigger_kwargs", ""},
    {"openlineage_inject_parent_info", ""},
});

// What has no counterpart, and what to write instead.
constexpr std::array kUnsupported = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"string_args", "give them by name, in op_kwargs"},
    {"templates_exts", "text in 'with' is rendered, files are not"},
    {"output_processor", "the last line of the output is the result; a task behind it may work on that"},
    {"handler", "the rows of the last SELECT are the result; a python task behind it may work on them"},
    {"parameters", "write the values into 'sql', as templates"},
    {"hook_params", "write options into the connection's URI"},
    {"database", "name a connection of that database"},
    {"response_check",
     "a status code of 200 to 299 is success, or name others with 'expect'; of a sensor also 'contains'"},
    {"response_filter", "the result is {status, headers, body}; a task behind it may pick from it"},
    {"pagination_function", "use the kind 'extract', or several tasks"},
    {"extra_options", "use 'timeout', 'redirects' and 'ca_file'"},
    {"execution_date_fn", "use execution_delta, or logical_date with a template"},
    {"success", "write the condition into the SELECT"},
    {"failure", "write the condition into the SELECT"},
    {"selector", "the first value of the first row counts"},
});

bool Is(std::string_view path, std::string_view name) { return path.substr(path.rfind('.') + 1) == name; }

std::optional<Value> Take(Value& with, std::string_view name) {
  const Value* found = with.Find(name);
  if (found == nullptr) return std::nullopt;
  Value value = *found;
  std::erase_if(with.as_map(), [&](const Value::Member& member) { return member.first == name; });
  return value;
}

// Airflow's YAML marks templates: {$t: "extract.sh {{ ds }}"}. Ours are templates without a mark.
void Unmark(Value& value) {
  const Value* marked = value.is_map() && value.as_map().size() == 1 ? value.Find("$t") : nullptr;
  if (marked == nullptr && value.is_map() && value.as_map().size() == 1) marked = value.Find("$template");
  if (marked == nullptr) return;
  Value plain = *marked;
  value = std::move(plain);
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
  Take(with, "python_callable");
  with.Set("file", std::move(name));
  with.Set("function", std::move(function));
}

// The function is given templates_dict by that name.
void AddTemplatesDict(std::string_view name, Value& with, std::vector<Problem>& problems) {
  std::optional<Value> texts = Take(with, "templates_dict");
  if (!texts || texts->is_null()) return;
  Value args = with.Find("args") != nullptr ? *with.Find("args") : Value(Value::Map{}).At(texts->position());
  if (!args.is_map() || PulledFrom(args)) {
    return AddProblem(problems, texts->key_position(),
                      std::string(name) + ": 'templates_dict' goes with an op_kwargs that is written out",
                      "text in op_kwargs is rendered as well");
  }
  args.Set("templates_dict", *std::move(texts));
  with.Set("args", std::move(args));
}

// index_urls: [a, b] are pip's --index-url a --extra-index-url b.
void AddIndexUrls(Value& with) {
  const std::optional<Value> urls = Take(with, "index_urls");
  if (!urls || urls->is_null()) return;
  const Value* known = with.Find("pip_options");
  Value::List options = known != nullptr && known->is_list() ? known->as_list() : Value::List{};
  const char* option = "--index-url";
  for (const Value& url : urls->is_list() ? urls->as_list() : Value::List{*urls}) {
    options.push_back(Value(std::exchange(option, "--extra-index-url")).At(url.position()));
    options.push_back(url);
  }
  with.Set("pip_options", Value(std::move(options)).At(urls->position()));
}

// HITLEntryOperator asks for params, and to say OK.
void AddEntryOptions(Value& with) {
  if (with.Find("options") != nullptr) return;
  with.Set("options", Value(Value::List{"OK"}));
  if (with.Find("defaults") == nullptr) with.Set("defaults", Value(Value::List{"OK"}));
}

void SetUnless(Value& with, std::string_view name, Value value) {
  if (with.Find(name) == nullptr) with.Set(name, std::move(value));
}

// What an operator says by itself when its author says nothing.
void AddDefaults(std::string_view path, std::string_view kind, Value& with) {
  if ((kind == "http" || kind == "sensor_http") && with.Find("url") == nullptr)
    SetUnless(with, "connection", Value("http_default"));
  if (kind == "http") SetUnless(with, "method", Value("POST"));
  // None there is no code, and of a sensor each is a look in vain; without a word of it 99 skips.
  const Value* skips = with.Find("skip_on_exit_code");
  if ((kind == "shell" && skips != nullptr && skips->is_null()) ||
      (kind == "sensor_shell" && skips == nullptr))
    with.Set("skip_on_exit_code", Value(Value::List{}));
  // Airflow takes the name of a file there as well.
  if (const Value* file = with.Find("requirements");
      file != nullptr && file->is_string() && file->as_string().ends_with(".txt")) {
    with.Set("requirements_file", *Take(with, "requirements"));
  }
  if (path.ends_with("VirtualenvOperator")) {
    if (with.Find("requirements_file") == nullptr) SetUnless(with, "requirements", Value(Value::List{}));
    SetUnless(with, "system_site_packages", Value(true));
  }
  if (Is(path, "HITLEntryOperator")) AddEntryOptions(with);
}

bool IsTaskField(std::string_view name) {
  const std::vector<FieldSpec>& fields = TaskFields();
  return std::any_of(fields.begin(), fields.end(),
                     [&](const FieldSpec& field) { return field.name == name && name != "params"; });
}

}  // namespace

const AirflowOperator* FindAirflowOperator(std::string_view path) {
  if (!IsAirflowPath(path)) return nullptr;
  const std::string_view rest = path.substr(path.starts_with(kStandard) ? kStandard.size() : kAirflow.size());
  const auto found = std::find_if(kOperators.begin(), kOperators.end(),
                                  [&](const AirflowOperator& known) { return known.path == rest; });
  return found == kOperators.end() ? nullptr : &*found;
}

bool IsAirflowPath(std::string_view name) { return name.starts_with(kAirflow); }

std::string NearestAirflowPath(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('.') + 1);
  const auto found = std::find_if(kOperators.begin(), kOperators.end(),
                                  [&](const AirflowOperator& known) { return Is(known.path, name); });
  if (found == kOperators.end()) return "";
  const bool of_a_provider = found->path.starts_with("providers.");
  return std::string(of_a_provider ? kAirflow : kStandard) + std::string(found->path);
}

Value TranslateArguments(std::string_view path, const Value& with, std::vector<Problem>& problems) {
  const AirflowOperator* found = FindAirflowOperator(path);
  if (found == nullptr || !with.is_map()) return with;
  const AirflowOperator& known = *found;
  Value native = with;
  for (auto& [key, value] : native.as_map()) Unmark(value);
  if (std::optional<Value> message = NativeNotifier(path, native)) return *std::move(message);
  const std::string name(path.substr(path.rfind('.') + 1));
  const std::vector<FieldSpec>& fields = FindTaskKind(known.kind)->fields;
  Value::Map members;
  for (auto& [key, value] : native.as_map()) {
    const bool kind_has = FindField(fields, key) != nullptr;
    const auto unsupported = std::find_if(kUnsupported.begin(), kUnsupported.end(),
                                          [&](const auto& pair) { return pair.first == key; });
    if (!kind_has && unsupported != kUnsupported.end()) {
      // None is what says nothing.
      if (!value.is_null())
        AddProblem(problems, value.key_position(), name + ": '" + key + "' is not possible here",
                   std::string(unsupported->second));
      continue;
    }
    if (!kind_has && IsTaskField(key)) {
      AddProblem(problems, value.key_position(), name + ": '" + key + "' is about the task",
                 "write it beside 'with', not in it");
      continue;
    }
    // Other names than those that the kind has itself.
    const auto argument = std::find_if(kArguments.begin(), kArguments.end(),
                                       [&](const auto& pair) { return pair.first == key; });
    if (argument == kArguments.end()) {
      members.emplace_back(key, std::move(value));
    } else if (!argument->second.empty()) {
      members.emplace_back(argument->second, std::move(value));
    }
  }
  native.as_map() = std::move(members);
  if (const Value* poll = native.Find("poll_interval"); poll != nullptr) {
    Value interval = *poll;
    Take(native, "poll_interval");
    if (FindField(fields, "poke_interval") != nullptr) native.Set("poke_interval", std::move(interval));
  }
  if (FindField(fields, "deferrable") == nullptr) Take(native, "deferrable");
  if (known.kind == "trigger_dag") Take(native, "poke_interval");  // it waits without looking
  // Airflow's name for "where paths begin", which is the worker's root here.
  if (const Value* folder = native.Find("fs_conn_id"); folder != nullptr && *folder == Value("fs_default"))
    Take(native, "fs_conn_id");
  SplitCallable(native);
  if (FindField(fields, "args") != nullptr) AddTemplatesDict(name, native, problems);
  AddIndexUrls(native);
  if (known.kind == "check") native = ChecksOf(name, native, problems);
  AddDefaults(path, known.kind, native);
  return native;
}

}  // namespace millrace
