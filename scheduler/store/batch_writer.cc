#include "scheduler/store/batch_writer.h"

#include <array>
#include <set>

#include "core/model/codec.h"
#include "core/model/jobs_dag.h"
#include "core/model/json.h"
#include "scheduler/store/notifications.h"
#include "scheduler/store/rows.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/transitions.h"

namespace millrace::store {
namespace {

constexpr const char* kPosition = "SELECT (SELECT value FROM meta WHERE name = 'term'), (SELECT value FROM meta WHERE name = 'sequence')";
constexpr const char* kAdvance = "UPDATE meta SET value = ? WHERE name = 'sequence'";
constexpr const char* kRaise = "UPDATE meta SET value = max(value, ?1) WHERE name = ?2";
constexpr const char* kDag =
    "INSERT INTO dag VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16) ON CONFLICT (dag_id) DO UPDATE "
    "SET version = ?2, paused = ?3, "
    "stale = ?4, cursor = ?5, cursor_logical_date = ?6, next_logical_date = ?7, next_run_after = ?8, "
    "parsed_at = ?9, "
    "next_interval_start = ?10, next_interval_end = ?11, runtimes = ?12, failures = ?13, deleted = ?14, paused_tasks = ?15, team = ?16";
constexpr const char* kDagVersion = "INSERT OR REPLACE INTO dag_version (dag_id, version, hash, created_at, body) VALUES (?,?,?,?,?)";
constexpr const char* kForgetTags = "DELETE FROM dag_tag WHERE dag_id = ?";
constexpr const char* kTag = "INSERT OR IGNORE INTO dag_tag VALUES (?,?)";
// An upsert keeps the row's place; REPLACE would delete and insert again, indexes included.
constexpr const char* kRun =
    "INSERT INTO run VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25) ON CONFLICT "
    "(run) DO UPDATE SET type = ?4, "
    "state = ?5, version = ?6, started_at = ?12, ended_at = ?13, conf = ?14, triggered_by = ?15, note = ?16, "
    "missed_deadlines = ?17, "
    "backfill = ?18, former_tasks = ?20, retries = ?21, max_retries = ?22, retry_at = ?23";
constexpr const char* kDataset =
    "INSERT INTO dataset (name, uri, grp, extra, created_at, updated_at) VALUES (?1,?2,?3,?4,?5,?5) ON CONFLICT (name) DO UPDATE SET "
    "uri = ?2, grp = ?3, extra = ?4, updated_at = ?5 WHERE (?2 <> ?1 OR ?4 <> '{}') AND (uri <> ?2 OR grp <> ?3 OR extra <> ?4)";
constexpr const char* kForgetUses = "DELETE FROM dataset_use WHERE dag_id = ?";
constexpr const char* kDatasetUse = "INSERT OR IGNORE INTO dataset_use VALUES (?,?,?,?,?)";
constexpr const char* kAlias =
    "INSERT INTO dataset_alias (name, grp) VALUES (?1,?2) ON CONFLICT (name) DO UPDATE SET grp = ?2 WHERE ?2 "
    "NOT IN (grp, 'asset')";
constexpr const char* kAttached = "INSERT OR IGNORE INTO attached_dataset VALUES (?,?)";
constexpr const char* kWatch =
    "INSERT INTO dataset_watch (dag_id, dataset, name, kind, created_at) VALUES (?1,?2,?3,?4,?5) "
    "ON CONFLICT (dag_id, dataset) DO UPDATE SET name = ?3, kind = ?4";
constexpr const char* kForgetWatches =
    "DELETE FROM dataset_watch WHERE dag_id = ?1 AND dataset NOT IN (SELECT value FROM json_each(?2))";
constexpr const char* kSeen =
    "UPDATE dataset_watch SET seen = ?3, seen_at = ?4, failure = ?5 WHERE dag_id = ?1 AND dataset = ?2";
constexpr const char* kDatasetEvent =
    "INSERT INTO dataset_event (id, dataset, at, dag_id, run_id, task_id, map_index, extra, partition_key, aliases) "
    "VALUES (?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kQueue = "INSERT OR IGNORE INTO dataset_queue VALUES (?,?,?)";
constexpr const char* kUnqueue =
    "DELETE FROM dataset_queue WHERE dag_id = ?1 AND (?2 = 0 OR event = ?2) AND (?3 = '' OR partition_key = ?3)";
constexpr const char* kRunEvent = "INSERT OR IGNORE INTO run_event VALUES (?,?)";
constexpr const char* kDeadline = "INSERT OR REPLACE INTO deadline VALUES (?,?,?,?)";
constexpr const char* kForgetDeadline = "DELETE FROM deadline WHERE run = ? AND idx = ?";
constexpr const char* kTaskInstance =
    "INSERT OR REPLACE INTO task_instance VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kAttempt = "INSERT OR REPLACE INTO attempt VALUES (?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kApproval = "INSERT OR REPLACE INTO approval VALUES (?,?,?,?,?,?,?,?)";
constexpr const char* kXCom =
    "INSERT INTO xcom VALUES (?1,?2,?3,?4) ON CONFLICT (key, name) DO UPDATE SET json = ?3, at = ?4";
constexpr const char* kForgetXCom = "DELETE FROM xcom WHERE key = ? AND name = ?";
constexpr const char* kForgetXComs = "DELETE FROM xcom WHERE key = ?";
constexpr const char* kStageTask = "INSERT OR REPLACE INTO stage_task VALUES (?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kJob = "INSERT OR REPLACE INTO job VALUES (?,?,?,?,?)";
constexpr const char* kForgetStageTasks = "DELETE FROM stage_task WHERE key = ? AND try_number = ?";
constexpr const char* kSession = "INSERT OR REPLACE INTO session VALUES (?,?,?,?,?)";
constexpr const char* kBackfill =
    "INSERT OR REPLACE INTO backfill VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kCached = "INSERT OR REPLACE INTO cached_result VALUES (?,?,?,?,?,?,?,?)";
constexpr const char* kForgetCached = "DELETE FROM cached_result WHERE dag_id = ? AND task_id = ?";
// Its row first.
constexpr std::array<const char*, 8> kForgetInstance = {
    "DELETE FROM task_instance WHERE key = ?", "DELETE FROM attempt WHERE key = ?",
    "DELETE FROM xcom WHERE key = ?", "DELETE FROM job WHERE key = ?",
    "DELETE FROM stage_task WHERE key = ?", "DELETE FROM approval WHERE key = ?",
    "DELETE FROM note WHERE key = ?", "DELETE FROM task_state WHERE key = ?"};
constexpr std::array<const char*, 8> kDeleteRun = {
    "DELETE FROM task_instance WHERE key BETWEEN ? AND ?", "DELETE FROM attempt WHERE key BETWEEN ? AND ?",
    "DELETE FROM xcom WHERE key BETWEEN ? AND ?", "DELETE FROM job WHERE key BETWEEN ? AND ?",
    "DELETE FROM stage_task WHERE key BETWEEN ? AND ?", "DELETE FROM approval WHERE key BETWEEN ? AND ?",
    "DELETE FROM note WHERE key BETWEEN ? AND ?", "DELETE FROM task_state WHERE key BETWEEN ? AND ?"};
constexpr std::array<const char*, 4> kDeleteRunRow = {"DELETE FROM notification WHERE run = ?",
                                                      "DELETE FROM run_event WHERE run = ?",
                                                      "DELETE FROM deadline WHERE run = ?",
                                                      "DELETE FROM run WHERE run = ?"};
constexpr const char* kVersionOfRun = "SELECT version FROM run WHERE run = ?1 AND dag_id = ?2";
// Versions are never given twice: the newest stays, for the next one's number.
constexpr const char* kForgetVersion =
    "DELETE FROM dag_version WHERE dag_id = ?1 AND version = ?2 AND version < (SELECT version FROM dag WHERE dag_id = ?1) "
    "AND NOT EXISTS (SELECT 1 FROM run WHERE dag_id = ?1 AND version = ?2)";
constexpr std::array<const char*, 8> kDeleteDag = {
    "DELETE FROM dag_version WHERE dag_id = ?1 AND version < (SELECT version FROM dag WHERE dag_id = ?1)",
    "DELETE FROM dag_tag WHERE dag_id = ?1",
    "DELETE FROM cached_result WHERE dag_id = ?1",
    "DELETE FROM backfill WHERE dag_id = ?1",
    "DELETE FROM dataset_use WHERE dag_id = ?1",
    "DELETE FROM dataset_queue WHERE dag_id = ?1",
    "DELETE FROM favorite WHERE dag_id = ?1",
    "DELETE FROM dataset_watch WHERE dag_id = ?1"};
constexpr const char* kJournal = "INSERT INTO journal VALUES (?,?,?)";

}  // namespace

StatusOr<Statement*> BatchWriter::Prepared(const char* sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return &found->second;
  ASSIGN_OR_RETURN(Statement statement, database_.Prepare(sql));
  return &statements_.emplace(sql, std::move(statement)).first->second;
}

Status BatchWriter::Write(const Batch& batch) {
  RETURN_IF_ERROR(CheckPosition(batch));
  RETURN_IF_ERROR(Delete(batch));
  RETURN_IF_ERROR(WriteDags(batch));
  RETURN_IF_ERROR(WriteBackfills(batch));
  RETURN_IF_ERROR(WriteNotifications(batch));
  RETURN_IF_ERROR(WriteInstances(batch));
  RETURN_IF_ERROR(WriteDatasets(batch));
  RETURN_IF_ERROR(WriteJobs(batch));
  for (const CachedResult& row : batch.cached) RETURN_IF_ERROR(WriteCached(row));
  for (const Record& record : batch.records) RETURN_IF_ERROR(WriteRecord(record));
  return WriteJournal(batch);
}

Status BatchWriter::CheckPosition(const Batch& batch) {
  ASSIGN_OR_RETURN(Statement * position, Prepared(kPosition));
  RETURN_IF_ERROR(position->Step().status());
  const std::int64_t term = position->Int(0);
  const std::int64_t sequence = position->Int(1);
  position->Reset();
  if (term != std::int64_t{batch.term} || static_cast<std::uint64_t>(sequence) + 1 != batch.sequence) {
    return Aborted("another scheduler writes this store: it is at term " + std::to_string(term) + ", sequence " +
                   std::to_string(sequence) + ", this batch is " + std::to_string(batch.term) + ", " +
                   std::to_string(batch.sequence));
  }
  ASSIGN_OR_RETURN(Statement * advance, Prepared(kAdvance));
  advance->Bind(1, static_cast<std::int64_t>(batch.sequence));
  return advance->Run();
}

Status BatchWriter::WriteDags(const Batch& batch) {
  for (const DagRow& row : batch.dags) {
    ASSIGN_OR_RETURN(Statement * dag, Prepared(kDag));
    BindDag(*dag, row, batch.at);
    RETURN_IF_ERROR(dag->Run());
  }
  for (const DagVersionRow& row : batch.dag_versions) {
    ASSIGN_OR_RETURN(Statement * version, Prepared(kDagVersion));
    version->Bind(1, row.dag_id);
    version->Bind(2, std::int64_t{row.version});
    version->Bind(3, row.dag->hash);
    version->Bind(4, ToMicros(row.created_at));
    version->Bind(5, EncodeDag(*row.dag));
    RETURN_IF_ERROR(version->Run());
    ASSIGN_OR_RETURN(Statement * forget, Prepared(kForgetTags));
    forget->Bind(1, row.dag_id);
    RETURN_IF_ERROR(forget->Run());
    for (const std::string& name : row.dag->tags) {
      ASSIGN_OR_RETURN(Statement * tag, Prepared(kTag));
      tag->Bind(1, name);
      tag->Bind(2, row.dag_id);
      RETURN_IF_ERROR(tag->Run());
    }
    RETURN_IF_ERROR(WriteDatasetUses(row));
    RETURN_IF_ERROR(WriteWatches(row));
  }
  return OkStatus();
}

Status BatchWriter::WriteInstances(const Batch& batch) {
  std::int64_t newest_run = 0;
  const std::set<RunKey> deleted(batch.deleted_runs.begin(), batch.deleted_runs.end());
  for (const Run& run : batch.runs) {
    newest_run = std::max(newest_run, ToInt(run.key));
    if (deleted.contains(run.key)) continue;
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kRun));
    BindRun(*statement, run);
    RETURN_IF_ERROR(statement->Run());
  }
  if (newest_run > 0) {
    ASSIGN_OR_RETURN(Statement * raise, Prepared(kRaise));
    raise->Bind(1, newest_run + 1);
    raise->Bind(2, std::string_view("next_run"));
    RETURN_IF_ERROR(raise->Run());
  }
  for (const TaskInstance& instance : batch.task_instances) {
    if (deleted.contains(instance.key.run)) continue;
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kTaskInstance));
    BindTaskInstance(*statement, instance);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const Attempt& attempt : batch.attempts) {
    if (deleted.contains(attempt.instance.run)) continue;
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kAttempt));
    BindAttempt(*statement, attempt);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const ApprovalRow& row : batch.approvals) {
    if (deleted.contains(row.instance.run)) continue;
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kApproval));
    BindApproval(*statement, row);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const XComRow& row : batch.xcoms) RETURN_IF_ERROR(WriteXCom(row));
  return OkStatus();
}

