// Task instances: list, get, tries.
#include <algorithm>
#include <charconv>
#include <map>

#include "scheduler/api/answer.h"
#include "scheduler/api/cursor.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/instances.h"
#include "scheduler/api/rendered_fields.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr int kMaxRuns = 1000;

void ReadStates(QueryInput& query, std::vector<TaskState>* states) {
  for (const std::string& state : query.Strings("state")) {
    const auto known = TaskStateFromString(state == "null" || state == "no_status" ? "none" : state);
    if (known) {
      states->push_back(*known);
    } else {
      query.issues().Add("query", "state", "enum", "This is no state of a task instance", state);
    }
  }
}

// The task's place in the DAG versions of these runs: one filter can only ask for one.
StatusOr<std::int32_t> IndexOf(Context& context, const std::vector<Run>& runs, const std::string& task_id) {
  std::optional<std::int32_t> index;
  for (const Run& run : runs) {
    ASSIGN_OR_RETURN(const DagPtr dag, context.DagOf(run));
    const std::int32_t here = dag->FindTask(task_id);
    if (index && *index != here) {
      return InvalidArgument("Task " + task_id + " has moved between versions of the DAG; ask for one run");
    }
    index = here;
  }
  return index.value_or(-1);
}

http::Response ListInstances(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::TaskInstanceFilter filter;
  store::RunFilter of_runs;
  filter.page = query.Paging(true);
  const CursorPage cursor = ReadCursor(query, "id");
  ReadStates(query, &filter.states);
  const std::string task_id = query.String("task_id");
  query.Range("logical_date", &of_runs.logical_date_from, &of_runs.logical_date_to);
  query.Range("run_after", &of_runs.run_after_from, &of_runs.run_after_to);
  for (const std::string& order : query.Strings("order_by")) {
    if (order != "map_index" && order != "id") {
      query.issues().Add("query", "order_by", "value_error",
                         "Task instances come in the order of their runs and tasks", order);
    }
  }
  if (auto problems = query.Problems()) return *problems;

  Shower shower(context);
  bool every_run = true;
  of_runs.teams = filter.teams = call.scope.teams();
  const bool all = DagOf(call) == "~" && RunOf(call) == "~" && task_id.empty() &&
                   !of_runs.logical_date_from && !of_runs.logical_date_to && !of_runs.run_after_from &&
                   !of_runs.run_after_to;
  if (!all) {
    std::vector<Run> runs;
    if (RunOf(call) != "~") {
      if (DagOf(call) == "~") return http::ErrorResponse(400, "A run is named together with its DAG");
      ASSIGN_OR_ANSWER(Run run, context.readers.runs.GetRun(DagOf(call), RunOf(call)));
      runs.push_back(std::move(run));
    } else {
      if (DagOf(call) != "~") {
        of_runs.dag_id = DagOf(call);
        ANSWER_IF_ERROR(context.readers.dags.GetDag(of_runs.dag_id).status());
      }
      of_runs.descending = true;  // the newest, when there are more than can be asked for
      of_runs.page.limit = kMaxRuns;
      ASSIGN_OR_ANSWER(auto listing, context.readers.runs.ListRuns(of_runs));
      every_run = static_cast<std::int64_t>(listing.rows.size()) == listing.total;
      runs = std::move(listing.rows);
    }
    if (runs.empty()) return JsonAnswer(WireWholeList("task_instances", {}));
    if (!task_id.empty()) {
      ASSIGN_OR_ANSWER(filter.task, IndexOf(context, runs, task_id));
      if (*filter.task < 0) return JsonAnswer(WireWholeList("task_instances", {}));
    }
    for (const Run& run : runs) {
      filter.runs.push_back(run.key);
      shower.Know(run);
    }
    std::sort(filter.runs.begin(), filter.runs.end());
  }
  if (cursor.asked) ++filter.page.limit;
  filter.cursor = cursor.at;
  ASSIGN_OR_ANSWER(auto listing, context.readers.task_instances.ListTaskInstances(filter));
  listing.total_is_exact = listing.total_is_exact && every_run;
  const Beyond beyond =
      cursor.asked ? TrimToPage(listing.rows, filter.page.limit - 1, cursor) : Beyond();
  ASSIGN_OR_ANSWER(Value::List shown, shower.Show(listing.rows));
  Value wire = WireList("task_instances", std::move(shown), listing);
  if (cursor.asked) {
    AddCursors(wire, "id", listing.rows, beyond, [](const TaskInstance& row) {
      return store::PageCursor{std::nullopt, ToInt(row.key.run), row.key.index, false};
    });
  }
  return JsonAnswer(wire);
}

// By the path's map index; without one, the instance of a task that is not mapped.
StatusOr<Located> Find(Context& context, const Call& call) {
  const std::string_view text = call.request.Param("map_index");
  std::int32_t map_index = -1;
  if (!text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), map_index);
    if (error != std::errc() || end != text.data() + text.size()) return NotFound("A map index is a number");
  }
  return context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index);
}

