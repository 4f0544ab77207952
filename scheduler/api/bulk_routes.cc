// Many runs or task instances in one request, and the deletion of one task instance.
#include <algorithm>
#include <charconv>

#include "scheduler/api/answer.h"
#include "scheduler/api/bulk.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/over_runs.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr std::size_t kMaxRuns = 1000;

// What the path names, or for "~" what the entity does; both only when they say the same.
StatusOr<std::string> Named(const std::string& in_path, BodyInput& entity, const char* field) {
  const std::string own = entity.String(field);
  if (in_path == "~" && (own.empty() || own == "~"))
    return InvalidArgument("When the URL's " + std::string(field) + " is '~', every entity names its own");
  if (in_path != "~" && !own.empty() && own != in_path)
    return InvalidArgument("An entity's " + std::string(field) + " '" + own + "' is not the URL's, '" +
                           in_path + "'");
  return own.empty() ? in_path : own;
}

// In a DAG that is not theirs to see there is no run, as there is none in one that is not there.
StatusOr<Run> FindRun(Context& context, const Call& call, const std::string& dag_id, const std::string& run_id) {
  StatusOr<Run> run = context.readers.runs.GetRun(dag_id, run_id);
  const bool is_hidden = !call.scope.Sees(dag_id);
  if (!is_hidden && (run.ok() || run.status().code() != Code::kNotFound)) return run;
  return NotFound("Run not found: " + dag_id + " " + run_id);
}

Status ProblemsOf(BodyInput& entity) {
  const auto problems = entity.Problems();
  return problems ? InvalidArgument(problems->body) : OkStatus();
}

// Task instances.

struct InstanceEntity {
  Located at;
  std::optional<std::int32_t> map_index;
  MarkTask mark;
  bool has_state = false;
  bool past = false, future = false;
  std::optional<std::string> note;
};

StatusOr<InstanceEntity> ReadInstance(Context& context, const Call& call, const BulkAction& action,
                                      const Value& written) {
  BodyInput body =
      written.is_string() ? BodyInput(Value(Value::Map{{"task_id", written}})) : BodyInput(written);
  InstanceEntity entity;
  ASSIGN_OR_RETURN(const std::string dag_id, Named(DagOf(call), body, "dag_id"));
  ASSIGN_OR_RETURN(const std::string run_id, Named(RunOf(call), body, "dag_run_id"));
  entity.mark.task_id = body.String("task_id");
  const Value index = body.Any("map_index");
  if (index.is_int())
    entity.map_index = static_cast<std::int32_t>(std::clamp<std::int64_t>(index.as_int(), -1, 1'000'000));
  const std::string state = body.String("new_state");
  entity.mark.upstream = body.Bool("include_upstream", false);
  entity.mark.downstream = body.Bool("include_downstream", false);
  entity.past = body.Bool("include_past", false);
  entity.future = body.Bool("include_future", false);
  if (body.Has("note") && action.Masked("note")) entity.note = body.Note();
  (void)body.Any("note");
  RETURN_IF_ERROR(ProblemsOf(body));
  if (!state.empty() && action.Masked("new_state")) {
    const auto known = TaskStateFromString(state);
    if (!known ||
        (*known != TaskState::kSuccess && *known != TaskState::kFailed && *known != TaskState::kSkipped))
      return InvalidArgument("new_state is success, failed or skipped, not " + state);
    entity.mark.state = *known;
    entity.has_state = true;
  }
  RETURN_IF_ERROR(FindRun(context, call, dag_id, run_id).status());
  ASSIGN_OR_RETURN(entity.at, context.Locate(dag_id, run_id, entity.mark.task_id));
  entity.mark.dag_id = dag_id;
  entity.mark.run_id = run_id;
  entity.mark.user = call.who.user;
  entity.mark.map_index = entity.map_index.value_or(-1);
  return entity;
}

std::string KeyOf(const InstanceEntity& entity, std::int32_t map_index) {
  return entity.mark.dag_id + "." + entity.mark.run_id + "." + entity.mark.task_id + "[" +
         std::to_string(map_index) + "]";
}

