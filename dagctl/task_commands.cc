#include <cstdio>
#include <ostream>

#include "dagctl/commands.h"

namespace millrace::dagctl {
namespace {

std::string Event(const Value& line) { return line.is_string() ? line.as_string() : Text(line, "event"); }

StatusOr<bool> HasEnded(Context& context, const LogOptions& options) {
  ASSIGN_OR_RETURN(const Value task, context.client.Get(TaskPath(options.dag_id, options.run_id, options.task_id)));
  const std::string state = Text(task, "state");
  return state == "success" || state == "failed" || state == "skipped" || state == "upstream_failed" || state == "removed";
}

}  // namespace

Status TaskLogs(Context& context, const LogOptions& options) {
  int try_number = options.try_number;
  if (try_number == 0) {
    ASSIGN_OR_RETURN(const Value task, context.client.Get(TaskPath(options.dag_id, options.run_id, options.task_id)));
    try_number = std::max(1, static_cast<int>(Number(task, "try_number")));
  }
  const TaskName name = ParseTaskName(options.task_id);
  const std::string path = TaskPath(options.dag_id, options.run_id, name.id) + "/logs/" + std::to_string(try_number);
  std::string token;
  while (true) {
    bool ended = true;  // asked before reading: what was written until then is read after
    if (options.follow) {
      ASSIGN_OR_RETURN(ended, HasEnded(context, options));
    }
    QueryParameters query;
    if (!name.map_index.empty()) query.emplace_back("map_index", name.map_index);
    if (!token.empty()) query.emplace_back("token", token);
    ASSIGN_OR_RETURN(const Value answer, context.client.Get(path, query));
    const Value* content = answer.Find("content");
    const bool empty = content == nullptr || !content->is_list() || content->as_list().empty();
    if (!empty) {
      for (const Value& line : content->as_list()) context.output.stream() << Event(line) << '\n';
      context.output.stream() << std::flush;
    }
    const std::string next = Text(answer, "continuation_token");
    if (next.empty() || (empty && ended)) return OkStatus();
    if (empty) context.wait(kPoll);
    token = next;
  }
}

Status TaskWhy(Context& context, const std::string& dag_id, const std::string& run_id, const std::string& task_id) {
  const TaskName name = ParseTaskName(task_id);
  QueryParameters query;
  if (!name.map_index.empty()) query.emplace_back("map_index", name.map_index);
  ASSIGN_OR_RETURN(const Value why, context.client.Get("/millrace/v1/dags/" + Segment(dag_id) + "/dagRuns/" + Segment(run_id) +
                                                           "/taskInstances/" + Segment(name.id) + "/why",
                                                       query));
  Value::List rows;
  if (const Value* reasons = why.Find("reasons"); reasons != nullptr && reasons->is_list()) {
    for (Value reason : reasons->as_list()) {
      reason.Set("state", Text(why, "state"));
      rows.push_back(std::move(reason));
    }
  }
  if (rows.empty()) rows.push_back(Value::Map{{"state", Text(why, "state")}});
  context.output.Rows({{"state", "STATE"}, {"kind", "KIND"}, {"message", "WHY"}}, rows);
  return OkStatus();
}

Status SetTaskPaused(Context& context, const std::string& dag_id, const std::string& task_id, bool paused) {
  ASSIGN_OR_RETURN(const Value answer,
                   context.client.Patch("/millrace/v1/dags/" + Segment(dag_id) + "/tasks/" + Segment(task_id),
                                        Value::Map{{"is_paused", paused}}));
  Value::List rows;
  if (const Value* list = answer.Find("tasks"); list != nullptr && list->is_list()) rows = list->as_list();
  context.output.Rows({{"task_id", "TASK"}, {"is_paused", "PAUSED"}}, rows);
  return OkStatus();
}

Status ClearTasks(Context& context, const ClearOptions& options) {
  Value body =
      Value::Map{{"dry_run", options.dry_run},           {"only_failed", options.only_failed},
                 {"include_upstream", options.upstream}, {"include_downstream", options.downstream},
                 {"include_past", options.past},         {"include_future", options.future},
                 {"reset_dag_runs", !options.keep_run},  {"run_on_latest_version", options.newest_version},
                 {"refresh_cache", options.refresh_cache}};
  if (options.keep_state) body.Set("keep_task_state", true);
  if (options.only_running) body.Set("only_running", true);
  if (options.only_skipped) body.Set("only_skipped", true);
  if (options.prevent_running) body.Set("prevent_running_task", true);
  if (!options.note.empty()) body.Set("note", options.note);
  const bool range = !options.from.empty() || !options.to.empty();
  if (options.run_id.empty() && !range)
    return InvalidArgument("say which run, or which range of logical dates: --from 2001-03-01 --to 2001-03-31");
  if (!options.run_id.empty() && options.run_id != "~") body.Set("dag_run_id", options.run_id);
  if (!options.from.empty()) body.Set("start_date", options.from);
  if (!options.to.empty()) body.Set("end_date", options.to);
  if (!options.task_ids.empty()) {
    Value::List ids;
    for (const std::string& id : options.task_ids) {
      const TaskName name = ParseTaskName(id);
      const bool number = !name.map_index.empty() && name.map_index.size() < 10 &&
                          name.map_index.find_first_not_of("0123456789") == std::string::npos;
      ids.push_back(number ? Value(Value::List{Value(name.id), Value(std::int64_t{std::stoi(name.map_index)})}) : Value(id));
    }
    body.Set("task_ids", Value(std::move(ids)));
  }
  ASSIGN_OR_RETURN(const Value answer, context.client.Post(DagPath(options.dag_id) + "/clearTaskInstances", body));
  Value::List rows;
  if (const Value* list = answer.Find("task_instances"); list != nullptr && list->is_list()) rows = list->as_list();
  const std::size_t count = rows.size();
  context.output.Rows({{"dag_run_id", "RUN"}, {"task_id", "TASK"}, {"state", "STATE"}, {"try_number", "TRY"}},
                      NamedByIndex(std::move(rows)));
  context.output.Say((options.dry_run ? "would clear " : "cleared ") + std::to_string(count) + " task instances");
  return OkStatus();
}

Status ListProcesses(Context& context) {
  ASSIGN_OR_RETURN(const Value::List rows, context.client.All("/api/v2/jobs", "jobs", {}, 10'000));
  context.output.Rows({{"id", "ID"}, {"job_type", "TYPE"}, {"state", "STATE"}, {"hostname", "HOST"}, {"start_date", "STARTED"},
                       {"end_date", "ENDED"}, {"latest_heartbeat", "LATEST HEARTBEAT"}},
                      rows);
  return OkStatus();
}

Status ListWorkers(Context& context) {
  ASSIGN_OR_RETURN(const Value answer, context.client.Get("/millrace/v1/workers"));
  context.output.Rows({{"name", "WORKER"}, {"state", "STATE"}, {"slots", "SLOTS"}, {"slots_used", "USED"},
                       {"attempts", "ATTEMPTS"}, {"last_heartbeat", "LAST HEARTBEAT"}, {"hostname", "HOST"}, {"pid", "PID"}},
                      ListIn(answer, "workers"));
  return OkStatus();
}

}  // namespace millrace::dagctl
