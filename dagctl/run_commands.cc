#include <algorithm>
#include <cstdio>
#include <map>
#include <ostream>
#include <tuple>

#include "core/calendar/format.h"
#include "dagctl/commands.h"

namespace millrace::dagctl {
namespace {

const std::vector<Field> kRunFields = {{"dag_id", "DAG"},           {"dag_run_id", "RUN"},   {"state", "STATE"},
                                       {"run_type", "TYPE"},        {"logical_date", "LOGICAL DATE"},
                                       {"data_interval_start", "INTERVAL START"}, {"data_interval_end", "INTERVAL END"},
                                       {"start_date", "STARTED"},   {"end_date", "ENDED"}};
const std::vector<Field> kRunTaskFields = {{"task_id", "TASK"}, {"state", "STATE"}, {"try_number", "TRY"}, {"duration", "SECONDS"},
                                           {"hostname", "WORKER"}, {"note", "NOTE"}};

bool HasEnded(const std::string& state) { return state == "success" || state == "failed"; }

// "[########........] 3/5  delays running"
std::string Bar(const Value::List& tasks) {
  constexpr std::size_t kWidth = 24;
  std::size_t done = 0;
  std::string running;
  for (const Value& task : tasks) {
    const std::string state = Text(task, "state");
    if (HasEnded(state) || state == "skipped" || state == "upstream_failed") ++done;
    if (state == "running" || state == "up_for_retry") running += (running.empty() ? "" : ", ") + Text(task, "task_id") + " " + state;
  }
  const std::size_t filled = tasks.empty() ? 0 : kWidth * done / tasks.size();
  return "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] " + std::to_string(done) + "/" +
         std::to_string(tasks.size()) + "  " + running.substr(0, 60);
}

// In a table partition keys have a column where there are some; scripts always find them.
std::vector<Field> FieldsOf(const Context& context, const Value::List& runs) {
  std::vector<Field> fields = kRunFields;
  const bool any = std::any_of(runs.begin(), runs.end(),
                               [](const Value& run) { return !Text(run, "partition_key").empty(); });
  if (any || context.output.format() != Format::kTable) fields.push_back({"partition_key", "PARTITION"});
  return fields;
}

}  // namespace

Value::List NamedByIndex(Value::List tasks) {
  for (Value& task : tasks) {
    const Value* index = task.Find("map_index");
    if (index != nullptr && index->is_int() && index->as_int() >= 0)
      task.Set("task_id", Text(task, "task_id") + "[" + std::to_string(index->as_int()) + "]");
  }
  return tasks;
}

Status ListRuns(Context& context, const ListRunsOptions& options) {
  QueryParameters query = {{"order_by", "-id"}};
  if (!options.state.empty()) query.emplace_back("state", options.state);
  if (options.no_backfill) {
    for (const char* type : {"scheduled", "manual", "asset_triggered", "operator_triggered"})
      query.emplace_back("run_type", type);
  }
  if (!options.partition_key.empty()) query.emplace_back("partition_key_pattern", options.partition_key);
  for (const auto& [option, date, parameter] : {std::tuple("--from: ", options.from, "logical_date_gte"),
                                                std::tuple("--to: ", options.to, "logical_date_lte")}) {
    if (date.empty()) continue;
    if (const auto time = ParseTimeUtc(date); !time.ok()) return InvalidArgument(option + time.status().message());
    query.emplace_back(parameter, date);
  }
  const std::string path = DagPath(options.dag_id.empty() ? "~" : options.dag_id) + "/dagRuns";
  ASSIGN_OR_RETURN(const Value::List runs, context.client.All(path, "dag_runs", query,
                                                              static_cast<std::size_t>(std::max(options.limit, 1))));
  context.output.Rows(FieldsOf(context, runs), runs);
  return OkStatus();
}

Status ShowRun(Context& context, const std::string& dag_id, const std::string& run_id) {
  ASSIGN_OR_RETURN(const Value run, context.client.Get(RunPath(dag_id, run_id)));
  if (context.output.format() != Format::kTable) {
    std::vector<Field> fields = FieldsOf(context, {run});
    for (const char* name : {"retries", "max_retries", "retry_at"}) fields.push_back({name, ""});
    fields.push_back({"triggering_task", "TRIGGERED BY"});
    context.output.Rows(fields, {run});
    return OkStatus();
  }
  context.output.Rows(FieldsOf(context, {run}), {run});
  if (Number(run, "retries") > 0) {
    const std::string at = Text(run, "retry_at");
    context.output.Say("it failed and " + std::string(at.empty() ? "was" : "is") + " tried again" +
                       (at.empty() ? "" : " at " + at) + ": retry " +
                       std::to_string(static_cast<int>(Number(run, "retries"))) + " of " +
                       std::to_string(static_cast<int>(Number(run, "max_retries"))));
  }
  if (const Value* by = run.Find("triggering_task"); by != nullptr && by->is_map()) {
    const auto index = Number(*by, "map_index");
    context.output.Say("triggered by task " + Text(*by, "task_id") +
                       (index < 0 ? "" : "[" + std::to_string(static_cast<int>(index)) + "]") + " of run " +
                       Text(*by, "dag_run_id") + " of DAG " + Text(*by, "dag_id"));
  }
  context.output.Say("");
  return ListTasks(context, dag_id, run_id);
}

Status WatchRun(Context& context, const std::string& dag_id, const std::string& run_id, bool& failed) {
  // On a terminal one line is drawn over; elsewhere each task's end is a line of its own.
  const bool draw = context.output.colour() && context.output.format() == Format::kTable;
  std::map<std::string, std::string> told;
  while (true) {
    ASSIGN_OR_RETURN(const Value run, context.client.Get(RunPath(dag_id, run_id)));
    ASSIGN_OR_RETURN(Value::List listed,
                     context.client.All(RunPath(dag_id, run_id) + "/taskInstances", "task_instances", {}, 10'000));
    const Value::List tasks = NamedByIndex(std::move(listed));
    if (draw) context.output.stream() << "\r\x1b[K" << Bar(tasks) << std::flush;
    for (const Value& task : tasks) {
      const std::string state = Text(task, "state");
      if (draw || told[Text(task, "task_id")] == state || state.empty()) continue;
      told[Text(task, "task_id")] = state;
      if (state != "scheduled" && state != "queued") context.output.Say(Text(task, "task_id") + "  " + state);
    }
    const std::string state = Text(run, "state");
    if (HasEnded(state)) {
      if (draw) context.output.stream() << "\r\x1b[K";
      failed = state == "failed";
      return ShowRun(context, dag_id, run_id);
    }
    context.wait(kPoll);
  }
}

Status CancelRun(Context& context, const std::string& dag_id, const std::string& run_id) {
  ASSIGN_OR_RETURN(const Value run, context.client.Patch(RunPath(dag_id, run_id), Value::Map{{"state", "failed"}}));
  context.output.Rows(kRunFields, {run});
  return OkStatus();
}

Status ListTasks(Context& context, const std::string& dag_id, const std::string& run_id) {
  ASSIGN_OR_RETURN(Value::List tasks,
                   context.client.All(RunPath(dag_id, run_id) + "/taskInstances", "task_instances", {}, 100'000));
  // Scripts read ids and indices apart.
  const bool table = context.output.format() == Format::kTable;
  std::vector<Field> fields = kRunTaskFields;
  if (std::any_of(tasks.begin(), tasks.end(),
                  [](const Value& task) { return !Text(task, "rendered_map_index").empty(); }))
    fields.insert(fields.begin() + 1, {"rendered_map_index", "NAME"});
  context.output.Rows(fields, table ? NamedByIndex(std::move(tasks)) : std::move(tasks));
  return OkStatus();
}

}  // namespace millrace::dagctl
