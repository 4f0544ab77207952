// What keeps a store in order: deleting DAGs, retention, backups.
#include "core/calendar/format.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr int kRunsAtOnce = 100;            // of one command: the loop has others to answer
constexpr std::int64_t kRowsAtOnce = 2000;  // of the journal and the audit log
constexpr int kMaxPasses = 1000;            // of one request

// Runs that match, oldest first, a portion a command. Those that cannot go (somebody is about to change them)
// are left.
StatusOr<std::int64_t> DeleteRuns(Context& context, store::RunFilter filter) {
  filter.page.limit = kRunsAtOnce;
  std::int64_t deleted = 0;
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    ASSIGN_OR_RETURN(const auto listing, context.readers.runs.ListRuns(filter));
    millrace::DeleteRuns command;
    for (const Run& run : listing.rows) command.runs.push_back({run.key, run.dag_id, run.run_id});
    if (command.runs.empty()) return deleted;
    ASSIGN_OR_RETURN(const CommandResult result, context.Run(std::move(command)));
    for (const RunKey run : result.deleted) RETURN_IF_ERROR(context.upkeep.logs.RemoveLogs(run));
    deleted += static_cast<std::int64_t>(result.deleted.size());
    filter.page.offset = static_cast<int>(listing.rows.size() - result.deleted.size()) + filter.page.offset;
  }
  return deleted;
}

// The journal, the audit log and what state stores no longer hold, in portions while the journal's begin moves.
Status Prune(Context& context, WallTime before) {
  std::uint64_t oldest = 0;
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    ASSIGN_OR_RETURN(const auto first, context.readers.journal.ReadAfter(0, 1));
    if (first.empty() || first[0].sequence == oldest) return OkStatus();
    oldest = first[0].sequence;
    RETURN_IF_ERROR(context.Run(WriteRecords{{PruneRecord{before, kRowsAtOnce, context.clock.now().wall}}}).status());
  }
  return OkStatus();
}

http::Response DeleteDag(Context& context, const Call& call) {
  const std::string dag_id(call.request.Param("dag_id"));
  ANSWER_IF_ERROR(context.readers.dags.GetDag(dag_id).status());
  store::RunFilter unfinished;
  unfinished.dag_id = dag_id;
  unfinished.states = {RunState::kQueued, RunState::kRunning};
  unfinished.page.limit = 1;
  ASSIGN_OR_ANSWER(const auto live, context.readers.runs.ListRuns(unfinished));
  if (!live.rows.empty())
    return http::ErrorResponse(
        409, "DAG " + dag_id + " has unfinished runs, as " + live.rows[0].run_id + ": cancel them first");
  store::RunFilter all;
  all.dag_id = dag_id;
  all.states = {RunState::kSuccess, RunState::kFailed};
  ASSIGN_OR_ANSWER(const std::int64_t runs, DeleteRuns(context, all));
  ANSWER_IF_ERROR(context.Run(millrace::DeleteDag{dag_id, call.who.user}).status());
  context.Audit(call.who.user, "delete_dag", dag_id);
  return JsonAnswer(Value::Map{{"dag_id", dag_id}, {"runs_deleted", runs}});
}

http::Response Clean(Context& context, const Call& call) {
  BodyInput body(call.request);
  const std::optional<WallTime> before = body.Time("before");
  if (!body.Has("before")) body.issues().Add("body", "before", "missing", "Field required");
  const bool dry_run = body.Bool("dry_run", true);
  store::RunFilter filter;
  filter.ended_before = before;
  const Value dags = body.Any("dag_ids");
  if (dags.is_list()) {
    for (const Value& dag : dags.as_list()) {
      if (dag.is_string()) filter.dag_ids.push_back(dag.as_string());
    }
  }
  if (!dags.is_null() && (!dags.is_list() || filter.dag_ids.size() != dags.as_list().size()))
    body.issues().Add("body", "dag_ids", "list_type", "Input should be a list of DAG ids", dags);
  if (auto problems = body.Problems()) return *problems;
  if (*before > context.clock.now().wall) return ErrorAnswer(InvalidArgument("`before` lies in the future"));
  if (dry_run) {
    filter.page.limit = 1;
    ASSIGN_OR_ANSWER(const auto listing, context.readers.runs.ListRuns(filter));
    return JsonAnswer(Value::Map{{"dry_run", true},
                                 {"before", FormatTime(*before)},
                                 {"runs", listing.total},
                                 {"runs_is_exact", listing.total_is_exact}});
  }
  ASSIGN_OR_ANSWER(const std::int64_t runs, DeleteRuns(context, filter));
  // The journal and the audit log belong to no DAG.
  if (filter.dag_ids.empty()) ANSWER_IF_ERROR(Prune(context, *before));
  context.Audit(call.who.user, "clean", FormatTime(*before));
  return JsonAnswer(Value::Map{
      {"dry_run", false}, {"before", FormatTime(*before)}, {"runs", runs}, {"runs_is_exact", true}});
}

http::Response Backup(Context& context, const Call& call) {
  BodyInput body(call.request);
  std::string name = body.String("name");
  if (auto problems = body.Problems()) return *problems;
  if (name.empty()) {
    name = FormatTime(context.clock.now().wall);
    std::erase(name, ':');
  }
  const StatusOr<store::BackupInfo> info = context.upkeep.backups.WriteBackup(name);
  if (!info.ok()) {
    // Who asks looks after these files, and has to know which of them it is.
    const http::Response answer = ErrorAnswer(info.status());
    return answer.status == 500 ? http::ErrorResponse(500, info.status().message()) : answer;
  }
  context.Audit(call.who.user, "backup", name);
  return JsonAnswer(Value::Map{{"name", name}, {"folder", info->folder}, {"bytes", info->bytes}});
}

}  // namespace

void AddUpkeepRoutes(RouteTable& table, Context& context) {
  table.Add({"DELETE", "/api/v2/dags/{dag_id}", Needs(Verb::kDelete, Resource::kDag), 200,
             "Delete a DAG and its runs; it comes back when its file changes or the scheduler starts again",
             [&](const Call& call) { return DeleteDag(context, call); }});
  table.Add({"POST", "/millrace/v1/db/clean", Needs(Verb::kDelete, Resource::kConfig), 200,
             "Delete runs that ended before a time (dry_run by default)",
             [&](const Call& call) { return Clean(context, call); }});
  table.Add({"POST", "/millrace/v1/db/backup", Needs(Verb::kWrite, Resource::kConfig), 200,
             "Copy the database and the logs into a folder beneath the state folder",
             [&](const Call& call) { return Backup(context, call); }});
}

}  // namespace millrace::api
