#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <ostream>

#include "core/calendar/format.h"
#include "dagctl/operations.h"
#include "dagctl/text_diff.h"

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;

const std::vector<Field> kInstanceFields = {
    {"dag_run_id", "RUN"}, {"task_id", "TASK"}, {"state", "STATE"}, {"try_number", "TRY"}};

const std::vector<Field> kPoolFields = {
    {"name", "POOL"},    {"slots", "SLOTS"},       {"running_slots", "RUNNING"}, {"queued_slots", "QUEUED"},
    {"scheduled_slots", "WAITING"}, {"open_slots", "OPEN"}, {"description", "DESCRIPTION"}, {"team_name", "TEAM", true}};

Status ShowInstances(Context& context, const Value& answer, const std::string& what) {
  Value::List rows;
  if (const Value* list = answer.Find("task_instances"); list != nullptr && list->is_list())
    rows = list->as_list();
  const std::size_t count = rows.size();
  context.output.Rows(kInstanceFields, NamedByIndex(std::move(rows)));
  context.output.Say(what + " " + std::to_string(count) + " task instances");
  return OkStatus();
}

Value ClearBody(const ClearRunOptions& options) {
  return Value::Map{{"dry_run", options.dry_run},
                    {"only_failed", options.only_failed},
                    {"only_skipped", options.only_skipped},
                    {"only_new", options.only_new},
                    {"run_on_latest_version", options.newest_version}};
}

Status Failed(const std::error_code& code, const std::string& what) {
  return ErrnoStatus(code.value(), what);
}

StatusOr<std::string> SourceOf(Context& context, const std::string& dag_id, int version) {
  ASSIGN_OR_RETURN(const Value source, context.client.Get("/api/v2/dagSources/" + Segment(dag_id),
                                                          {{"version_number", std::to_string(version)}}));
  return Text(source, "content");
}

// A folder's lock is held by the scheduler that runs on it.
Status CheckFree(const std::string& state) {
  const std::string path = state + "/lock";
  const int lock = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return errno == ENOENT ? OkStatus() : ErrnoStatus(errno, "open " + path);
  const bool is_free = flock(lock, LOCK_EX | LOCK_NB) == 0;
  close(lock);
  return is_free
             ? OkStatus()
             : FailedPrecondition("a millrace-scheduler uses the state folder " + state + ": stop it first");
}

bool IsDatabase(const fs::path& path) {
  std::string head(15, '\0');
  std::ifstream(path, std::ios::binary).read(head.data(), static_cast<std::streamsize>(head.size()));
  return head == "SQLite format 3";
}

// "30d" is so long ago; anything else is left to the scheduler to read.
std::string TimeOrAgo(const std::string& text, WallTime now) {
  const StatusOr<Duration> length = ParseDuration(text);
  return length.ok() ? FormatTime(now - *length) : text;
}

}  // namespace

Status MarkTask(Context& context, const MarkOptions& options) {
  const Value body = Value::Map{{"new_state", options.state},
                                {"include_upstream", options.upstream},
                                {"include_downstream", options.downstream},
                                {"include_past", options.past},
                                {"include_future", options.future}};
  const std::string suffix = options.dry_run ? "/dry_run" : "";
  StatusOr<Value> answer =
      context.client.Patch(TaskPath(options.dag_id, options.run_id, options.task_id) + suffix, body);
  if (answer.status().code() == Code::kNotFound) {
    const std::string group =
        RunPath(options.dag_id, options.run_id) + "/taskGroupInstances/" + Segment(options.task_id);
    StatusOr<Value> marked = context.client.Patch(group + suffix, body);
    // Neither a task nor a group: what was said of the task is what is meant.
    if (marked.ok() || marked.status().code() != Code::kNotFound) answer = std::move(marked);
  }
  RETURN_IF_ERROR(answer.status());
  return ShowInstances(context, *answer, options.dry_run ? "would change" : "changed");
}

Status MarkRun(Context& context, const std::string& dag_id, const std::string& run_id,
               const std::string& state) {
  RETURN_IF_ERROR(context.client.Patch(RunPath(dag_id, run_id), Value::Map{{"state", state}}).status());
  return ShowRun(context, dag_id, run_id);
}

