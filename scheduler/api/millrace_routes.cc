// What Airflow has no word for: why, the grid, jobs, workers, live events.
#include <algorithm>
#include <array>
#include <map>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr std::size_t kMaxCells = 50'000;
constexpr std::size_t kMaxRecent = 200;  // DAGs

// The rows of one task in its run: one, or those of a mapped task.
StatusOr<std::vector<TaskInstance>> InstancesOf(Context& context, const Located& at, std::int32_t task) {
  store::TaskInstanceFilter filter;
  filter.runs = {at.key.run};
  filter.task = task;
  filter.page.limit = 1'000'000;
  ASSIGN_OR_RETURN(auto listing, context.readers.task_instances.ListTaskInstances(filter));
  return std::move(listing.rows);
}

// An upstream_failed row alone does not say who failed.
Status TellFailedUpstream(Context& context, const Located& at, Why* why) {
  const Task& task = at.dag->tasks[static_cast<std::size_t>(at.place)];
  for (const std::int32_t upstream : task.upstream) {
    ASSIGN_OR_RETURN(const std::vector<TaskInstance> rows, InstancesOf(context, at, upstream));
    const std::string& id = at.dag->tasks[static_cast<std::size_t>(upstream)].id;
    for (const TaskInstance& row : rows) {
      if (row.state != TaskState::kFailed && row.state != TaskState::kUpstreamFailed) continue;
      std::string message = id;
      if (row.map_index >= 0) message += " [" + std::to_string(row.map_index) + "]";
      message += row.state == TaskState::kFailed ? " failed" : " could not run";
      why->reasons.push_back({"upstream", message + (row.reason.empty() ? "" : ": " + row.reason)});
      break;  // one of a mapped task's instances is enough
    }
  }
  return OkStatus();
}

http::Response GetWhy(Context& context, const Call& call) {
  QueryInput query(call.request);
  const auto map_index = static_cast<std::int32_t>(query.Int("map_index", -1, -1, 1'000'000));
  if (auto problems = query.Problems()) return *problems;
  // Without an index: of a mapped task the first instance, which is the task itself until it is mapped.
  ASSIGN_OR_ANSWER(
      Located at, map_index < 0
                      ? context.Locate(call.request.Param("dag_id"), call.request.Param("dag_run_id"),
                                       call.request.Param("task_id"))
                      : context.LocateInstance(call.request.Param("dag_id"), call.request.Param("dag_run_id"),
                                               call.request.Param("task_id"), map_index));
  ASSIGN_OR_ANSWER(const Answer answer, context.Ask(AskWhy{at.key.run, at.key.index}));
  const auto* why = std::get_if<StatusOr<Why>>(&answer);
  if (why == nullptr) return ErrorAnswer(Internal("another question was answered"));
  Why told;
  if (why->ok()) {
    told = **why;
  } else if (why->status().code() == Code::kNotFound) {
    // The engine holds live runs only; of one that has ended, its row tells.
    const StatusOr<TaskInstance> instance = context.readers.task_instances.GetTaskInstance(at.key);
    if (instance.ok()) told.state = instance->state;
    if (instance.ok() && !instance->reason.empty()) told.reasons.push_back({"ended", instance->reason});
    if (!IsTerminal(told.state)) {
      told.reasons.push_back({"ended", "its run has ended: " + std::string(ToString(at.run.state)) +
                                           (at.run.note.empty() ? "" : ", " + at.run.note) +
                                           "; clear the run to go on with it"});
    }
  } else {
    return ErrorAnswer(why->status());
  }
  if (told.state == TaskState::kUpstreamFailed) ANSWER_IF_ERROR(TellFailedUpstream(context, at, &told));
  Value::List reasons;
  for (const WhyReason& reason : told.reasons) {
    reasons.emplace_back(Value::Map{{"kind", reason.kind}, {"message", reason.message}});
  }
  const Value state = told.state == TaskState::kNone ? Value() : Value(ToString(told.state));
  return JsonAnswer(Value::Map{{"state", state}, {"reasons", std::move(reasons)}});
}