Status Change(Context& context, const InstanceEntity& entity) {
  if (entity.has_state) {
    ASSIGN_OR_RETURN(const std::vector<Run> runs,
                     RunsAround(context, entity.at.run, entity.past, entity.future));
    RETURN_IF_ERROR(
        OverRuns(context, runs, entity.mark, "set_task_" + std::string(ToString(entity.mark.state)))
            .status());
  }
  if (!entity.note) return OkStatus();
  return NoteInstances(context, entity.at, entity.mark.map_index, *entity.note, entity.mark.user);
}

Status Remove(Context& context, const std::string& dag_id, const std::string& run_id,
              const std::string& task_id, std::int32_t map_index, const std::string& user) {
  RETURN_IF_ERROR(context.Run(DeleteTaskInstance{dag_id, run_id, task_id, map_index, user}).status());
  context.Audit(user, "delete_task_instance", dag_id + "/" + run_id + "/" + task_id);
  return OkStatus();
}

void DoInstances(Context& context, const Call& call, const BulkAction& action, BulkAnswer& answer) {
  if (action.kind == BulkKind::kCreate)
    return answer.Failed(action.kind, "Task instances bulk create is not supported", 405);
  std::vector<InstanceEntity> entities;
  std::vector<std::vector<TaskInstanceKey>> keys;
  for (const Value& written : action.entities) {
    StatusOr<InstanceEntity> entity = ReadInstance(context, call, action, written);
    StatusOr<std::vector<TaskInstanceKey>> of_entity =
        entity.ok() ? KeysOf(context, entity->at, entity->mark.map_index) : entity.status();
    if (of_entity.ok()) {
      entities.push_back(std::move(*entity));
      keys.push_back(std::move(*of_entity));
    } else if (of_entity.status().code() != Code::kNotFound || action.on_non_existence == "fail") {
      return answer.Failed(action.kind, of_entity.status());  // nothing of the action is done
    }
  }
  for (std::size_t i = 0; i < entities.size(); ++i) {
    const InstanceEntity& entity = entities[i];
    if (action.kind == BulkKind::kUpdate) {
      const Status status = Change(context, entity);
      if (status.ok()) {
        answer.Succeeded(action.kind, KeyOf(entity, entity.mark.map_index));
      } else {
        answer.Failed(action.kind, status);
      }
      continue;
    }
    for (const TaskInstanceKey& key : keys[i]) {
      const StatusOr<TaskInstance> row = context.readers.task_instances.GetTaskInstance(key);
      const Status status = row.ok() ? Remove(context, entity.mark.dag_id, entity.mark.run_id,
                                              entity.mark.task_id, row->map_index, call.who.user)
                                     : row.status();
      if (status.ok()) {
        answer.Succeeded(action.kind, KeyOf(entity, row->map_index));
      } else {
        answer.Failed(action.kind, status);
      }
    }
  }
}

http::Response BulkInstances(Context& context, const Call& call) {
  BodyInput body(call.request);
  const std::vector<BulkAction> actions = ReadBulk(body);
  if (auto problems = body.Problems()) return *problems;
  BulkAnswer answer;
  for (const BulkAction& action : actions) DoInstances(context, call, action, answer);
  return JsonAnswer(answer.Wire());
}

http::Response DeleteInstance(Context& context, const Call& call) {
  QueryInput query(call.request);
  const auto map_index = static_cast<std::int32_t>(query.Int("map_index", -1, -1, 1'000'000));
  if (auto problems = query.Problems()) return *problems;
  const std::string task_id(call.request.Param("task_id"));
  ASSIGN_OR_ANSWER(const Located at, context.Locate(DagOf(call), RunOf(call), task_id));
  ANSWER_IF_ERROR(Remove(context, at.run.dag_id, at.run.run_id, task_id, map_index, call.who.user));
  // As Airflow has it: no body, and not 204.
  return JsonAnswer(Value());
}

// Runs.