Status ClearRun(Context& context, const ClearRunOptions& options) {
  ASSIGN_OR_RETURN(const Value answer,
                   context.client.Post(RunPath(options.dag_id, options.run_id) + "/clear", ClearBody(options)));
  if (options.dry_run) return ShowInstances(context, answer, "would clear");
  return ShowRun(context, options.dag_id, options.run_id);
}

Status ClearPartitions(Context& context, const ClearRunOptions& options) {
  Value body = ClearBody(options);
  if (!options.partition_key.empty()) body.Set("partition_key", options.partition_key);
  if (!options.partition_from.empty()) body.Set("partition_date_start", options.partition_from);
  if (!options.partition_to.empty()) body.Set("partition_date_end", options.partition_to);
  ASSIGN_OR_RETURN(const Value answer, context.client.Post(DagPath(options.dag_id) + "/clearDagRuns", body));
  if (options.dry_run) return ShowInstances(context, answer, "would clear");
  context.output.Rows({{"dag_run_id", "RUN"}, {"partition_key", "PARTITION"}, {"state", "STATE"}},
                      answer.Find("dag_runs")->as_list());
  return OkStatus();
}

Status DeleteRun(Context& context, const std::string& dag_id, const std::string& run_id) {
  RETURN_IF_ERROR(context.client.Delete(RunPath(dag_id, run_id)).status());
  context.output.Say("deleted run " + run_id);
  return OkStatus();
}

Status DeleteDag(Context& context, const std::string& dag_id) {
  ASSIGN_OR_RETURN(const Value answer, context.client.Delete(DagPath(dag_id)));
  context.output.Say("deleted DAG " + dag_id + " and " +
                     std::to_string(static_cast<std::int64_t>(Number(answer, "runs_deleted"))) +
                     " runs; it comes back when its file changes, or with the scheduler's next start");
  return OkStatus();
}

