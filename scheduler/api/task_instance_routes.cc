// Task instances: list, get, tries, marking, clearing.
#include <algorithm>
#include <charconv>
#include <map>

#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr int kMaxRuns = 1000;
constexpr int kAllInstances = 10'000;

std::string DagOf(const Call& call) { return std::string(call.request.Param("dag_id")); }
std::string RunOf(const Call& call) { return std::string(call.request.Param("dag_run_id")); }
std::string_view TaskOf(const Call& call) { return call.request.Param("task_id"); }

// Shows rows of several runs; reads each run and its DAG version once.
class Shower {
 public:
  explicit Shower(Context& context) : context_(context) {}

  void Know(const Run& run) { runs_.insert_or_assign(run.key, run); }

  StatusOr<Value::List> Show(const std::vector<TaskInstance>& rows) {
    Value::List wire;
    for (const TaskInstance& row : rows) {
      auto found = runs_.find(row.key.run);
      if (found == runs_.end()) {
        ASSIGN_OR_RETURN(Run run, context_.readers.runs.GetRunByKey(row.key.run));
        found = runs_.emplace(row.key.run, std::move(run)).first;
      }
      const Run& run = found->second;
      ASSIGN_OR_RETURN(const DagPtr dag, context_.readers.dags.GetVersion(run.dag_id, run.version));
      wire.emplace_back(WireTaskInstance(row, run, *dag, context_.Version(run.dag_id, run.version)));
    }
    return wire;
  }

 private:
  Context& context_;
  std::map<RunKey, Run> runs_;
};

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
    ASSIGN_OR_RETURN(const DagPtr dag, context.readers.dags.GetVersion(run.dag_id, run.version));
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
  filter.page = query.Paging();
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
  ASSIGN_OR_ANSWER(auto listing, context.readers.task_instances.ListTaskInstances(filter));
  listing.total_is_exact = listing.total_is_exact && every_run;
  ASSIGN_OR_ANSWER(Value::List wire, shower.Show(listing.rows));
  return JsonAnswer(WireList("task_instances", std::move(wire), listing));
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
  if (!at.dag->tasks[static_cast<std::size_t>(at.key.index)].mapped())
    return http::ErrorResponse(404, "Task " + std::string(TaskOf(call)) + " is not mapped");
  filter.runs = {at.run.key};
  filter.task = at.key.index;
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
  return JsonAnswer(WireTaskInstance(instance, at.run, *at.dag, at.version));
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

http::Response Patch(Context& context, const Call& call, bool dry_run) {
  QueryInput query(call.request);
  BodyInput body(call.request);
  for (const std::string& field : query.Strings("update_mask")) {
    if (field != "new_state")
      query.issues().Add("query", "update_mask", "value_error", "Only new_state can be changed", field);
  }
  const auto in_query = static_cast<std::int32_t>(query.Int("map_index", -1, -1, 1'000'000));
  const std::string name = body.String("new_state");
  for (const char* field : {"include_upstream", "include_downstream", "include_future", "include_past"}) {
    body.UnsupportedTrue(field);
  }
  body.Unsupported("note");
  const auto state = TaskStateFromString(name);
  if (!state ||
      (*state != TaskState::kSuccess && *state != TaskState::kFailed && *state != TaskState::kSkipped)) {
    body.issues().Add("body", "new_state", "enum", "Input should be 'success', 'failed' or 'skipped'", name);
  }
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at,
                   in_query < 0 ? Find(context, call)
                                : context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), in_query));
  ASSIGN_OR_ANSWER(const TaskInstance marked, context.readers.task_instances.GetTaskInstance(at.key));
  if (!dry_run) {
    const MarkTask mark{at.run.dag_id, at.run.run_id, std::string(TaskOf(call)),
                        *state,        call.who.user, marked.map_index};
    ANSWER_IF_ERROR(context.Run(mark).status());
    context.Audit(call.who.user, "set_task_" + name,
                  at.run.dag_id + "/" + at.run.run_id + "/" + mark.task_id);
  }
  ASSIGN_OR_ANSWER(const TaskInstance instance, context.readers.task_instances.GetTaskInstance(at.key));
  return JsonAnswer(
      WireWholeList("task_instances", {WireTaskInstance(instance, at.run, *at.dag, at.version)}));
}

// "extract" or ["extract", -1].
void ReadTaskIds(BodyInput& body, std::vector<std::string>* task_ids, std::int32_t* map_index) {
  const Value ids = body.Any("task_ids");
  if (ids.is_null()) return;
  if (!ids.is_list())
    return body.issues().Add("body", "task_ids", "list_type", "Input should be a valid list", ids);
  for (const Value& id : ids.as_list()) {
    if (id.is_string()) {
      task_ids->push_back(id.as_string());
    } else if (id.is_list() && !id.as_list().empty() && id.as_list()[0].is_string()) {
      task_ids->push_back(id.as_list()[0].as_string());
      const bool one = id.as_list().size() > 1 && id.as_list()[1].is_int() && id.as_list()[1].as_int() >= 0;
      if (!one) continue;
      if (ids.as_list().size() > 1) {
        body.issues().Add("body", "task_ids", "value_error", "One mapped instance is cleared at a time", id);
      } else {
        *map_index = static_cast<std::int32_t>(std::min<std::int64_t>(id.as_list()[1].as_int(), INT32_MAX));
      }
    } else {
      body.issues().Add("body", "task_ids", "string_type", "Input should be a task id", id);
    }
  }
}