Status ChangeRun(Context& context, const Run& run, const std::string& state,
                 const std::optional<std::string>& note, const std::string& user) {
  if (state == "queued") {
    ClearTasks clear;
    clear.dag_id = run.dag_id;
    clear.run_id = run.run_id;
    clear.user = user;
    clear.keep_task_state = true;  // see ClearTasks
    RETURN_IF_ERROR(context.Run(std::move(clear)).status());
  } else if (!state.empty()) {
    const RunState ending = state == "failed" ? RunState::kFailed : RunState::kSuccess;
    RETURN_IF_ERROR(context.Run(MarkRun{run.dag_id, run.run_id, ending, user}).status());
  }
  if (!state.empty()) context.Audit(user, "set_run_" + state, run.dag_id + "/" + run.run_id);
  if (!note) return OkStatus();
  return context.Run(NoteRun{run.dag_id, run.run_id, *note, user}).status();
}

Status RemoveRun(Context& context, const Run& run, const std::string& user) {
  RETURN_IF_ERROR(context.Run(DeleteRun{run.dag_id, run.run_id, user}).status());
  RETURN_IF_ERROR(context.upkeep.logs.RemoveLogs(run.key));
  context.Audit(user, "delete_run", run.dag_id + "/" + run.run_id);
  return OkStatus();
}

struct RunEntity {
  Run run;
  std::string state;
  std::optional<std::string> note;
};

StatusOr<RunEntity> ReadRun(Context& context, const Call& call, const BulkAction& action,
                            const Value& written) {
  BodyInput body =
      written.is_string() ? BodyInput(Value(Value::Map{{"dag_run_id", written}})) : BodyInput(written);
  RunEntity entity;
  ASSIGN_OR_RETURN(const std::string dag_id, Named(DagOf(call), body, "dag_id"));
  const std::string run_id = body.String("dag_run_id");
  const std::string state = body.String("state");
  if (action.Masked("state")) entity.state = state;
  if (body.Has("note") && action.Masked("note")) entity.note = body.Note();
  (void)body.Any("note");
  RETURN_IF_ERROR(ProblemsOf(body));
  if (!state.empty() && state != "queued" && state != "success" && state != "failed")
    return InvalidArgument("state is queued, success or failed, not " + state);
  ASSIGN_OR_RETURN(entity.run, FindRun(context, call, dag_id, run_id));
  return entity;
}

void DoRuns(Context& context, const Call& call, const BulkAction& action, BulkAnswer& answer) {
  if (action.kind == BulkKind::kCreate) {
    return answer.Failed(
        action.kind, "Dag Runs bulk create is not supported. Use the trigger Dag Run endpoint instead.", 405);
  }
  std::vector<RunEntity> entities;
  for (const Value& written : action.entities) {
    StatusOr<RunEntity> entity = ReadRun(context, call, action, written);
    if (entity.ok()) {
      entities.push_back(std::move(*entity));
    } else if (entity.status().code() != Code::kNotFound || action.on_non_existence == "fail") {
      return answer.Failed(action.kind, entity.status());
    }
  }
  for (const RunEntity& entity : entities) {
    const Status status = action.kind == BulkKind::kDelete
                              ? RemoveRun(context, entity.run, call.who.user)
                              : ChangeRun(context, entity.run, entity.state, entity.note, call.who.user);
    if (status.ok()) {
      answer.Succeeded(action.kind, entity.run.dag_id + "." + entity.run.run_id);
    } else {
      answer.Failed(action.kind, status);
    }
  }
}

http::Response BulkRuns(Context& context, const Call& call) {
  BodyInput body(call.request);
  const std::vector<BulkAction> actions = ReadBulk(body);
  if (auto problems = body.Problems()) return *problems;
  BulkAnswer answer;
  for (const BulkAction& action : actions) DoRuns(context, call, action, answer);
  return JsonAnswer(answer.Wire());
}

// The runs of partitions: of one key, of the dates of a range.
store::RunFilter ReadPartitions(BodyInput& body, const Call& call) {
  store::RunFilter filter;
  filter.dag_id = DagOf(call);
  filter.partition_key = body.PartitionKey();
  filter.partition_date_from = body.Time("partition_date_start");
  filter.partition_date_to = body.Time("partition_date_end");
  filter.page.limit = kMaxRuns;
  return filter;
}

bool IsSet(const store::RunFilter& filter) {
  return !filter.partition_key.empty() || filter.partition_date_from || filter.partition_date_to;
}