Status ListVersions(Context& context, const std::string& dag_id) {
  ASSIGN_OR_RETURN(const Value::List versions,
                   context.client.All(DagPath(dag_id) + "/dagVersions", "dag_versions", {}, 10'000));
  context.output.Rows({{"version_number", "VERSION"}, {"created_at", "CREATED"}, {"id", "ID"}}, versions);
  return OkStatus();
}

Status DiffVersions(Context& context, const std::string& dag_id, int from, int to) {
  ASSIGN_OR_RETURN(const Value::List versions,
                   context.client.All(DagPath(dag_id) + "/dagVersions", "dag_versions", {}, 10'000));
  int newest = 0;
  for (const Value& version : versions)
    newest = std::max(newest, static_cast<int>(Number(version, "version_number")));
  if (to == 0) to = newest;
  if (from == 0) from = to - 1;
  if (from < 1)
    return FailedPrecondition("DAG " + dag_id + " has only one version; there is nothing to compare it with");
  ASSIGN_OR_RETURN(const std::string before, SourceOf(context, dag_id, from));
  ASSIGN_OR_RETURN(const std::string after, SourceOf(context, dag_id, to));
  const std::vector<DiffLine> lines = DiffTexts(before, after);
  if (context.output.format() != Format::kTable) {
    Value::List rows;
    for (const DiffLine& line : lines)
      rows.emplace_back(Value::Map{{"sign", std::string(1, line.sign)}, {"line", line.text}});
    context.output.Rows({{"sign", ""}, {"line", "LINE"}}, rows);
    return OkStatus();
  }
  context.output.Say("--- version " + std::to_string(from));
  context.output.Say("+++ version " + std::to_string(to));
  for (const DiffLine& line : lines) {
    context.output.Say(line.sign == '@' ? "@@ " + line.text + " @@" : line.sign + line.text);
  }
  if (lines.empty()) context.output.Say("the file's text is the same; a file that it names has changed");
  return OkStatus();
}

Status ListPools(Context& context) {
  ASSIGN_OR_RETURN(const Value::List pools, context.client.All("/api/v2/pools", "pools", {}, 10'000));
  context.output.Rows(kPoolFields, pools);
  return OkStatus();
}

Status ShowPool(Context& context, const std::string& name) {
  ASSIGN_OR_RETURN(const Value pool, context.client.Get("/api/v2/pools/" + Segment(name)));
  context.output.Rows(kPoolFields, {pool});
  return OkStatus();
}

Status SetPool(Context& context, const PoolOptions& options) {
  Value body = Value::Map{{"slots", options.slots}, {"include_deferred", options.include_deferred}};
  if (!options.description.empty()) body.Set("description", options.description);
  if (options.team) body.Set("team_name", *options.team);
  StatusOr<Value> pool = context.client.Patch("/api/v2/pools/" + Segment(options.name), body);
  if (!pool.ok() && pool.status().code() == Code::kNotFound) {
    body.Set("name", options.name);
    pool = context.client.Post("/api/v2/pools", body);
  }
  RETURN_IF_ERROR(pool.status());
  context.output.Rows(
      {{"name", "POOL"}, {"slots", "SLOTS"}, {"open_slots", "OPEN"}, {"description", "DESCRIPTION"}, {"team_name", "TEAM", true}},
      {*pool});
  return OkStatus();
}

Status DeletePool(Context& context, const std::string& name) {
  RETURN_IF_ERROR(context.client.Delete("/api/v2/pools/" + Segment(name)).status());
  context.output.Say("deleted pool " + name);
  return OkStatus();
}

Status ListAudit(Context& context, const AuditOptions& options, WallTime now) {
  QueryParameters query = {{"order_by", "-when"}};
  if (!options.dag_id.empty()) query.emplace_back("dag_id", options.dag_id);
  if (!options.user.empty()) query.emplace_back("owner", options.user);
  if (!options.action.empty()) query.emplace_back("event", options.action);
  if (!options.after.empty()) query.emplace_back("after", TimeOrAgo(options.after, now));
  ASSIGN_OR_RETURN(const Value::List events,
                   context.client.All("/api/v2/eventLogs", "event_logs", query, options.limit));
  context.output.Rows(
      {{"when", "WHEN"}, {"owner", "USER"}, {"event", "ACTION"}, {"object", "OBJECT"}, {"extra", "DETAIL"}},
      events);
  return OkStatus();
}

Status CleanStore(Context& context, const CleanOptions& options, WallTime now) {
  const std::string before = TimeOrAgo(options.before, now);
  Value body = Value::Map{{"before", before}, {"dry_run", options.dry_run}};
  if (!options.dag_ids.empty()) {
    Value::List ids;
    for (const std::string& id : options.dag_ids) ids.emplace_back(id);
    body.Set("dag_ids", Value(std::move(ids)));
  }
  ASSIGN_OR_RETURN(const Value answer, context.client.Post("/millrace/v1/db/clean", body));
  context.output.Rows(
      {{"before", "ENDED BEFORE"}, {"runs", options.dry_run ? "RUNS TO DELETE" : "RUNS DELETED"}}, {answer});
  return OkStatus();
}

Status BackUp(Context& context, const std::string& name) {
  Value body{Value::Map()};
  if (!name.empty()) body.Set("name", name);
  ASSIGN_OR_RETURN(const Value answer, context.client.Post("/millrace/v1/db/backup", body));
  context.output.Rows({{"name", "BACKUP"}, {"folder", "FOLDER"}, {"bytes", "BYTES"}}, {answer});
  return OkStatus();
}

Status Restore(Output& output, const std::string& backup, const std::string& state, WallTime now) {
  const fs::path target = fs::path(state).has_filename() ? fs::path(state) : fs::path(state).parent_path();
  if (!IsDatabase(fs::path(backup) / "millrace.db")) {
    return InvalidArgument(
        backup +
        " is no backup: it has no database millrace.db (dagctl db backup makes one, in STATE/backups/NAME)");
  }
  RETURN_IF_ERROR(CheckFree(target.string()));
  // Whole or not at all: copied beside it, then renamed.
  const fs::path partial = target.string() + ".restoring";
  std::error_code code;
  fs::remove_all(partial, code);
  fs::copy(backup, partial, fs::copy_options::recursive, code);
  if (!code) fs::permissions(partial, fs::perms::owner_all, code);
  if (code) return Failed(code, "copy " + backup + " to " + partial.string());
  std::string kept;
  if (fs::exists(target, code)) {
    std::string time = FormatTime(now);
    std::erase(time, ':');
    kept = target.string() + ".before-restore-" + time;
    if (fs::rename(target, kept, code); code)
      return Failed(code, "rename " + target.string() + " to " + kept);
  }
  if (fs::rename(partial, target, code); code)
    return Failed(code, "rename " + partial.string() + " to " + target.string());
  output.Say("restored " + target.string() + " from " + backup);
  if (!kept.empty()) output.Say("what was there is kept in " + kept);
  return OkStatus();
}

}  // namespace millrace::dagctl
