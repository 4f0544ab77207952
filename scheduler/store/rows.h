// Rows of the store as model structs and back; shared by the writer and the readers so that columns are listed once.
#pragma once

#include <string>

#include "core/model/batch.h"
#include "scheduler/store/sqlite.h"

namespace millrace::store {

std::int64_t PackKey(const TaskInstanceKey& key);
TaskInstanceKey UnpackKey(std::int64_t key);

// Column lists in the order of the Read functions below.
inline constexpr const char* kDagColumns =
    "dag_id, version, paused, stale, cursor, cursor_logical_date, next_logical_date, next_run_after, "
    "parsed_at, "
    "next_interval_start, next_interval_end, runtimes, failures, deleted, paused_tasks, team";
inline constexpr const char* kRunColumns =
    "run, dag_id, run_id, type, state, version, logical_date, interval_start, interval_end, run_after, "
    "queued_at, "
    "started_at, ended_at, conf, triggered_by, note, missed_deadlines, backfill, triggering_task, "
    "former_tasks, retries, max_retries, retry_at, partition_key, partition_date";
inline constexpr const char* kPoolColumns = "name, slots, description, include_deferred, team";
inline constexpr const char* kUserColumns = "name, password_hash, role, teams";
inline constexpr const char* kBackfillColumns =
    "id, dag_id, from_date, to_date, reprocess, run_backwards, latest_version, max_active_runs, conf, user, "
    "paused, "
    "cancelled, created_at, updated_at, completed_at, cursor, dates, made, skipped, after";
inline constexpr const char* kTaskInstanceColumns =
    "key, state, try_number, max_tries, lost, term, counter, session, scheduled_at, queued_at, started_at, ended_at, due_at, "
    "worker, reason, map_index, mapped_task, map_value, skips, waits_for, wait, waits_since, cache_key, "
    "rendered_map_index, rescheduled, weight, loop";
inline constexpr const char* kXComColumns = "key, name, json, at";
inline constexpr const char* kTaskStateColumns = "key, name, json, at, expires_at";
inline constexpr const char* kDatasetStateColumns = "dataset, name, json, at, dag_id, run_id, task_id, map_index";
inline constexpr const char* kAttemptColumns =
    "key, try_number, term, counter, state, queued_at, started_at, ended_at, worker, exit_code, reason";
inline constexpr const char* kApprovalColumns =
    "key, try_number, request, created_at, due_at, responded_at, responded_by, response";
inline constexpr const char* kVariableColumns = "name, sealed, description, team";
inline constexpr const char* kConnectionColumns = "name, type, description, host, login, schema, port, sealed, team";
inline constexpr const char* kCachedColumns = "hash, dag_id, task_id, run_id, map_index, made_at, expires_at, xcoms";
inline constexpr const char* kStageTaskColumns =
    "key, try_number, stage, idx, term, counter, session, started_at, ended_at, worker, result, revoked";

inline constexpr const char* kDatasetEventColumns =
    "id, dataset, at, dag_id, run_id, task_id, map_index, extra, partition_key, aliases";
// Where dataset_use tells of an alias instead of a dataset, its role is so much more.
inline constexpr std::int64_t kRoleOfAlias = 3;

DagRow ReadDag(const Statement& row);
UserRecord ReadUser(const Statement& row);
DatasetEvent ReadDatasetEvent(const Statement& row);

Run ReadRun(const Statement& row);
Backfill ReadBackfill(const Statement& row);
PoolRow ReadPoolRow(const Statement& row);
TaskInstance ReadTaskInstance(const Statement& row);
XComRow ReadXCom(const Statement& row);
TaskStateRow ReadTaskState(const Statement& row);
DatasetStateRow ReadDatasetState(const Statement& row);
VariableRecord ReadVariable(const Statement& row);
ConnectionRecord ReadConnection(const Statement& row);
StatusOr<CachedResult> ReadCached(const Statement& row);
Attempt ReadAttempt(const Statement& row);
ApprovalRow ReadApproval(const Statement& row);
StatusOr<StageTaskRow> ReadStageTask(const Statement& row);

void BindDag(Statement& statement, const DagRow& row, WallTime parsed_at);
void BindUser(Statement& statement, const UserRecord& row);
void BindDatasetEvent(Statement& statement, const DatasetEvent& event);
void BindRun(Statement& statement, const Run& run);
void BindBackfill(Statement& statement, const Backfill& backfill);
void BindTaskInstance(Statement& statement, const TaskInstance& instance);
void BindAttempt(Statement& statement, const Attempt& attempt);
void BindApproval(Statement& statement, const ApprovalRow& row);
void BindVariable(Statement& statement, const VariableRecord& row);
void BindConnection(Statement& statement, const ConnectionRecord& row);
void BindCached(Statement& statement, const CachedResult& row);
void BindStageTask(Statement& statement, const StageTaskRow& row);

}  // namespace millrace::store
