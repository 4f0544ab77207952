// One commit: what the engine decided while the commit before it was under way. All of it becomes durable, or none.
// Rows are whole rows; a row changed several times within a batch stands in it once, as it ended up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model/attempt.h"
#include "core/model/backfill.h"
#include "core/model/dag.h"
#include "core/model/notification.h"
#include "core/model/records.h"
#include "core/model/run.h"

namespace millrace {

// A DAG as the store keeps it: its newest version and where its timetable stands.
struct DagRow {
  std::string dag_id;
  std::int32_t version = 0;  // newest; version numbers count from 1
  bool paused = false;
  bool stale = false;  // its file is gone
  // run_after of the last run that the timetable made; moves in the commit that creates the run.
  std::optional<WallTime> cursor;
  std::optional<WallTime> cursor_logical_date;  // of the same run
  // Shown by the API; recomputed when the cursor moves.
  std::optional<WallTime> next_logical_date;
  std::optional<WallTime> next_run_after;
  std::optional<WallTime> next_interval_start;
  std::optional<WallTime> next_interval_end;
  // Of the newest successful runs, oldest first: what a deadline by average runtime is reckoned from. Empty when it has none.
  std::vector<Duration> runtimes;
  std::int32_t failures = 0;  // runs that failed one after the other, see Dag::max_consecutive_failed_runs
  bool deleted = false;       // hidden until its file is read again; versions are counted on
  std::vector<std::string> paused_tasks = {};  // ids, sorted: their instances wait
  std::string team = {};  // of the newest version, see Dag::team
};

struct DagVersionRow {
  std::string dag_id;
  std::int32_t version = 0;
  WallTime created_at{};
  DagPtr dag;
};

// One finished stage task of a job (winner), or the plan, or the publish: what a restart needs.
struct StageTaskRow {
  JobKey job;
  std::int32_t stage = 0;  // -1 plan, 0.. stages, 1000 publish
  std::int32_t index = 0;
  Fence fence;
  SessionId session{};
  WallTime started_at{};
  WallTime ended_at{};
  std::string worker;
  StageResult result;
  bool revoked = false;  // its output was lost: no longer a winner
};

// The job report as JSON, rewritten when a stage ends; also what the API serves.
struct JobRow {
  JobKey job;
  std::string state;  // planning, running, publishing, success, failed
  std::string report;
  std::optional<WallTime> ended_at;
};

struct SessionRow {
  SessionId session{};
  WorkerOffer offer;
  WallTime joined_at{};
  std::optional<WallTime> ended_at;
  std::string end_reason;
};

// An event that a DAG's schedule has not used up yet, one for each run that it waits for. With `removed`, `event` 0: all
// of the DAG's; no partition key: whichever run it waits for.
struct DatasetQueueRow {
  std::string dag_id;
  std::int64_t event = 0;
  bool removed = false;
  std::string partition_key = {};  // of the run that it waits for
};

// A dataset that a task has attached to an alias.
struct AttachedDatasetRow {
  std::string alias;
  std::string dataset;
};

// What the watch of a dataset has seen.
struct DatasetWatchRow {
  std::string dag_id;
  std::string dataset;
  std::string seen;                 // a digest; "": nothing was there
  std::optional<WallTime> seen_at;  // when that changed last
  std::string failure;              // of the last look
};

// An event that made a run.
struct RunEventRow {
  RunKey run{};
  std::int64_t event = 0;
};

// One deadline of an unfinished run, or one that was missed.
struct DeadlineRow {
  RunKey run{};
  std::int32_t index = 0;  // among its DAG version's
  WallTime due_at{};
  std::optional<WallTime> missed_at;
  bool removed = false;  // the run was over in time
};

// What a task instance left when it succeeded, for later ones with the same inputs.
struct CachedResult {
  std::string key;  // hash of the inputs, hex
  std::string dag_id;
  std::string task_id;
  std::string run_id;  // of the one that ran
  std::int32_t map_index = -1;
  WallTime made_at{};
  std::optional<WallTime> expires_at;
  std::vector<XComValue> xcoms;  // what it returned among them
  bool removed = false;          // instead: the task has none any more
  friend bool operator==(const CachedResult&, const CachedResult&) = default;
};

struct Batch {
  std::uint32_t term = 0;      // the scheduler start that wrote it; the store refuses a term that is not its newest
  std::uint64_t sequence = 0;  // from 1, without gaps
  WallTime at{};
  std::vector<DagRow> dags;
  std::vector<DagVersionRow> dag_versions;
  std::vector<Run> runs;
  std::vector<TaskInstance> task_instances;
  std::vector<Attempt> attempts;
  std::vector<StageTaskRow> stage_tasks;
  std::vector<JobRow> jobs;
  std::vector<SessionRow> sessions;
  std::vector<Record> records;
  std::vector<Transition> transitions;  // with their order, the journal
  std::vector<XComRow> xcoms;  // in order: a try that begins forgets what those before it left
  std::vector<Dataset> datasets;  // that tasks named while they ran
  std::vector<AttachedDatasetRow> attached;
  std::vector<DatasetWatchRow> watches;  // in order; of those that the DAG's newest version has
  std::vector<DatasetEvent> dataset_events;
  std::vector<DatasetQueueRow> dataset_queue;  // in order: a removal undoes what stands before it
  std::vector<RunEventRow> run_events;
  std::vector<DeadlineRow> deadlines;
  std::vector<Backfill> backfills;
  std::vector<Notification> notifications;
  std::vector<ApprovalRow> approvals;
  // With their instances, attempts, values, jobs, deadlines, notifications and approvals. Their rows above, if any,
  // count for nothing.
  std::vector<RunKey> deleted_runs;
  // All their versions but the newest; their runs are among those above.
  std::vector<std::string> deleted_dags;
  // Their attempts, values and jobs go, before the rows above are written: this place in the run belongs to
  // another task now, or to none, and then its row goes as well.
  struct Forgotten {
    TaskInstanceKey instance;
    bool row = false;
  };
  std::vector<Forgotten> forgotten;
  std::vector<CachedResult> cached;  // in order

