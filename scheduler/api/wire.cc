#include "scheduler/api/wire.h"

#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/bundle_file.h"
#include "core/model/json.h"
#include "core/model/problem_line.h"

namespace millrace::api {
namespace {

std::string UuidOf(std::string hex) {
  std::erase_if(hex, [](char c) { return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')); });
  hex.resize(32, '0');
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

double Seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

Value DurationBetween(const std::optional<WallTime>& start, const std::optional<WallTime>& end) {
  if (!start || !end) return {};
  return Seconds(*end - *start);
}

Value TimeDelta(Duration duration) {
  const std::int64_t micros = duration.count();
  constexpr std::int64_t kSecond = 1'000'000;
  constexpr std::int64_t kDay = 86'400 * kSecond;
  return Value::Map{{"__type", "TimeDelta"},
                    {"days", micros / kDay},
                    {"seconds", micros % kDay / kSecond},
                    {"microseconds", micros % kSecond}};
}

bool IsPeriodic(const Schedule& schedule) {
  return schedule.kind == ScheduleKind::kCronTrigger || schedule.kind == ScheduleKind::kCronInterval ||
         schedule.kind == ScheduleKind::kMultipleCron;
}

std::string TimesDescription(const Schedule& schedule) {
  switch (schedule.kind) {
    case ScheduleKind::kNone:
      return schedule.datasets ? "" : "Never, external triggers only";
    case ScheduleKind::kOnce:
      return "Once, as soon as possible";
    case ScheduleKind::kContinuous:
      return "As frequently as possible, but only one run at a time";
    case ScheduleKind::kCronTrigger:
    case ScheduleKind::kMultipleCron:
      return schedule.expression + " in " + schedule.timezone + "; a run's date is when it fires";
    case ScheduleKind::kCronInterval:
      return schedule.expression + " in " + schedule.timezone + "; a run covers the interval that just ended";
    case ScheduleKind::kEvents:
      return std::to_string(schedule.events.size()) + " events between " +
             FormatTime(schedule.events.front()) + " and " + FormatTime(schedule.events.back());
  }
  return {};
}

Value TimetableDescription(const Schedule& schedule) {
  const std::string times = TimesDescription(schedule);
  if (!schedule.datasets) return times;
  return (times.empty() ? "" : times + ", or ") + ConditionText(*schedule.datasets);
}

// Airflow's asset_expression: {"all": [{"asset": {...}}, {"any": [...]}]}.
Value ConditionValue(const DatasetCondition& condition, const Dag& dag) {
  if (condition.op == DatasetCondition::Op::kDataset) {
    Value asset{Value::Map{{"name", condition.dataset}, {"uri", condition.dataset}, {"group", "asset"}}};
    for (const Dataset& dataset : dag.datasets) {
      if (dataset.name != condition.dataset) continue;
      asset.Set("uri", dataset.uri);
      asset.Set("group", dataset.group);
    }
    return Value::Map{{"asset", std::move(asset)}};
  }
  if (condition.op == DatasetCondition::Op::kAlias) {
    Value alias{Value::Map{{"name", condition.dataset}, {"group", "asset"}}};
    for (const DatasetAlias& known : dag.aliases) {
      if (known.name == condition.dataset) alias.Set("group", known.group);
    }
    return Value::Map{{"alias", std::move(alias)}};
  }
  Value::List parts;
  for (const DatasetCondition& part : condition.parts) parts.push_back(ConditionValue(part, dag));
  return Value::Map{{condition.op == DatasetCondition::Op::kAll ? "all" : "any", std::move(parts)}};
}

Value Tags(const Dag& dag) {
  Value::List tags;
  for (const std::string& tag : dag.tags) {
    tags.emplace_back(Value::Map{{"name", tag}, {"dag_id", dag.id}, {"dag_display_name", dag.id}});
  }
  return tags;
}

Value Params(const Dag& dag) {
  Value::Map params;
  for (const Param& param : dag.params) {
    params.emplace_back(param.name, Value::Map{{"value", param.default_value},
                                               {"description", TextOrNull(param.description)},
                                               {"schema", param.schema}});
  }
  return params;
}

// The fields that a task instance has of its task.
void AddTaskFields(Value::Map* wire, const Dag& dag, const TaskInstance& instance) {
  const auto index = static_cast<std::size_t>(instance.task());
  static const Task kGone;  // the version no longer has it
  const Task& task = index < dag.tasks.size() ? dag.tasks[index] : kGone;
  wire->insert(wire->end(), {{"task_id", task.id},
                             {"task_display_name", task.id},
                             {"operator", task.kind},
                             {"operator_name", task.kind},
                             {"pool", task.pool},
                             {"pool_slots", task.pool_slots},
                             {"priority_weight", instance.weight.value_or(task.priority_weight)},
                             {"queue", "default"}});
}

void AddRunFields(Value::Map* wire, const Run& run, const std::optional<DagVersionRow>& version) {
  wire->insert(wire->end(), {{"dag_id", run.dag_id},
                             {"dag_display_name", run.dag_id},
                             {"dag_run_id", run.run_id},
                             {"logical_date", WireTime(run.logical_date)},
                             {"run_after", FormatTime(run.run_after)},
                             {"dag_version", version ? WireDagVersion(*version) : Value()},
                             {"executor", Value()},
                             {"executor_config", "{}"},
                             {"unixname", Value()},
                             {"pid", Value()}});
}

Value WireLoop(const Task& task) {
  if (!task.loop) return {};
  return Value::Map{{"until", task.loop->until},
                    {"max_iterations", task.loop->max_iterations},
                    {"delay", TimeDelta(task.loop->delay)}};
}

Value StateOrNull(TaskState state) { return state == TaskState::kNone ? Value() : Value(ToString(state)); }

}  // namespace

Value WireTime(const std::optional<WallTime>& time) { return time ? Value(FormatTime(*time)) : Value(); }

Value TextOrNull(const std::string& text) { return text.empty() ? Value() : Value(text); }

std::int64_t ImportErrorId(const ImportError& error) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : BundleFile(error.bundle, error.file)) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return static_cast<std::int64_t>(hash & 0x7fffffffU);
}

Value WireDagVersion(const DagVersionRow& version) {
  return Value::Map{{"id", UuidOf(version.dag->hash)}, {"version_number", version.version},
                    {"dag_id", version.dag_id},        {"dag_display_name", version.dag_id},
                    {"bundle_name", BundleOr(version.dag->bundle)}, {"bundle_version", TextOrNull(version.dag->bundle_version)},
                    {"bundle_url", Value()},           {"created_at", FormatTime(version.created_at)}};
}

Value::Map WireDag(const store::DagEntry& entry, const AroundDags& around) {
  const Dag& dag = *entry.dag;
  const DagRow& row = entry.row;
  return {{"dag_id", row.dag_id},
          {"dag_display_name", row.dag_id},
          {"is_paused", row.paused},
          {"is_stale", row.stale},
          {"last_parsed_time", FormatTime(entry.last_parsed_at)},
          {"last_parse_duration", Value()},
          {"last_expired", Value()},
          {"bundle_name", BundleOr(dag.bundle)},
          {"bundle_version", TextOrNull(dag.bundle_version)},
          {"relative_fileloc", dag.file},
          {"fileloc", dag.file},
          {"file_token", dag.hash},
          {"description", TextOrNull(dag.description)},
          {"timetable_summary", TextOrNull(dag.schedule.written)},
          {"timetable_description", TimetableDescription(dag.schedule)},
          {"timetable_partitioned", dag.schedule.partitions.has_value()},
          {"timetable_periodic", IsPeriodic(dag.schedule)},
          {"is_backfillable", IsPeriodic(dag.schedule)},
          {"allowed_run_types", Value()},
          {"tags", Tags(dag)},
          {"owners", dag.owner.empty() ? Value::List() : Value::List{dag.owner}},
          {"max_active_tasks", dag.max_active_tasks},
          {"max_active_runs", dag.max_active_runs},
          {"max_consecutive_failed_dag_runs", dag.max_consecutive_failed_runs},
          {"has_task_concurrency_limits", std::any_of(dag.tasks.begin(), dag.tasks.end(),
                                                      [](const Task& task) {
                                                        return task.max_active_tis_per_dag > 0 ||
                                                               task.max_active_tis_per_dagrun > 0;
                                                      })},
          {"has_import_errors", around.files_in_trouble.contains(BundleFile(dag.bundle, dag.file))},
          {"is_favorite", around.favorites.contains(row.dag_id)},
          {"next_dagrun_logical_date", WireTime(row.next_logical_date)},
          {"next_dagrun_data_interval_start", WireTime(row.next_interval_start)},
          {"next_dagrun_data_interval_end", WireTime(row.next_interval_end)},
          {"next_dagrun_run_after", WireTime(row.next_run_after)}};
}

Value WireDagDetails(const store::DagEntry& entry, const AroundDags& around,
                     const std::optional<DagVersionRow>& newest) {
  const Dag& dag = *entry.dag;
  Value::Map wire = WireDag(entry, around);
  wire.insert(
      wire.end(),
      {{"catchup", dag.schedule.catchup == Catchup::kAll},
       {"concurrency", dag.max_active_tasks},
       {"render_template_as_native_obj", false},
       {"dag_run_timeout", dag.run_timeout > Duration(0) ? TimeDelta(dag.run_timeout) : Value()},
       {"max_dag_retries", dag.max_dag_retries},
       {"dag_retry_delay", TimeDelta(dag.dag_retry_delay)},
       {"dag_retry_strategy", dag.dag_retry_all ? "all_tasks" : "from_failure"},
       {"asset_expression", dag.schedule.datasets ? ConditionValue(*dag.schedule.datasets, dag) : Value()},
       {"default_args", Value()},
       {"doc_md", TextOrNull(dag.doc)},
       {"start_date", WireTime(dag.schedule.start)},
       {"end_date", WireTime(dag.schedule.end)},
       {"is_paused_upon_creation", dag.paused_upon_creation},
       {"params", Params(dag)},
       {"timezone", dag.schedule.timezone},
       {"last_parsed", FormatTime(entry.last_parsed_at)},
       {"template_search_path", Value()},
       {"owner_links", Value()},
       {"latest_dag_version", newest ? WireDagVersion(*newest) : Value()}});
  return wire;
}

Value WireTask(const Dag& dag, const Task& task, const DagRow& row) {
  const auto weight_rule = [](WeightRule rule) {
    return rule == WeightRule::kDownstream ? "downstream" : rule == WeightRule::kUpstream ? "upstream" : "absolute";
  };
  Value::List downstream;
  for (const std::int32_t index : task.downstream)
    downstream.emplace_back(dag.tasks[static_cast<std::size_t>(index)].id);
  return Value::Map{{"task_id", task.id},
                    {"task_display_name", task.id},
                    {"class_ref", Value::Map{{"module_path", "millrace.tasks"}, {"class_name", task.kind}}},
                    {"operator_name", task.kind},
                    {"owner", TextOrNull(task.owner.empty() ? dag.owner : task.owner)},
                    {"start_date", WireTime(dag.schedule.start)},
                    {"end_date", WireTime(dag.schedule.end)},
                    {"trigger_rule", ToString(task.trigger_rule)},
                    {"depends_on_past", task.depends_on_past},
                    {"wait_for_downstream", task.wait_for_downstream},
                    {"retries", task.retry.retries},
                    {"retry_delay", TimeDelta(task.retry.delay)},
                    {"retry_exponential_backoff", task.retry.multiplier == 1.0 ? 0.0 : task.retry.multiplier},
                    {"execution_timeout",
                     task.execution_timeout > Duration(0) ? TimeDelta(task.execution_timeout) : Value()},
                    {"priority_weight", task.own_weight},
                    {"weight_rule", task.weight ? *task.weight : weight_rule(task.weight_rule)},
                    {"pool", task.pool},
                    {"pool_slots", task.pool_slots},
                    {"queue", "default"},
                    {"ui_color", "#fff"},
                    {"ui_fgcolor", "#000"},
                    {"template_fields", Value::List()},
                    {"downstream_task_ids", std::move(downstream)},
                    {"doc_md", TextOrNull(task.doc)},
                    {"params", Value::Map()},
                    {"is_mapped", task.mapped()},
                    {"is_paused", std::binary_search(row.paused_tasks.begin(), row.paused_tasks.end(), task.id)},
                    {"loop", WireLoop(task)},
                    {"extra_links", Value::List()}};
}

// Which task made it; Airflow knows no more than that one did.
Value WireTriggeringTask(const std::optional<TriggeringTask>& task, const Scope& scope) {
  if (!task || !scope.Sees(task->dag_id)) return {};
  return Value::Map{{"dag_id", task->dag_id},
                    {"dag_run_id", task->run_id},
                    {"task_id", task->task_id},
                    {"map_index", task->map_index}};
}

Value WireRun(const Run& run, const std::optional<DagVersionRow>& version, const Scope& scope) {
  Value::List versions;
  if (version) versions.push_back(WireDagVersion(*version));
  const auto conf = ParseJson(run.conf);
  const bool timetable = run.triggered_by == "timetable" || run.triggered_by == "asset";
  return Value::Map{{"dag_run_id", run.run_id},
                    {"dag_id", run.dag_id},
                    {"dag_display_name", run.dag_id},
                    {"run_type", ToString(run.type)},
                    {"state", ToString(run.state)},
                    {"logical_date", WireTime(run.logical_date)},
                    {"run_after", FormatTime(run.run_after)},
                    {"queued_at", FormatTime(run.queued_at)},
                    {"start_date", WireTime(run.started_at)},
                    {"end_date", WireTime(run.ended_at)},
                    {"duration", DurationBetween(run.started_at, run.ended_at)},
                    {"data_interval_start", WireTime(run.interval_start)},
                    {"data_interval_end", WireTime(run.interval_end)},
                    {"last_scheduling_decision", Value()},
                    {"triggered_by", run.triggering_task ? "operator" : timetable ? run.triggered_by : "rest_api"},
                    {"triggering_user_name", timetable ? Value() : TextOrNull(run.triggered_by)},
                    {"conf", conf.ok() && conf->is_map() ? *conf : Value(Value::Map())},
                    {"note", TextOrNull(run.note)},
                    {"missed_deadlines", run.missed_deadlines},
                    {"retries", run.retries},
                    {"max_retries", run.max_retries},
                    {"retry_at", WireTime(run.retry_at)},
                    {"triggering_task", WireTriggeringTask(run.triggering_task, scope)},
                    {"dag_versions", std::move(versions)},
                    {"bundle_version", version ? TextOrNull(version->dag->bundle_version) : Value()},
                    {"partition_key", TextOrNull(run.partition_key)},
                    {"partition_date", WireTime(run.partition_date)}};
}

Value::Map WireTaskInstance(const TaskInstance& instance, const Run& run, const Dag& dag,
                            const std::optional<DagVersionRow>& version) {
  Value::Map wire = {{"id", TaskInstanceUuid(instance.key, instance.try_number)},
                     {"state", StateOrNull(instance.state)},
                     {"try_number", instance.try_number},
                     {"max_tries", instance.max_tries},
                     {"scheduled_when", WireTime(instance.scheduled_at)},
                     {"queued_when", WireTime(instance.queued_at)},
                     {"start_date", WireTime(instance.started_at)},
                     {"end_date", WireTime(instance.ended_at)},
                     {"duration", DurationBetween(instance.started_at, instance.ended_at)},
                     {"hostname", TextOrNull(instance.worker)},
                     {"note", TextOrNull(instance.reason)},
                     {"map_index", instance.map_index},
                     {"rendered_map_index", TextOrNull(instance.rendered_map_index)},
                     {"rendered_fields", Value::Map()},
                     {"trigger", Value()},
                     {"triggerer_job", Value()}};
  AddTaskFields(&wire, dag, instance);
  AddRunFields(&wire, run, version);
  return wire;
}

Value WireAttempt(const Attempt& attempt, const TaskInstance& instance, const Run& run, const Dag& dag,
                  const std::optional<DagVersionRow>& version) {
  TaskInstance shown;
  shown.key = attempt.instance;
  shown.map_index = instance.map_index;
  shown.mapped_task = instance.mapped_task;
  shown.state = attempt.state;
  shown.try_number = attempt.try_number;
  shown.max_tries = instance.max_tries;
  shown.queued_at = attempt.queued_at;
  shown.started_at = attempt.started_at;
  shown.ended_at = attempt.ended_at;
  shown.worker = attempt.worker;
  shown.reason = attempt.reason;
  return WireTaskInstance(shown, run, dag, version);
}

Value WireImportError(const ImportError& error) {
  Value::List problems;
  std::string text;
  for (const Problem& problem : error.problems) {
    problems.emplace_back(
        Value::Map{{"file", problem.file},
                   {"line", problem.where.line > 0 ? Value(problem.where.line) : Value()},
                   {"column", problem.where.column > 0 ? Value(problem.where.column) : Value()},
                   {"message", problem.message},
                   {"suggestion", TextOrNull(problem.suggestion)}});
    text += ToLine(problem) + "\n";
  }
  return Value::Map{{"import_error_id", ImportErrorId(error)},
                    {"timestamp", FormatTime(error.at)},
                    {"filename", error.file},
                    {"bundle_name", BundleOr(error.bundle)},
                    {"stack_trace", std::move(text)},
                    {"problems", std::move(problems)}};
}

Value WireWholeList(const char* name, Value::List rows) {
  const auto total = static_cast<std::int64_t>(rows.size());
  return Value::Map{{name, std::move(rows)}, {"total_entries", total}};
}

}  // namespace millrace::api