// Those that a body lists, or all of its partitions.
StatusOr<std::vector<Run>> RunsToClear(Context& context, const Call& call, const Value& listed,
                                       const store::RunFilter& partitions) {
  std::vector<Run> runs;
  if (IsSet(partitions)) {
    RETURN_IF_ERROR(context.readers.dags.GetDag(partitions.dag_id).status());
    ASSIGN_OR_RETURN(auto found, context.readers.runs.ListRuns(partitions));
    if (found.rows.empty()) return NotFound("DAG " + partitions.dag_id + " has no run of such a partition");
    if (found.total > static_cast<std::int64_t>(kMaxRuns)) return InvalidArgument("At most 1000 runs in one request");
    return std::move(found.rows);
  }
  for (const Value& written : listed.as_list()) {
    BodyInput entity(written);
    ASSIGN_OR_RETURN(const std::string dag_id, Named(DagOf(call), entity, "dag_id"));
    ASSIGN_OR_RETURN(Run run, FindRun(context, call, dag_id, entity.String("dag_run_id")));
    const bool seen =
        std::any_of(runs.begin(), runs.end(), [&](const Run& one) { return one.key == run.key; });
    if (!seen) runs.push_back(std::move(run));
  }
  return runs;
}

http::Response ClearRuns(Context& context, const Call& call) {
  BodyInput body(call.request);
  ClearTasks clear;
  clear.user = call.who.user;
  clear.dry_run = body.Bool("dry_run", true);
  clear.only_failed = body.Bool("only_failed", false);
  ReadOnlySkipped(body, &clear);
  clear.latest_version = body.Bool("run_on_latest_version", false);
  clear.refresh_cache = body.Bool("refresh_cache", false);
  clear.keep_task_state = true;  // see ClearTasks
  ReadOnlyNew(body, &clear);
  const store::RunFilter partitions = ReadPartitions(body, call);
  const bool noted = body.Has("note");
  const std::string note = body.Note();
  const Value listed = body.Any("dag_runs");
  if (IsSet(partitions)) {
    if (!listed.is_null())
      body.issues().Add("body", "dag_runs", "value_error", "Runs are named by dag_runs or by their partition, not both");
    if (DagOf(call) == "~")
      body.issues().Add("path", "dag_id", "value_error", "A partition is one of a DAG; ~ is none");
  } else if (!listed.is_list() || listed.as_list().empty()) {
    body.issues().Add("body", "dag_runs", "missing", "A list of {dag_run_id} is required", listed);
  } else if (listed.as_list().size() > kMaxRuns) {
    body.issues().Add("body", "dag_runs", "too_long", "At most 1000 runs in one request");
  }
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const std::vector<Run> runs, RunsToClear(context, call, listed, partitions));
  ASSIGN_OR_ANSWER(Value::List wire, OverRuns(context, runs, clear, "clear"));
  if (clear.dry_run) return JsonAnswer(WireWholeList("task_instances", std::move(wire)));
  Value::List cleared;
  for (const Run& run : runs) {
    if (noted) ANSWER_IF_ERROR(context.Run(NoteRun{run.dag_id, run.run_id, note, call.who.user}).status());
    ASSIGN_OR_ANSWER(const Run now, context.readers.runs.GetRun(run.dag_id, run.run_id));
    cleared.push_back(WireRun(now, context.Version(now.dag_id, now.version), call.scope));
  }
  return JsonAnswer(WireWholeList("dag_runs", std::move(cleared)));
}

}  // namespace

void AddBulkRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, std::string_view summary,
                       http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kDag), 200, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns", Filtered(Verb::kDelete),
      "Change and delete many runs at once; ~ for any DAG's", BulkRuns);
  add("POST", "/api/v2/dags/{dag_id}/clearDagRuns", Filtered(Verb::kWrite), "Run many runs again (dry_run by default)",
      ClearRuns);
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", Filtered(Verb::kDelete),
      "Change and delete many task instances at once; ~ for those of any DAG or run", BulkInstances);
  add("DELETE", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", Verb::kDelete,
      "Forget a task instance of a run that has ended", DeleteInstance);
}

}  // namespace millrace::api
