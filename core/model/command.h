// Changes that people ask for, and what they are told. A command is refused whole or done whole.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/backfill.h"
#include "core/model/dag.h"
#include "core/model/notification.h"
#include "core/model/records.h"
#include "core/model/run.h"

namespace millrace {

struct TriggerRun {
  std::string dag_id;
  std::string run_id;  // "": made from the date
  std::optional<WallTime> logical_date;
  std::string conf = "{}";  // JSON object; checked against the DAG's params
  std::string note;
  std::string user;
  std::optional<TriggeringTask> by = {};  // a task, not a person
  DagPtr job;  // of a job that no DAG file holds (dag_id is its id): becomes the DAG's newest version with the run
  std::string partition_key = {};  // "": none
};

struct SetPaused {
  std::string dag_id;
  bool paused = true;
  std::string user;
};

// Holds the instances of a task back, or of all tasks of a group, in every run; those that run go on.
struct SetTaskPaused {
  std::string dag_id;
  std::string task_id;
  bool paused = true;
  std::string user;
};

// Ends a run as failed; its attempts are killed.
struct CancelRun {
  std::string dag_id;
  std::string run_id;
  std::string user;
};

// Runs task instances again. Empty task_ids means all. dry_run only tells what would be cleared: preview and action
// share core/model/selection.
struct ClearTasks {
  std::string dag_id;
  std::string run_id;
  std::vector<std::string> task_ids;
  bool upstream = false;
  bool downstream = true;
  bool only_failed = false;
  bool dry_run = false;
  std::string user;
  std::int32_t map_index = -1;  // of a mapped task among task_ids: this instance only; -1: all
  bool reopen = true;           // false: a run that has ended stays ended
  bool latest_version = false;  // the whole run, on the newest version of its DAG
  bool only_running = false;
  std::optional<std::string> note = {};  // is left at each of them
  bool refresh_cache = false;   // forgets what the tasks have cached, so that they do run
  bool prevent_running = false;  // refused when one of them is running
  bool only_skipped = false;
  // What their state stores hold; else they start over. Airflow keeps it when a whole run is cleared, and so do we there.
  bool keep_task_state = false;
  bool only_new = false;  // the run gets its DAG's newest version, and those of its tasks that it does not have
};

// Sets task instances' states by hand: success, failed or skipped.
struct MarkTask {
  std::string dag_id;
  std::string run_id;
  std::string task_id;
  TaskState state = TaskState::kSuccess;
  std::string user;
  std::int32_t map_index = -1;  // -1: all
  bool upstream = false;
  bool downstream = false;
  bool dry_run = false;
};

// Somebody outside has updated a dataset: what waits for it is told as if a task had.
struct AddDatasetEvent {
  std::string dataset;
  std::string extra = "{}";  // JSON object
  std::string user;
  std::string partition_key = {};  // "": none
};

// Forgets events that wait for a DAG's condition to hold.
struct ClearDatasetQueue {
  std::string dag_id;
  std::string dataset;  // "": of all
  std::string user;
};

// Ends a whole run by hand: success marks what has not succeeded; failed is CancelRun, also for a run that
// succeeded.
struct MarkRun {
  std::string dag_id;
  std::string run_id;
  RunState state = RunState::kSuccess;
  std::string user;
};

// Sets what is noted about a run.
struct NoteRun {
  std::string dag_id;
  std::string run_id;
  std::string note;
  std::string user;
};

// Answers an approval that waits.
struct AnswerApproval {
  std::string dag_id;
  std::string run_id;
  std::string task_id;
  std::int32_t map_index = -1;
  std::vector<std::string> chosen_options;
  std::string params_input = "{}";  // JSON object
  std::string user;
};

// Forgets what a task instance of an ended run has left: its tries, values and notes. It is as if it had not begun.
struct DeleteTaskInstance {
  std::string dag_id;
  std::string run_id;
  std::string task_id;
  std::int32_t map_index = -1;
  std::string user;
};

// Forgets an ended run with all that belongs to it.
struct DeleteRun {
  std::string dag_id;
  std::string run_id;
  std::string user;
};

// The same for many at once, as retention does; those that are in memory are left.
struct DeleteRuns {
  struct Name {
    RunKey key{};
    std::string dag_id;
    std::string run_id;
  };
  std::vector<Name> runs;
};

// Forgets a DAG whose runs have been deleted. Refused while a run is unfinished. It comes back with its file.
struct DeleteDag {
  std::string dag_id;
  std::string user;
};

// `backfill` names DAG, range, reprocess, limits, conf and user; the engine fills in the rest.
struct CreateBackfill {
  Backfill backfill;
  bool include_downstream = false;  // DAGs that its datasets lead to get one each, one after the other
  bool dry_run = false;             // only tells the dates of the range
};

enum class BackfillAction : std::uint8_t { kPause, kUnpause, kCancel };
struct ChangeBackfill {
  std::int64_t id = 0;
  BackfillAction action = BackfillAction::kPause;
  std::string user;
};

// Makes or changes a pool, or deletes it.
struct SetPool {
  PoolRow pool;
  bool must_be_new = false;
};

// Delivers a notification again that was given up; one that waits for its next try is due at once.
struct RetryNotification {
  Notification row;  // as stored
  std::string user;
};

// Has a worker try whether a connection works. Nothing of it is kept.
struct TestConnection {
  std::string id;
  std::string uri;  // with its password
  std::vector<std::string> secrets;
};

// Records that the engine does not decide about (users, tokens, audit, import errors): committed as they are, in the
// order of the loop.
struct WriteRecords {
  std::vector<Record> records;
};

using Command = std::variant<TriggerRun, SetPaused, CancelRun, ClearTasks, MarkTask, AddDatasetEvent,
                             ClearDatasetQueue, WriteRecords, MarkRun, DeleteRun, DeleteRuns, DeleteDag,
                             CreateBackfill, ChangeBackfill, SetPool, RetryNotification, NoteRun, AnswerApproval,
                             DeleteTaskInstance, TestConnection, SetTaskPaused>;

// What a command did: the run it made or changed, the instances it touched.
struct CommandResult {
  std::optional<Run> run;
  std::vector<TaskInstanceKey> instances;
  std::optional<DatasetEvent> dataset_event;
  std::optional<Backfill> backfill;  // CreateBackfill, dry run: as it would be, without an id
  std::vector<Backfill> downstream;  // those that it includes
  std::vector<WallTime> dates;       // CreateBackfill, dry run
  std::vector<std::pair<std::string, WallTime>> partitions = {};  // of each of them, where its schedule makes them
  std::vector<RunKey> deleted;
  std::optional<ApprovalRow> approval = {};  // as it was answered
  std::vector<std::string> new_tasks = {};   // ClearTasks: those that only_new adds
  struct Tested {
    bool works = false;
    std::string message;
  };
  std::optional<Tested> tested = {};  // TestConnection
};

using CommandReply = StatusOr<CommandResult>;

}  // namespace millrace