// One task in one run; all instances of a mapped one together.
class Cell {
 public:
  void Add(const TaskInstance& row) {
    if (instances_ == 0 || Rank(row.state) < Rank(worst_.state)) {
      worst_.state = row.state;
      worst_.try_number = row.try_number;
    }
    if (row.started_at && (!worst_.started_at || *row.started_at < *worst_.started_at))
      worst_.started_at = row.started_at;
    if (row.queued_at && (!worst_.queued_at || *row.queued_at < *worst_.queued_at))
      worst_.queued_at = row.queued_at;
    all_ended_ = all_ended_ && row.ended_at.has_value();
    if (row.ended_at && (!worst_.ended_at || *row.ended_at > *worst_.ended_at))
      worst_.ended_at = row.ended_at;
    ++instances_;
    ++states_[row.state];
  }

  Value Wire(const std::string& run_id, const Task& task) const {
    const auto name = [](TaskState state) {
      return state == TaskState::kNone ? Value() : Value(ToString(state));
    };
    Value::Map wire = {{"dag_run_id", run_id},
                       {"task_id", task.id},
                       {"state", name(worst_.state)},
                       {"try_number", worst_.try_number},
                       {"queued_date", WireTime(worst_.queued_at)},
                       {"start_date", WireTime(worst_.started_at)},
                       {"end_date", all_ended_ ? WireTime(worst_.ended_at) : Value()}};
    if (task.mapped()) {
      Value::Map states;
      for (const auto& [state, count] : states_)
        states.emplace_back(std::string(ToString(state)), Value(count));
      wire.emplace_back("instances", instances_);
      wire.emplace_back("states", std::move(states));
    }
    return Value(std::move(wire));
  }

 private:
  // Airflow's order of what a task's instances amount to.
  static int Rank(TaskState state) {
    static constexpr std::array kOrder = {TaskState::kFailed,     TaskState::kUpstreamFailed,
                                          TaskState::kUpForRetry, TaskState::kUpForReschedule,
                                          TaskState::kQueued,     TaskState::kScheduled,
                                          TaskState::kDeferred,   TaskState::kRunning,
                                          TaskState::kRestarting, TaskState::kNone,
                                          TaskState::kSuccess,    TaskState::kSkipped};
    return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), state) - kOrder.begin());
  }

  TaskInstance worst_;
  std::int64_t instances_ = 0;
  bool all_ended_ = true;
  std::map<TaskState, std::int64_t> states_;
};

http::Response GetGrid(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::RunFilter of_runs;
  of_runs.page.limit = static_cast<int>(query.Int("limit", 25, 1, 365));
  if (auto problems = query.Problems()) return *problems;
  of_runs.dag_id = std::string(call.request.Param("dag_id"));
  of_runs.order = store::RunOrder::kRunAfter;
  of_runs.descending = true;
  ANSWER_IF_ERROR(context.readers.dags.GetDag(of_runs.dag_id).status());
  ASSIGN_OR_ANSWER(const auto runs, context.readers.runs.ListRuns(of_runs));
  Value::List run_list;
  Value::List cells;
  for (const Run& run : runs.rows) {
    if (cells.size() > kMaxCells) break;  // fewer runs than asked for, each of them whole
    run_list.push_back(WireRun(run, context.Version(run.dag_id, run.version), call.scope));
    ASSIGN_OR_ANSWER(const DagPtr dag, context.DagOf(run));
    store::TaskInstanceFilter filter;
    filter.runs = {run.key};
    filter.page.limit = static_cast<int>(kMaxCells);
    ASSIGN_OR_ANSWER(const auto instances, context.readers.task_instances.ListTaskInstances(filter));
    std::map<std::int32_t, Cell> by_task;
    for (const TaskInstance& row : instances.rows) {
      const bool counts = row.state != TaskState::kRemoved;
      if (counts && static_cast<std::size_t>(row.task()) < dag->tasks.size()) by_task[row.task()].Add(row);
    }
    for (const auto& [task, cell] : by_task)
      cells.emplace_back(cell.Wire(run.run_id, dag->tasks[static_cast<std::size_t>(task)]));
  }
  return JsonAnswer(Value::Map{{"runs", std::move(run_list)}, {"task_instances", std::move(cells)}});
}

