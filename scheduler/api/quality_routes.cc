// What a DAG's checks found, run by run: the results that its `check` and `mapreduce` tasks left.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/input.h"
#include "scheduler/api/view_handlers.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr int kMostRuns = 100;
constexpr std::size_t kMostResults = 2000;

// Without the failing rows: they are in the task instance's result.
Value Shown(const Value& check) {
  Value::Map shown;
  for (const char* name :
       {"check", "type", "severity", "passed", "value", "failing_rows", "rows", "message"}) {
    const Value* member = check.Find(name);
    shown.emplace_back(name, member == nullptr ? Value() : *member);
  }
  return shown;
}

// The checks in what a task instance left; none when it left something else, or nothing.
Value::List ChecksOf(Context& context, const TaskInstanceKey& key) {
  Value::List shown;
  const StatusOr<std::string> text = context.readers.task_instances.GetResult(key);
  if (!text.ok()) return shown;
  const StatusOr<Value> result = ParseJson(*text);
  const Value* checks = result.ok() ? result->Find("checks") : nullptr;
  if (checks == nullptr || !checks->is_list()) return shown;
  for (const Value& check : checks->as_list()) {
    if (check.Find("check") != nullptr && check.Find("passed") != nullptr) shown.push_back(Shown(check));
  }
  return shown;
}

Status AddResults(Context& context, const Run& run, Value::List* results) {
  ASSIGN_OR_RETURN(const DagPtr dag, context.DagOf(run));
  for (std::size_t i = 0; i < dag->tasks.size(); ++i) {
    const Task& task = dag->tasks[i];
    if (task.kind != "check" && task.kind != "mapreduce") continue;
    store::TaskInstanceFilter filter;
    filter.runs = {run.key};
    filter.task = static_cast<std::int32_t>(i);
    filter.states = {TaskState::kSuccess, TaskState::kFailed, TaskState::kUpForRetry};
    filter.page.limit = static_cast<int>(kMostResults);
    ASSIGN_OR_RETURN(const auto instances, context.readers.task_instances.ListTaskInstances(filter));
    for (const TaskInstance& row : instances.rows) {
      Value::List checks = ChecksOf(context, row.key);
      if (checks.empty()) continue;
      results->emplace_back(Value::Map{{"dag_run_id", run.run_id},
                                       {"task_id", task.id},
                                       {"map_index", row.map_index},
                                       {"state", ToString(row.state)},
                                       {"end_date", WireTime(row.ended_at)},
                                       {"checks", std::move(checks)}});
    }
  }
  return OkStatus();
}

http::Response ListChecks(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::RunFilter filter;
  filter.page.limit = static_cast<int>(query.Int("limit", 25, 1, kMostRuns));
  if (auto problems = query.Problems()) return *problems;
  filter.dag_id = std::string(call.request.Param("dag_id"));
  filter.order = store::RunOrder::kRunAfter;
  filter.descending = true;
  ANSWER_IF_ERROR(context.readers.dags.GetDag(filter.dag_id).status());
  ASSIGN_OR_ANSWER(const auto runs, context.readers.runs.ListRuns(filter));
  Value::List run_list;
  Value::List results;
  for (const Run& run : runs.rows) {
    if (results.size() > kMostResults) break;  // fewer runs than asked for, each of them whole
    ANSWER_IF_ERROR(AddResults(context, run, &results));
    run_list.emplace_back(Value::Map{{"dag_run_id", run.run_id},
                                     {"state", ToString(run.state)},
                                     {"logical_date", WireTime(run.logical_date)},
                                     {"run_after", FormatTime(run.run_after)}});
  }
  return JsonAnswer(Value::Map{{"runs", std::move(run_list)}, {"results", std::move(results)}});
}

}  // namespace

void AddQualityRoutes(RouteTable& table, Context& context) {
  table.Add({"GET", "/millrace/v1/dags/{dag_id}/checks", Needs(Verb::kRead, Resource::kDag), 200,
             "What the checks of the newest runs found",
             [&context](const Call& call) { return ListChecks(context, call); }});
}

}  // namespace millrace::api