Status BatchWriter::WriteXCom(const XComRow& row) {
  const bool all = row.deleted && row.key.empty();
  ASSIGN_OR_RETURN(Statement * statement, Prepared(all ? kForgetXComs : row.deleted ? kForgetXCom : kXCom));
  statement->Bind(1, PackKey(row.instance));
  if (!all) statement->Bind(2, row.key);
  if (!row.deleted) {
    statement->Bind(3, row.json);
    statement->Bind(4, ToMicros(row.at));
  }
  return statement->Run();
}

Status BatchWriter::WriteCached(const CachedResult& row) {
  ASSIGN_OR_RETURN(Statement * statement, Prepared(row.removed ? kForgetCached : kCached));
  if (row.removed) {
    statement->Bind(1, row.dag_id);
    statement->Bind(2, row.task_id);
  } else {
    BindCached(*statement, row);
  }
  return statement->Run();
}

Status BatchWriter::WriteDataset(const Dataset& dataset, WallTime at) {
  ASSIGN_OR_RETURN(Statement * statement, Prepared(kDataset));
  statement->Bind(1, dataset.name);
  statement->Bind(2, dataset.uri);
  statement->Bind(3, dataset.group);
  statement->Bind(4, dataset.extra.is_map() ? ToJson(dataset.extra) : std::string("{}"));
  statement->Bind(5, ToMicros(at));
  return statement->Run();
}

