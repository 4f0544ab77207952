// The commands of those who operate: backfills, pools, marking, deleting, versions, retention, backups.
// Beside commands.h, and like there: arguments parsed, REST spoken, rows shown.
#pragma once

#include <string>
#include <vector>

#include "dagctl/commands.h"

namespace millrace::dagctl {

struct BackfillOptions {
  std::string dag_id, from, to;
  std::string reprocess = "none";
  std::string conf = "{}";
  int max_active_runs = 10;
  bool run_backwards = false, original_version = false, downstream = false, dry_run = false, wait = false;
};

// `failed`: it was waited for and one of its runs failed.
Status CreateBackfill(Context& context, const BackfillOptions& options, bool& failed);
Status ListBackfills(Context& context, const std::string& dag_id);
Status ShowBackfill(Context& context, std::int64_t id);
Status WatchBackfill(Context& context, std::int64_t id, bool& failed);
// "pause", "unpause" or "cancel".
Status ChangeBackfill(Context& context, std::int64_t id, const std::string& action);

struct MarkOptions {
  std::string dag_id, run_id, task_id, state;
  bool upstream = false, downstream = false, past = false, future = false, dry_run = false;
};
Status MarkTask(Context& context, const MarkOptions& options);
Status MarkRun(Context& context, const std::string& dag_id, const std::string& run_id,
               const std::string& state);

struct AnswerOptions {
  std::string dag_id, run_id, task_id;
  std::vector<std::string> chosen;
  std::vector<std::string> params;  // NAME=VALUE
};
// What waits for an answer; `all`: what has been answered as well.
Status ListApprovals(Context& context, const std::string& dag_id, const std::string& run_id, bool all);
Status AnswerApproval(Context& context, const AnswerOptions& options);

struct ClearRunOptions {
  std::string dag_id, run_id;
  std::string partition_key, partition_from, partition_to;  // instead of `run_id`: of all runs of these
  bool only_failed = false, only_skipped = false, only_new = false, newest_version = false, dry_run = false;
};
Status ClearRun(Context& context, const ClearRunOptions& options);
Status ClearPartitions(Context& context, const ClearRunOptions& options);
Status DeleteRun(Context& context, const std::string& dag_id, const std::string& run_id);
Status DeleteDag(Context& context, const std::string& dag_id);

Status ListVersions(Context& context, const std::string& dag_id);
// Of the text of its file; 0: the newest version, and the one before the other.
Status DiffVersions(Context& context, const std::string& dag_id, int from, int to);

struct PoolOptions {
  std::string name, description;
  int slots = 0;
  bool include_deferred = false;
  std::optional<std::string> team;  // "": everybody's; none: as it is
};
Status ListPools(Context& context);
Status ShowPool(Context& context, const std::string& name);
Status SetPool(Context& context, const PoolOptions& options);
Status DeletePool(Context& context, const std::string& name);

struct AuditOptions {
  std::string dag_id, user, action;
  std::string after;  // a time, or a length like 2h, ago
  std::size_t limit = 100;
};
Status ListAudit(Context& context, const AuditOptions& options, WallTime now);

struct NotificationOptions {
  std::string dag_id, run_id, state;
  int limit = 100;
};
Status ListNotifications(Context& context, const NotificationOptions& options);
Status ShowNotification(Context& context, std::int64_t id);
Status RetryNotification(Context& context, std::int64_t id);

struct CleanOptions {
  std::string before;  // a time, or a length like 30d, ago
  std::vector<std::string> dag_ids;
  bool dry_run = false;
};
Status CleanStore(Context& context, const CleanOptions& options, WallTime now);
Status BackUp(Context& context, const std::string& name);
// Offline: makes the state folder of a backup's. One that is there is kept under another name; refused while
// a scheduler runs on it.
Status Restore(Output& output, const std::string& backup, const std::string& state, WallTime now);

}  // namespace millrace::dagctl