StatusOr<Value::List> RunClear(Context& context, const ClearTasks& clear, const Run& run) {
  ASSIGN_OR_RETURN(const CommandResult result, context.Run(clear));
  if (!clear.dry_run) context.Audit(clear.user, "clear", clear.dag_id + "/" + clear.run_id);
  store::TaskInstanceFilter filter;
  filter.runs = {run.key};
  filter.page.limit = kAllInstances;
  ASSIGN_OR_RETURN(auto listing, context.readers.task_instances.ListTaskInstances(filter));
  std::erase_if(listing.rows, [&](const TaskInstance& row) {
    return std::find(result.instances.begin(), result.instances.end(), row.key) == result.instances.end();
  });
  Shower shower(context);
  shower.Know(run);
  return shower.Show(listing.rows);
}

http::Response Clear(Context& context, const Call& call) {
  BodyInput body(call.request);
  ClearTasks clear;
  clear.dag_id = DagOf(call);
  clear.user = call.who.user;
  clear.run_id = body.String("dag_run_id");
  clear.dry_run = body.Bool("dry_run", true);
  clear.only_failed = body.Bool("only_failed", true);
  clear.upstream = body.Bool("include_upstream", false);
  clear.downstream = body.Bool("include_downstream", false);
  ReadTaskIds(body, &clear.task_ids, &clear.map_index);
  if (!body.Bool("reset_dag_runs", true)) {
    body.issues().Add("body", "reset_dag_runs", "value_error", "A cleared run always runs again", false);
  }
  for (const char* name :
       {"include_future", "include_past", "only_running", "prevent_running_task", "run_on_latest_version"}) {
    body.UnsupportedTrue(name);
  }
  for (const char* name : {"start_date", "end_date", "note"}) body.Unsupported(name);
  if (clear.run_id.empty())
    body.issues().Add("body", "dag_run_id", "missing", "Field required: one run is cleared at a time");
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Run run, context.readers.runs.GetRun(clear.dag_id, clear.run_id));
  ASSIGN_OR_ANSWER(Value::List wire, RunClear(context, clear, run));
  return JsonAnswer(WireWholeList("task_instances", std::move(wire)));
}

http::Response ClearRun(Context& context, const Call& call) {
  BodyInput body(call.request);
  ClearTasks clear;
  clear.dag_id = DagOf(call);
  clear.run_id = RunOf(call);
  clear.user = call.who.user;
  clear.dry_run = body.Bool("dry_run", true);
  clear.only_failed = body.Bool("only_failed", false);
  for (const char* name : {"only_new", "run_on_latest_version"}) body.UnsupportedTrue(name);
  body.Unsupported("note");
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(Run run, context.readers.runs.GetRun(clear.dag_id, clear.run_id));
  ASSIGN_OR_ANSWER(Value::List wire, RunClear(context, clear, run));
  if (clear.dry_run) return JsonAnswer(WireWholeList("task_instances", std::move(wire)));
  ASSIGN_OR_ANSWER(run, context.readers.runs.GetRun(clear.dag_id, clear.run_id));
  return JsonAnswer(WireRun(run, context.Version(run.dag_id, run.version)));
}

}  // namespace

void AddTaskInstanceRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Verb verb, std::string_view summary,
                       std::function<http::Response(Context&, const Call&)> handler) {
    table.Add(
        {method, pattern, Needs(verb, Resource::kDag), 200, summary,
         [&context, handler = std::move(handler)](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", Verb::kRead,
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
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", Verb::kWrite,
      "Set a mapped task instance's state",
      [](Context& c, const Call& call) { return Patch(c, call, false); });
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dry_run",
      Verb::kWrite, "What setting a mapped task instance's state would change",
      [](Context& c, const Call& call) { return Patch(c, call, true); });
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", Verb::kWrite,
      "Set a task instance's state", [](Context& c, const Call& call) { return Patch(c, call, false); });
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run", Verb::kWrite,
      "What setting the state would change",
      [](Context& c, const Call& call) { return Patch(c, call, true); });
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", Verb::kRead,
      "The tries of a task instance", ListTries);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries/{task_try_number}",
      Verb::kRead, "One try of a task instance", GetTry);
  add("POST", "/api/v2/dags/{dag_id}/clearTaskInstances", Verb::kWrite,
      "Run task instances again (dry_run by default)", Clear);
  add("POST", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", Verb::kWrite,
      "Run a run again (dry_run by default)", ClearRun);
}

}  // namespace millrace::api