Status BatchWriter::WriteDatasetUses(const DagVersionRow& row) {
  const Dag& dag = *row.dag;
  for (const Dataset& dataset : dag.datasets) RETURN_IF_ERROR(WriteDataset(dataset, row.created_at));
  for (const DatasetAlias& alias : dag.aliases) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kAlias));
    statement->Bind(1, alias.name);
    statement->Bind(2, alias.group);
    RETURN_IF_ERROR(statement->Run());
  }
  ASSIGN_OR_RETURN(Statement * forget, Prepared(kForgetUses));
  forget->Bind(1, row.dag_id);
  RETURN_IF_ERROR(forget->Run());
  const auto use = [&](const std::string& task, DatasetRole role, const std::string& dataset,
                       std::int64_t of_alias = 0) -> Status {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kDatasetUse));
    statement->Bind(1, row.dag_id);
    statement->Bind(2, task);
    statement->Bind(3, static_cast<std::int64_t>(role) + of_alias);
    statement->Bind(4, dataset);
    statement->Bind(5, ToMicros(row.created_at));
    return statement->Run();
  };
  if (dag.schedule.datasets) {
    for (const std::string& name : NamesIn(*dag.schedule.datasets)) RETURN_IF_ERROR(use("", DatasetRole::kScheduled, name));
    for (const std::string& name : AliasesIn(*dag.schedule.datasets))
      RETURN_IF_ERROR(use("", DatasetRole::kScheduled, name, kRoleOfAlias));
  }
  for (const Task& task : dag.tasks) {
    for (const std::string& name : task.outlets) RETURN_IF_ERROR(use(task.id, DatasetRole::kProducing, name));
    for (const std::string& name : task.inlets) RETURN_IF_ERROR(use(task.id, DatasetRole::kConsuming, name));
    for (const std::string& name : task.outlet_aliases)
      RETURN_IF_ERROR(use(task.id, DatasetRole::kProducing, name, kRoleOfAlias));
    for (const std::string& name : task.inlet_aliases)
      RETURN_IF_ERROR(use(task.id, DatasetRole::kConsuming, name, kRoleOfAlias));
  }
  return OkStatus();
}