  bool empty() const {
    return dags.empty() && dag_versions.empty() && runs.empty() && task_instances.empty() &&
           attempts.empty() && stage_tasks.empty() && jobs.empty() && sessions.empty() && records.empty() &&
           transitions.empty() && xcoms.empty() && datasets.empty() && attached.empty() && watches.empty() &&
           dataset_events.empty() && dataset_queue.empty() && run_events.empty() && deadlines.empty() &&
           backfills.empty() && notifications.empty() && approvals.empty() && deleted_runs.empty() &&
           deleted_dags.empty() && forgotten.empty() && cached.empty();
  }
};

// A run that is no longer in memory, whole, for a command that needs it.
struct RunImage {
  Run run;
  DagPtr dag;  // the version it ran
  std::vector<TaskInstance> task_instances;
  std::vector<DatasetEvent> events;  // that made it
};

// What the engine starts from: unfinished runs whole, and cursors.
struct Image {
  std::uint32_t term = 0;  // of this start, already made durable
  std::uint64_t sequence = 0;
  std::int64_t next_run_key = 1;
  std::uint64_t next_session = 1;
  std::vector<DagRow> dags;
  std::vector<DagVersionRow> dag_versions;  // newest of each DAG, and those that unfinished runs use
  std::vector<Run> runs;                    // queued and running
  std::vector<TaskInstance> task_instances;
  std::vector<StageTaskRow> stage_tasks;  // of unfinished jobs
  std::vector<SessionRow> sessions;       // not ended
  std::vector<AttachedDatasetRow> attached;
  std::vector<DatasetWatchRow> watches;
  std::int64_t next_dataset_event = 1;
  std::vector<DatasetEvent> dataset_events;  // that the two below name
  std::vector<DatasetQueueRow> dataset_queue;
  std::vector<RunEventRow> run_events;  // of `runs`
  std::vector<DeadlineRow> deadlines;   // of `runs`, not missed
  std::int64_t next_backfill = 1;
  std::vector<Backfill> backfills;  // not completed, or with unfinished runs
  std::vector<PoolRow> pools;
  std::int64_t next_notification = 1;
  std::vector<Notification> notifications;  // not over; suppressed ones of `runs`
  std::vector<std::pair<RunKey, std::int32_t>> notified;  // of `runs`: how many rows of callbacks each has
  std::vector<ApprovalRow> approvals;  // of `task_instances` that are deferred
};

}  // namespace millrace
