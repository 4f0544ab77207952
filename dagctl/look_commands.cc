// Commands that only look: what does not load, what is known of a DAG, states, health.
#include "core/calendar/format.h"
#include "core/model/json.h"
#include "dagctl/commands.h"

namespace millrace::dagctl {
namespace {

constexpr std::size_t kDayText = 10;  // 2001-03-01

const std::vector<Field> kStateFields = {{"dag_id", "DAG"},
                                         {"dag_run_id", "RUN"},
                                         {"logical_date", "LOGICAL DATE"},
                                         {"state", "STATE"},
                                         {"conf", "CONF"}};
const std::vector<Field> kStateByRunFields = {{"task_id", "TASK"},
                                              {"state", "STATE"},
                                              {"try_number", "TRY"},
                                              {"start_date", "STARTED"},
                                              {"end_date", "ENDED"}};

}  // namespace

Status ListImportErrors(Context& context) {
  ASSIGN_OR_RETURN(const Value::List errors,
                   context.client.All("/api/v2/importErrors", "import_errors", {}, kMostRows));
  context.output.Rows({{"filename", "FILE"}, {"bundle_name", "BUNDLE"}, {"timestamp", "SINCE"}, {"stack_trace", "PROBLEMS"}},
                      errors);
  if (errors.empty()) return OkStatus();
  return FailedPrecondition(std::to_string(errors.size()) +
                            (errors.size() == 1 ? " DAG file has" : " DAG files have") + " problems");
}

Status ShowDetails(Context& context, const std::string& dag_id) {
  ASSIGN_OR_RETURN(const Value dag, context.client.Get(DagPath(dag_id) + "/details"));
  if (context.output.format() == Format::kJson || context.output.format() == Format::kYaml) {
    context.output.Objects({dag});
    return OkStatus();
  }
  Value::List rows;
  for (const auto& [name, value] : dag.as_map())
    rows.emplace_back(Value::Map{{"property", name}, {"value", value}});
  context.output.Rows({{"property", "PROPERTY"}, {"value", "VALUE"}}, rows);
  return OkStatus();
}

Status ShowRunState(Context& context, const std::string& dag_id, const std::string& date) {
  const StatusOr<WallTime> from = ParseTimeUtc(date);
  Value::List runs;
  if (!from.ok()) {
    StatusOr<Value> run = context.client.Get(RunPath(dag_id, date));
    if (run.status().code() == Code::kNotFound)
      return NotFound(run.status().message() + "; as a date: " + from.status().message());
    RETURN_IF_ERROR(run.status());
    runs.push_back(std::move(*run));
  } else {
    const bool day = date.size() == kDayText;
    const QueryParameters query = {{"order_by", "logical_date"},
                                   {"logical_date_gte", FormatTime(*from)},
                                   {day ? "logical_date_lt" : "logical_date_lte",
                                    FormatTime(day ? *from + std::chrono::hours(24) : *from)}};
    ASSIGN_OR_RETURN(runs, context.client.All(DagPath(dag_id) + "/dagRuns", "dag_runs", query, kMostRows));
  }
  if (runs.empty()) return NotFound("DAG " + dag_id + " has no run for " + date);
  context.output.Rows(kStateFields, runs);
  return OkStatus();
}

Status ShowTaskState(Context& context, const std::string& dag_id, const std::string& run_id,
                     const std::string& task_id) {
  Value::List rows;
  if (ParseTaskName(task_id).map_index.empty()) {
    ASSIGN_OR_RETURN(rows, context.client.All(RunPath(dag_id, run_id) + "/taskInstances", "task_instances",
                                              {{"task_id", task_id}}, kMostRows));
  }
  // One instance is named, or there is nothing of that name: then this says so.
  if (rows.empty()) {
    ASSIGN_OR_RETURN(Value row, context.client.Get(TaskPath(dag_id, run_id, task_id)));
    rows.push_back(std::move(row));
  }
  context.output.Rows(kStateByRunFields, NamedByIndex(std::move(rows)));
  return OkStatus();
}

Status ShowHealth(Context& context) {
  ASSIGN_OR_RETURN(const Value health, context.client.Get("/api/v2/monitor/health"));
  Value::List rows;
  std::string ill;
  for (const char* part : {"metadatabase", "scheduler", "dag_processor"}) {
    const Value* said = health.Find(part);
    const std::string status = said == nullptr ? "" : Text(*said, "status");
    const std::string heartbeat =
        said == nullptr ? "" : Text(*said, "latest_" + std::string(part) + "_heartbeat");
    rows.emplace_back(Value::Map{{"part", part},
                                 {"status", status},
                                 {"latest_heartbeat", heartbeat.empty() ? Value() : Value(heartbeat)}});
    if (status != "healthy") ill += (ill.empty() ? "" : ", ") + std::string(part);
  }
  context.output.Rows({{"part", "PART"}, {"status", "STATUS"}, {"latest_heartbeat", "LATEST HEARTBEAT"}},
                      rows);
  return ill.empty() ? OkStatus() : FailedPrecondition("not healthy: " + ill);
}

}  // namespace millrace::dagctl
