// What people do to task instances: mark them, clear them; in one run or over many. The preview (dry_run) and
// the action are one command, so that both mean the same instances.
#include <functional>

#include "core/model/selection.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/over_runs.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

TaskState ReadMark(BodyInput& body, const std::string& name) {
  const auto state = TaskStateFromString(name);
  if (state == TaskState::kSuccess || state == TaskState::kFailed || state == TaskState::kSkipped)
    return *state;
  body.issues().Add("body", "new_state", "enum", "Input should be 'success', 'failed' or 'skipped'", name);
  return TaskState::kSuccess;
}

// The task that the path names, or those of its task group; all in one run.
StatusOr<std::vector<Located>> Meant(Context& context, const Call& call) {
  const std::string_view group = call.request.Param("group_id");
  if (group.empty()) {
    ASSIGN_OR_RETURN(Located at, context.Locate(DagOf(call), RunOf(call), TaskOf(call)));
    return std::vector<Located>{std::move(at)};
  }
  Located at;
  ASSIGN_OR_RETURN(at.run, context.readers.runs.GetRun(DagOf(call), RunOf(call)));
  ASSIGN_OR_RETURN(at.dag, context.readers.dags.GetVersion(at.run.dag_id, at.run.version));
  at.version = context.Version(at.run.dag_id, at.run.version);
  std::vector<Located> tasks;
  for (const std::int32_t index : TasksOfGroup(*at.dag, group)) {
    at.key = {at.run.key, index};
    tasks.push_back(at);
  }
  if (tasks.empty()) return NotFound("Task group not found in " + at.run.dag_id + ": " + std::string(group));
  return tasks;
}

http::Response Patch(Context& context, const Call& call, bool dry_run) {
  QueryInput query(call.request);
  BodyInput body(call.request);
  for (const std::string& field : query.Strings("update_mask")) {
    if (field != "new_state" && field != "note")
      query.issues().Add("query", "update_mask", "value_error", "Only new_state and note can be changed",
                         field);
  }
  MarkTask mark;
  mark.dry_run = dry_run;
  const std::string_view group = call.request.Param("group_id");
  mark.task_id = group.empty() ? TaskOf(call) : group;
  mark.user = call.who.user;
  mark.map_index = static_cast<std::int32_t>(query.Int("map_index", -1, -1, 1'000'000));
  const std::string_view in_path = call.request.Param("map_index");
  if (!in_path.empty() && in_path != "-1") {
    if (in_path.size() > 7 || in_path.find_first_not_of("0123456789") != std::string_view::npos)
      return http::ErrorResponse(404, "Task instance not found: map index " + std::string(in_path));
    mark.map_index = std::stoi(std::string(in_path));
  }
  const std::string name = body.String("new_state");
  mark.upstream = body.Bool("include_upstream", false);
  mark.downstream = body.Bool("include_downstream", false);
  const bool future = body.Bool("include_future", false);
  const bool past = body.Bool("include_past", false);
  const bool noted = body.Has("note");
  const std::string note = body.Note();
  // Without a state, only the note is meant.
  if (!name.empty() || !noted) mark.state = ReadMark(body, name);
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const std::vector<Located> meant, Meant(context, call));
  mark.dag_id = meant.front().run.dag_id;
  Value::List shown;
  for (const Located& at : meant) {
    if (noted && !dry_run) ANSWER_IF_ERROR(NoteInstances(context, at, mark.map_index, note, call.who.user));
    if (!name.empty()) continue;
    ASSIGN_OR_ANSWER(Value::List wire, ShowInstances(context, at, mark.map_index));
    shown.insert(shown.end(), wire.begin(), wire.end());
  }
  if (name.empty()) return JsonAnswer(WireWholeList("task_instances", std::move(shown)));
  ASSIGN_OR_ANSWER(const std::vector<Run> runs, RunsAround(context, meant.front().run, past, future));
  ASSIGN_OR_ANSWER(Value::List wire, OverRuns(context, runs, mark, "set_task_" + name));
  return JsonAnswer(WireWholeList("task_instances", std::move(wire)));
}

// "extract" or ["extract", 3]; one map index at most, of all that are named.
void ReadTaskIds(BodyInput& body, ClearTasks* clear) {
  const Value ids = body.Any("task_ids");
  if (ids.is_null()) return;
  if (!ids.is_list())
    return body.issues().Add("body", "task_ids", "list_type", "Input should be a valid list", ids);
  for (const Value& id : ids.as_list()) {
    const Value::List* pair = id.is_list() ? &id.as_list() : nullptr;
    if (id.is_string()) {
      clear->task_ids.push_back(id.as_string());
    } else if (pair != nullptr && pair->size() == 2 && (*pair)[0].is_string() && (*pair)[1].is_int()) {
      clear->task_ids.push_back((*pair)[0].as_string());
      clear->map_index = static_cast<std::int32_t>((*pair)[1].as_int());
      if (clear->map_index >= 0 && ids.as_list().size() > 1)
        body.issues().Add("body", "task_ids", "value_error", "A task with a map index is cleared alone", id);
    } else {
      body.issues().Add("body", "task_ids", "string_type", "Input should be a task id", id);
    }
  }
}