// Those that it has from now on; what has been seen stays.
Status BatchWriter::WriteWatches(const DagVersionRow& row) {
  Value::List watched;
  for (const Dataset& dataset : row.dag->datasets) {
    if (!dataset.watch) continue;
    watched.emplace_back(dataset.name);
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kWatch));
    statement->Bind(1, row.dag_id);
    statement->Bind(2, dataset.name);
    statement->Bind(3, dataset.watch->name);
    statement->Bind(4, dataset.watch->kind);
    statement->Bind(5, ToMicros(row.created_at));
    RETURN_IF_ERROR(statement->Run());
  }
  ASSIGN_OR_RETURN(Statement * forget, Prepared(kForgetWatches));
  forget->Bind(1, row.dag_id);
  forget->Bind(2, ToJson(Value(std::move(watched))));
  return forget->Run();
}

Status BatchWriter::WriteDatasets(const Batch& batch) {
  for (const Dataset& dataset : batch.datasets) RETURN_IF_ERROR(WriteDataset(dataset, batch.at));
  for (const AttachedDatasetRow& row : batch.attached) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kAttached));
    statement->Bind(1, row.alias);
    statement->Bind(2, row.dataset);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const DatasetWatchRow& row : batch.watches) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kSeen));
    statement->Bind(1, row.dag_id);
    statement->Bind(2, row.dataset);
    statement->Bind(3, row.seen);
    statement->Bind(4, row.seen_at);
    statement->Bind(5, row.failure);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const DatasetEvent& event : batch.dataset_events) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kDatasetEvent));
    BindDatasetEvent(*statement, event);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const DatasetQueueRow& row : batch.dataset_queue) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(row.removed ? kUnqueue : kQueue));
    statement->Bind(1, row.dag_id);
    statement->Bind(2, row.event);
    statement->Bind(3, row.partition_key);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const RunEventRow& row : batch.run_events) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kRunEvent));
    statement->Bind(1, ToInt(row.run));
    statement->Bind(2, row.event);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const DeadlineRow& row : batch.deadlines) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(row.removed ? kForgetDeadline : kDeadline));
    statement->Bind(1, ToInt(row.run));
    statement->Bind(2, std::int64_t{row.index});
    if (!row.removed) {
      statement->Bind(3, ToMicros(row.due_at));
      statement->Bind(4, row.missed_at);
    }
    RETURN_IF_ERROR(statement->Run());
  }
  return OkStatus();
}