http::Response ListMapped(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::TaskInstanceFilter filter;
  filter.page = query.Paging();
  ReadStates(query, &filter.states);
  for (const std::string& order : query.Strings("order_by")) {
    if (order != "map_index")
      query.issues().Add("query", "order_by", "value_error",
                         "Mapped instances come in the order of their index", order);
  }
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at, context.Locate(DagOf(call), RunOf(call), TaskOf(call)));
  if (!at.dag->tasks[static_cast<std::size_t>(at.place)].mapped())
    return http::ErrorResponse(404, "Task " + std::string(TaskOf(call)) + " is not mapped");
  filter.runs = {at.run.key};
  filter.task = at.place;
  ASSIGN_OR_ANSWER(const auto listing, context.readers.task_instances.ListTaskInstances(filter));
  Shower shower(context);
  shower.Know(at.run);
  ASSIGN_OR_ANSWER(Value::List wire, shower.Show(listing.rows));
  return JsonAnswer(WireList("task_instances", std::move(wire), listing));
}

// What a task instance waits for, in Airflow's form.
http::Response ListDependencies(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Located at, Find(context, call));
  Value::List waits;
  const auto answer = context.Ask(AskWhy{at.key.run, at.key.index});
  const auto* why = answer.ok() ? std::get_if<StatusOr<Why>>(&*answer) : nullptr;
  if (why != nullptr && why->ok()) {
    for (const WhyReason& reason : (*why)->reasons)
      waits.emplace_back(Value::Map{{"name", reason.kind}, {"reason", reason.message}});
  }
  return JsonAnswer(Value::Map{{"dependencies", std::move(waits)}});
}

http::Response GetInstance(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Located at, Find(context, call));
  ASSIGN_OR_ANSWER(const TaskInstance instance, context.readers.task_instances.GetTaskInstance(at.key));
  Shower shower(context);
  shower.Know(at.run);
  ASSIGN_OR_ANSWER(Value::List shown, shower.Show(std::vector<TaskInstance>{instance}));
  Value wire = std::move(shown.front());
  wire.Set("rendered_fields", GivenFields(context, at, instance));
  return JsonAnswer(wire);
}

// Every try once, the newest attempt of each; the present one as the task instance tells it.
StatusOr<std::map<std::int32_t, Value>> Tries(Context& context, const Located& at) {
  ASSIGN_OR_RETURN(const TaskInstance instance, context.readers.task_instances.GetTaskInstance(at.key));
  ASSIGN_OR_RETURN(const std::vector<Attempt> attempts, context.readers.task_instances.ListAttempts(at.key));
  std::map<std::int32_t, Value> tries;
  for (const Attempt& attempt : attempts) {
    tries.insert_or_assign(attempt.try_number, WireAttempt(attempt, instance, at.run, *at.dag, at.version));
  }
  if (instance.try_number > 0) {
    tries.insert_or_assign(instance.try_number, WireTaskInstance(instance, at.run, *at.dag, at.version));
  }
  return tries;
}

http::Response ListTries(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Located at, Find(context, call));
  ASSIGN_OR_ANSWER(const auto tries, Tries(context, at));
  Value::List wire;
  for (const auto& [number, row] : tries) wire.push_back(row);
  return JsonAnswer(WireWholeList("task_instances", std::move(wire)));
}

http::Response GetTry(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Located at, Find(context, call));
  ASSIGN_OR_ANSWER(const auto tries, Tries(context, at));
  for (const auto& [number, row] : tries) {
    if (std::to_string(number) == call.request.Param("task_try_number")) return JsonAnswer(row);
  }
  return http::ErrorResponse(404, "Try not found");
}

}  // namespace

void AddTaskInstanceRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, std::string_view summary,
                       std::function<http::Response(Context&, const Call&)> handler) {
    table.Add(
        {method, pattern, Needs(verb, Resource::kDag), 200, summary,
         [&context, handler = std::move(handler)](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", Filtered(Verb::kRead),
      "List task instances; ~ for those of every DAG or run", ListInstances);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", Verb::kRead,
      "One task instance", GetInstance);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/listMapped", Verb::kRead,
      "The instances of a mapped task", ListMapped);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dependencies", Verb::kRead,
      "What a task instance waits for", ListDependencies);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", Verb::kRead,
      "One task instance by its map index", GetInstance);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dependencies",
      Verb::kRead, "What a mapped task instance waits for", ListDependencies);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries",
      Verb::kRead, "The tries of a mapped task instance", ListTries);
  add("GET",
      "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries/"
      "{task_try_number}",
      Verb::kRead, "One try of a mapped task instance", GetTry);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", Verb::kRead,
      "The tries of a task instance", ListTries);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries/{task_try_number}",
      Verb::kRead, "One try of a task instance", GetTry);
}

}  // namespace millrace::api