// The newest runs of each of many DAGs, as little of each as a list of DAGs shows.
http::Response ListRecent(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::RunFilter filter;
  filter.page.limit = static_cast<int>(query.Int("limit", 12, 1, 25));
  const std::vector<std::string> dags = query.Strings("dag_id");
  if (dags.size() > kMaxRecent)
    query.issues().Add("query", "dag_id", "too_long", "At most 200 DAGs in one request");
  if (auto problems = query.Problems()) return *problems;
  filter.order = store::RunOrder::kRunAfter;
  filter.descending = true;
  filter.teams = call.scope.teams();
  Value::List wire;
  for (const std::string& dag : dags) {
    filter.dag_id = dag;
    ASSIGN_OR_ANSWER(const auto runs, context.readers.runs.ListRuns(filter));
    for (const Run& run : runs.rows) {
      wire.emplace_back(Value::Map{{"dag_id", run.dag_id},
                                   {"dag_run_id", run.run_id},
                                   {"run_type", ToString(run.type)},
                                   {"state", ToString(run.state)},
                                   {"logical_date", WireTime(run.logical_date)},
                                   {"run_after", FormatTime(run.run_after)},
                                   {"start_date", WireTime(run.started_at)},
                                   {"end_date", WireTime(run.ended_at)}});
    }
  }
  return JsonAnswer(Value::Map{{"dag_runs", std::move(wire)}});
}

// The newest version's tasks, groups and arrows, for whoever draws them.
http::Response GetGraph(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const store::DagEntry entry,
                   context.readers.dags.GetDag(std::string(call.request.Param("dag_id"))));
  const Dag& dag = *entry.dag;
  const auto group_id = [&](std::int32_t group) {
    return group < 0 ? Value() : Value(dag.groups[static_cast<std::size_t>(group)].id);
  };
  std::map<std::pair<std::int32_t, std::int32_t>, std::string> labels;
  for (const EdgeLabel& label : dag.labels) labels[{label.from, label.to}] = label.text;
  Value::List tasks, groups, edges;
  for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
    const Task& task = dag.tasks[i];
    const char* role = task.role == TaskRole::kSetup      ? "setup"
                       : task.role == TaskRole::kTeardown ? "teardown"
                                                          : "work";
    tasks.emplace_back(Value::Map{{"task_id", task.id},
                                  {"operator_name", task.kind},
                                  {"group", group_id(task.group)},
                                  {"trigger_rule", ToString(task.trigger_rule)},
                                  {"role", role},
                                  {"is_mapped", task.mapped()}});
    for (const std::int32_t upstream : task.upstream) {
      const auto label = labels.find({upstream, static_cast<std::int32_t>(i)});
      edges.emplace_back(Value::Map{{"from", dag.tasks[static_cast<std::size_t>(upstream)].id},
                                    {"to", task.id},
                                    {"label", label == labels.end() ? Value() : Value(label->second)}});
    }
  }
  for (const TaskGroup& group : dag.groups) {
    groups.emplace_back(Value::Map{{"id", group.id},
                                   {"parent", group_id(group.parent)},
                                   {"tooltip", TextOrNull(group.tooltip)},
                                   {"is_mapped", !group.expand.empty()}});
  }
  return JsonAnswer(
      Value::Map{{"tasks", std::move(tasks)}, {"groups", std::move(groups)}, {"edges", std::move(edges)}});
}

http::Response GetJob(Context& context, const Call& call) {
  QueryInput query(call.request);
  const std::int64_t wanted = query.Int("try_number", 0, 1, 1'000'000);
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at,
                   context.Locate(call.request.Param("dag_id"), call.request.Param("dag_run_id"),
                                  call.request.Param("task_id")));
  ASSIGN_OR_ANSWER(const TaskInstance instance, context.readers.task_instances.GetTaskInstance(at.key));
  const JobKey key{at.key, wanted > 0 ? static_cast<std::int32_t>(wanted) : instance.try_number};
  // The engine tells of a job that runs as it is now; the row, as it was up to a second ago.
  Value report;
  if (const auto answer = context.Ask(AskJob{key}); answer.ok()) {
    const auto* text = std::get_if<StatusOr<std::string>>(&*answer);
    if (text != nullptr && text->ok()) {
      if (auto parsed = ParseJson(**text); parsed.ok()) report = std::move(*parsed);
    }
  }
  const auto row = context.readers.jobs.GetJob(key);
  if (!row.ok() && report.is_null()) return ErrorAnswer(row.status());
  const Value* told = report.is_map() ? report.Find("state") : nullptr;
  Value state = told != nullptr ? *told : Value(row.ok() ? row->state : "planning");
  if (report.is_null()) {
    if (auto parsed = ParseJson(row->report); parsed.ok()) report = std::move(*parsed);
  }
  return JsonAnswer(Value::Map{{"dag_id", at.run.dag_id},
                               {"dag_run_id", at.run.run_id},
                               {"task_id", call.request.Param("task_id")},
                               {"try_number", key.try_number},
                               {"state", std::move(state)},
                               {"ended_at", row.ok() ? WireTime(row->ended_at) : Value()},
                               {"report", std::move(report)}});
}