Status BatchWriter::Forget(const Batch::Forgotten& forgotten) {
  for (const char* sql : kForgetInstance) {
    if (sql == kForgetInstance.front() && !forgotten.row) continue;
    ASSIGN_OR_RETURN(Statement * statement, Prepared(sql));
    statement->Bind(1, PackKey(forgotten.instance));
    RETURN_IF_ERROR(statement->Run());
  }
  return OkStatus();
}

// Before anything else is written: a run of the same id, or a task in the same place, may follow in the same
// batch.
Status BatchWriter::Delete(const Batch& batch) {
  std::set<std::int64_t> of_jobs;  // versions that were made for a run, and go with the last that has them
  for (const RunKey run : batch.deleted_runs) {
    ASSIGN_OR_RETURN(Statement * version, Prepared(kVersionOfRun));
    version->Bind(1, ToInt(run));
    version->Bind(2, kJobsDag);
    ASSIGN_OR_RETURN(const bool is_job, version->Step());
    if (is_job) of_jobs.insert(version->Int(0));
    version->Reset();
    for (const char* sql : kDeleteRun) {
      ASSIGN_OR_RETURN(Statement * statement, Prepared(sql));
      statement->Bind(1, PackKey({run, 0}));
      statement->Bind(2, PackKey({run, static_cast<std::int32_t>(kMaxIndex)}));
      RETURN_IF_ERROR(statement->Run());
    }
    for (const char* sql : kDeleteRunRow) {
      ASSIGN_OR_RETURN(Statement * statement, Prepared(sql));
      statement->Bind(1, ToInt(run));
      RETURN_IF_ERROR(statement->Run());
    }
  }
  for (const std::int64_t version : of_jobs) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kForgetVersion));
    statement->Bind(1, kJobsDag);
    statement->Bind(2, version);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const Batch::Forgotten& forgotten : batch.forgotten) RETURN_IF_ERROR(Forget(forgotten));
  for (const std::string& dag_id : batch.deleted_dags) {
    for (const char* sql : kDeleteDag) {
      ASSIGN_OR_RETURN(Statement * statement, Prepared(sql));
      statement->Bind(1, dag_id);
      RETURN_IF_ERROR(statement->Run());
    }
  }
  return OkStatus();
}

