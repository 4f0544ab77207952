// The commands that ask a scheduler. Each gets its arguments parsed, talks REST, shows rows and gives an exit status.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "dagctl/output.h"
#include "dagctl/rest_client.h"

namespace millrace::dagctl {

// Exit statuses, for scripts.
inline constexpr int kOk = 0;
inline constexpr int kProblem = 1;    // refused, not found, invalid
inline constexpr int kUsage = 2;      // the command line itself
inline constexpr int kRunFailed = 3;  // the run that was waited for has failed
inline constexpr int kNoScheduler = 4;  // not reachable, or it does not know who asks
inline constexpr int kStopped = 130;    // Ctrl-C, as shells say it

// Between two questions about what a command waits for.
inline constexpr Duration kPoll = std::chrono::milliseconds(250);

// Of lists that are shown or compared whole.
inline constexpr std::size_t kMostRows = 10'000;

// What a command works with. `wait` blocks for a while (and not in tests).
struct Context {
  RestClient& client;
  Output& output;
  void (*wait)(Duration);
};

struct TriggerOptions {
  std::string dag_id;
  std::string run_id;
  std::string logical_date;  // RFC 3339 or a date; "" for none
  std::string conf = "{}";
  std::string note;
  std::string partition_key;
  bool wait = false;
};

struct LogOptions {
  std::string dag_id, run_id, task_id;
  int try_number = 0;  // 0: the current one
  bool follow = false;
};

struct ClearOptions {
  std::string dag_id, run_id;  // run "~": all of the range
  std::vector<std::string> task_ids;
  std::string from, to;  // logical dates
  bool upstream = false, downstream = false, past = false, future = false, only_failed = false;
  bool newest_version = false, keep_run = false, refresh_cache = false, dry_run = false, only_running = false,
       only_skipped = false, prevent_running = false, keep_state = false;
  std::string note;
};

Status ListDagTasks(Context& context, const std::string& dag_id);
// Has their files read again; those of all DAGs when none is named.
Status ReadAgain(Context& context, const std::vector<std::string>& dag_ids);
// `favorites`: only those that who asks has marked.
Status ListDags(Context& context, const std::string& pattern, const std::string& tag, bool favorites);
Status ShowDag(Context& context, const std::string& dag_id);
Status SetPaused(Context& context, const std::string& dag_id, bool paused);
Status SetFavorite(Context& context, const std::string& dag_id, bool favorite);
// `failed` is set when the run was waited for and failed.
Status Trigger(Context& context, const TriggerOptions& options, bool& failed);
// What `path` makes a run of when it is posted what `options` say; shows it, or its progress.
Status StartRun(Context& context, const std::string& path, const TriggerOptions& options, bool& failed);

struct ListRunsOptions {
  std::string dag_id;  // "": of all
  std::string state;
  std::string from, to;  // logical dates
  std::string partition_key;
  int limit = 25;
  bool no_backfill = false;
};
Status ListRuns(Context& context, const ListRunsOptions& options);
Status ShowRun(Context& context, const std::string& dag_id, const std::string& run_id);
// Progress until the run has ended.
Status WatchRun(Context& context, const std::string& dag_id, const std::string& run_id, bool& failed);
Status CancelRun(Context& context, const std::string& dag_id, const std::string& run_id);

Status ListTasks(Context& context, const std::string& dag_id, const std::string& run_id);
// Of a task group: all of its tasks.
Status SetTaskPaused(Context& context, const std::string& dag_id, const std::string& task_id, bool paused);
Status TaskLogs(Context& context, const LogOptions& options);
Status TaskWhy(Context& context, const std::string& dag_id, const std::string& run_id, const std::string& task_id);
Status ClearTasks(Context& context, const ClearOptions& options);

Status ListDatasets(Context& context, const std::string& dag_id);
// Newest first; "": of all datasets.
Status ListDatasetEvents(Context& context, const std::string& name, int limit);
// And the datasets that they stand for.
Status ListDatasetAliases(Context& context);
Status ShowDataset(Context& context, const std::string& name);
// As the API shows it; NOT_FOUND.
StatusOr<Value> FindDataset(Context& context, const std::string& name);
// Starts the DAG that makes it.
Status MaterializeDataset(Context& context, const std::string& name, const TriggerOptions& options, bool& failed);
Status UpdateDataset(Context& context, const std::string& name, const std::string& extra,
                     const std::string& partition_key);
// Updates that a DAG has not used yet.
Status ListQueuedDatasetEvents(Context& context, const std::string& dag_id);
Status ShowDeadlines(Context& context, const std::string& dag_id, const std::string& run_id);

// What does not load, with its place; FAILED_PRECONDITION when there is some.
Status ListImportErrors(Context& context);
// Everything that the scheduler says of the DAG, a line a member.
Status ShowDetails(Context& context, const std::string& dag_id);
// Of the runs of a logical date (2001-03-01 is that day, in UTC), or of the run of that id.
Status ShowRunState(Context& context, const std::string& dag_id, const std::string& date);
// Of a mapped task each instance.
Status ShowTaskState(Context& context, const std::string& dag_id, const std::string& run_id, const std::string& task_id);
// FAILED_PRECONDITION when the scheduler's loop does not answer or its store cannot be read.
Status ShowHealth(Context& context);

Status ShowJob(Context& context, const std::string& dag_id, const std::string& run_id, const std::string& task_id);
Status ListWorkers(Context& context);
// Where DAGs come from.
Status ListBundles(Context& context);
// Fetches a repository; does not wait for it.
Status RefreshBundle(Context& context, const std::string& name);
// The scheduler and its workers, as Airflow's jobs.
Status ListProcesses(Context& context);

// Instances of mapped tasks as "load[3]".
Value::List NamedByIndex(Value::List tasks);

// Members of an answer, for people.
std::string Text(const Value& row, std::string_view member);
double Number(const Value& row, std::string_view member);
Value::List ListIn(const Value& row, std::string_view member);

}  // namespace millrace::dagctl