// Names no task: everybody may see who works.
Value WireWorker(const WorkerView& worker) {
  Value::List labels;
  for (const std::string& label : worker.offer.labels) labels.emplace_back(label);
  const char* state = worker.draining ? "draining" : worker.connected ? "online" : "lost";
  return Value::Map{{"worker_id", std::to_string(ToInt(worker.session))},
                    {"name", worker.offer.name},
                    {"hostname", worker.offer.hostname},
                    {"state", state},
                    {"slots", worker.offer.slots},
                    {"slots_used", worker.slots_used},
                    {"memory_bytes", worker.offer.memory_bytes},
                    {"attempts", worker.attempts},
                    {"labels", std::move(labels)},
                    {"version", worker.offer.version},
                    {"engine_version", worker.offer.engine_version},
                    {"pid", worker.offer.pid},
                    {"joined_at", FormatTime(worker.joined_at)},
                    {"last_heartbeat", FormatTime(worker.last_heartbeat)}};
}

http::Response ListWorkers(Context& context, const Call&) {
  ASSIGN_OR_ANSWER(const Answer answer, context.Ask(AskWorkers{}));
  const auto* workers = std::get_if<std::vector<WorkerView>>(&answer);
  if (workers == nullptr) return ErrorAnswer(Internal("another question was answered"));
  Value::List wire;
  for (const WorkerView& worker : *workers) wire.push_back(WireWorker(worker));
  return JsonAnswer(WireWholeList("workers", std::move(wire)));
}

http::Response GetEvents(LiveEvents& live, const Call& call) {
  QueryInput query(call.request);
  Subscription subscription;
  subscription.who = call.who;
  subscription.dag_id = query.String("dag_id");
  const std::string place = query.String("last_event_id");
  if (auto problems = query.Problems()) return *problems;
  const std::string_view header = call.request.Header("last-event-id");
  const std::string_view last = header.empty() ? std::string_view(place) : header;
  if (!last.empty()) {
    subscription.after = ParseEventId(last);
    if (!subscription.after) return http::ErrorResponse(400, "Last-Event-ID is not one of ours");
  }
  http::Response response;
  response.headers.emplace_back("Content-Type", "text/event-stream");
  response.stream = [&live, subscription](http::StreamSink& sink, http::StreamId id) {
    live.Subscribe(sink, id, subscription);
  };
  return response;
}

}  // namespace

void AddMillraceRoutes(RouteTable& table, Context& context, LiveEvents& live) {
  const Access read_dag = Needs(Verb::kRead, Resource::kDag);
  const Access filtered = Needs(Filtered(Verb::kRead), Resource::kDag);
  table.Add({"GET", "/millrace/v1/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/why", read_dag,
             200, "What a task instance waits for, or how it ended",
             [&](const Call& call) { return GetWhy(context, call); }});
  table.Add({"GET", "/millrace/v1/dags/{dag_id}/grid", read_dag, 200,
             "The newest runs with their task instances",
             [&](const Call& call) { return GetGrid(context, call); }});
  table.Add({"GET", "/millrace/v1/recent_runs", filtered, 200, "The newest runs of each of many DAGs",
             [&](const Call& call) { return ListRecent(context, call); }});
  table.Add({"GET", "/millrace/v1/dags/{dag_id}/graph", read_dag, 200,
             "Tasks, groups and dependencies of the newest version",
             [&](const Call& call) { return GetGraph(context, call); }});
  table.Add({"GET", "/millrace/v1/jobs/{dag_id}/{dag_run_id}/{task_id}", read_dag, 200,
             "A mapreduce job's report", [&](const Call& call) { return GetJob(context, call); }});
  table.Add({"GET", "/millrace/v1/workers", Needs(Filtered(Verb::kRead), Resource::kWorker), 200, "The workers",
             [&](const Call& call) { return ListWorkers(context, call); }});
  table.Add({"GET", "/millrace/v1/events", filtered, 200, "Live transitions as server-sent events",
             [&](const Call& call) { return GetEvents(live, call); }});
}

}  // namespace millrace::api