Status BatchWriter::WriteBackfills(const Batch& batch) {
  for (const Backfill& row : batch.backfills) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kBackfill));
    BindBackfill(*statement, row);
    RETURN_IF_ERROR(statement->Run());
    ASSIGN_OR_RETURN(Statement * raise, Prepared(kRaise));
    raise->Bind(1, row.id + 1);
    raise->Bind(2, std::string_view("next_backfill"));
    RETURN_IF_ERROR(raise->Run());
  }
  return OkStatus();
}

Status BatchWriter::WriteNotifications(const Batch& batch) {
  std::int64_t newest = 0;
  for (const Notification& row : batch.notifications) {
    newest = std::max(newest, row.id);
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kUpsertNotification));
    BindNotification(*statement, row);
    RETURN_IF_ERROR(statement->Run());
  }
  if (newest == 0) return OkStatus();
  ASSIGN_OR_RETURN(Statement * raise, Prepared(kRaise));
  raise->Bind(1, newest + 1);
  raise->Bind(2, std::string_view("next_notification"));
  return raise->Run();
}

Status BatchWriter::WriteJobs(const Batch& batch) {
  for (const StageTaskRow& row : batch.stage_tasks) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kStageTask));
    BindStageTask(*statement, row);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const JobRow& row : batch.jobs) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kJob));
    statement->Bind(1, PackKey(row.job.instance));
    statement->Bind(2, std::int64_t{row.job.try_number});
    statement->Bind(3, row.state);
    statement->Bind(4, row.report);
    statement->Bind(5, row.ended_at);
    RETURN_IF_ERROR(statement->Run());
    if (!row.ended_at) continue;
    // What a restart would need is no longer needed; the report keeps what people want to know.
    ASSIGN_OR_RETURN(Statement * forget, Prepared(kForgetStageTasks));
    forget->Bind(1, PackKey(row.job.instance));
    forget->Bind(2, std::int64_t{row.job.try_number});
    RETURN_IF_ERROR(forget->Run());
  }
  for (const SessionRow& row : batch.sessions) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kSession));
    statement->Bind(1, static_cast<std::int64_t>(ToInt(row.session)));
    statement->Bind(2, EncodeWorkerOffer(row.offer));
    statement->Bind(3, ToMicros(row.joined_at));
    statement->Bind(4, row.ended_at);
    statement->Bind(5, row.end_reason);
    RETURN_IF_ERROR(statement->Run());
    ASSIGN_OR_RETURN(Statement * raise, Prepared(kRaise));
    raise->Bind(1, static_cast<std::int64_t>(ToInt(row.session)) + 1);
    raise->Bind(2, std::string_view("next_session"));
    RETURN_IF_ERROR(raise->Run());
  }
  return OkStatus();
}

Status BatchWriter::WriteJournal(const Batch& batch) {
  ASSIGN_OR_RETURN(Statement * statement, Prepared(kJournal));
  statement->Bind(1, static_cast<std::int64_t>(batch.sequence));
  statement->Bind(2, ToMicros(batch.at));
  statement->BindBlob(3, EncodeTransitions(batch.transitions));
  return statement->Run();
}

}  // namespace millrace::store