// `run`: the one that is named; none: all of the range.
StatusOr<std::vector<Run>> RunsToClear(Context& context, const ClearTasks& clear,
                                       const std::optional<WallTime>& from, const std::optional<WallTime>& to,
                                       bool past, bool future) {
  if (clear.run_id.empty()) return RunsBetween(context, clear.dag_id, from, to);
  ASSIGN_OR_RETURN(const Run run, context.readers.runs.GetRun(clear.dag_id, clear.run_id));
  return RunsAround(context, run, past, future);
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
  clear.reopen = body.Bool("reset_dag_runs", true);
  clear.latest_version = body.Bool("run_on_latest_version", false);
  clear.refresh_cache = body.Bool("refresh_cache", false);
  clear.keep_task_state = body.Bool("keep_task_state", false);
  const bool future = body.Bool("include_future", false);
  const bool past = body.Bool("include_past", false);
  const std::optional<WallTime> from = body.Time("start_date");
  const std::optional<WallTime> to = body.Time("end_date");
  ReadTaskIds(body, &clear);
  clear.only_running = body.Bool("only_running", false);
  if (clear.only_running) clear.only_failed = body.Has("only_failed") && clear.only_failed;
  if (clear.only_running && clear.only_failed)
    body.issues().Add("body", "only_running", "value_error",
                      "only_failed and only_running both are set to True");
  ReadOnlySkipped(body, &clear);
  // As a preview it refuses nothing.
  clear.prevent_running = body.Bool("prevent_running_task", false) && !clear.dry_run;
  if (body.Has("note")) clear.note = body.Note();
  (void)body.Any("note");
  if (clear.run_id.empty() && !from && !to) {
    body.issues().Add("body", "dag_run_id", "missing",
                      "A run, or a range from start_date to end_date, is required");
  }
  if (!clear.run_id.empty() && (from || to))
    body.issues().Add("body", "start_date", "value_error", "Either a run or a range of dates, not both");
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(context.readers.dags.GetDag(clear.dag_id).status());
  ASSIGN_OR_ANSWER(const std::vector<Run> runs, RunsToClear(context, clear, from, to, past, future));
  ASSIGN_OR_ANSWER(Value::List wire, OverRuns(context, runs, clear, "clear"));
  return JsonAnswer(WireWholeList("task_instances", std::move(wire)));
}

http::Response ClearRun(Context& context, const Call& call) {
  BodyInput body(call.request);
  ClearTasks clear;
  clear.dag_id = DagOf(call);
  clear.user = call.who.user;
  clear.dry_run = body.Bool("dry_run", true);
  clear.only_failed = body.Bool("only_failed", false);
  ReadOnlySkipped(body, &clear);
  clear.latest_version = body.Bool("run_on_latest_version", false);
  clear.refresh_cache = body.Bool("refresh_cache", false);
  clear.keep_task_state = true;  // see ClearTasks
  ReadOnlyNew(body, &clear);
  const bool noted = body.Has("note");
  const std::string note = body.Note();
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(Run run, context.readers.runs.GetRun(clear.dag_id, RunOf(call)));
  ASSIGN_OR_ANSWER(Value::List wire, OverRuns(context, {run}, clear, "clear"));
  if (clear.dry_run) return JsonAnswer(WireWholeList("task_instances", std::move(wire)));
  if (noted) ANSWER_IF_ERROR(context.Run(NoteRun{run.dag_id, run.run_id, note, call.who.user}).status());
  ASSIGN_OR_ANSWER(run, context.readers.runs.GetRun(clear.dag_id, run.run_id));
  return JsonAnswer(WireRun(run, context.Version(run.dag_id, run.version), call.scope));
}

}  // namespace

void AddChangeRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, std::string_view summary,
                       std::function<http::Response(Context&, const Call&)> handler) {
    table.Add(
        {method, pattern, Needs(Verb::kWrite, Resource::kDag), 200, summary,
         [&context, handler = std::move(handler)](const Call& call) { return handler(context, call); }});
  };
  const auto patch = [](Context& c, const Call& call) { return Patch(c, call, false); };
  const auto preview = [](Context& c, const Call& call) { return Patch(c, call, true); };
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}",
      "Set a task instance's state", patch);
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run",
      "What setting the state would change", preview);
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}",
      "Set the state of one instance of a mapped task", patch);
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dry_run",
      "What setting the state would change", preview);
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}",
      "Set the state of the tasks of a group", patch);
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}/dry_run",
      "What setting the state would change", preview);
  add("POST", "/api/v2/dags/{dag_id}/clearTaskInstances", "Run task instances again (dry_run by default)",
      Clear);
  add("POST", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", "Run a run again (dry_run by default)",
      ClearRun);
}

}  // namespace millrace::api
