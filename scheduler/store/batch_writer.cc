#include "scheduler/store/batch_writer.h"

#include "core/model/codec.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

constexpr const char* kPosition = "SELECT (SELECT value FROM meta WHERE name = 'term'), (SELECT value FROM meta WHERE name = 'sequence')";
constexpr const char* kAdvance = "UPDATE meta SET value = ? WHERE name = 'sequence'";
constexpr const char* kRaise = "UPDATE meta SET value = max(value, ?1) WHERE name = ?2";
constexpr const char* kDag =
    "INSERT INTO dag VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT (dag_id) DO UPDATE SET version = ?2, paused = ?3, stale = ?4, "
    "cursor = ?5, cursor_logical_date = ?6, next_logical_date = ?7, next_run_after = ?8, parsed_at = ?9";
constexpr const char* kDagVersion = "INSERT OR REPLACE INTO dag_version (dag_id, version, hash, created_at, body) VALUES (?,?,?,?,?)";
constexpr const char* kForgetTags = "DELETE FROM dag_tag WHERE dag_id = ?";
constexpr const char* kTag = "INSERT OR IGNORE INTO dag_tag VALUES (?,?)";
// An upsert keeps the row's place; REPLACE would delete and insert again, indexes included.
constexpr const char* kRun =
    "INSERT INTO run VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16) ON CONFLICT (run) DO UPDATE SET state = ?5, "
    "version = ?6, started_at = ?12, ended_at = ?13, conf = ?14, note = ?16";
constexpr const char* kTaskInstance = "INSERT OR REPLACE INTO task_instance VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kAttempt = "INSERT OR REPLACE INTO attempt VALUES (?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kXCom =
    "INSERT INTO xcom VALUES (?1,?2,?3,?4) ON CONFLICT (key, name) DO UPDATE SET json = ?3, at = ?4";
constexpr const char* kForgetXCom = "DELETE FROM xcom WHERE key = ? AND name = ?";
constexpr const char* kForgetXComs = "DELETE FROM xcom WHERE key = ?";
constexpr const char* kStageTask = "INSERT OR REPLACE INTO stage_task VALUES (?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kJob = "INSERT OR REPLACE INTO job VALUES (?,?,?,?,?)";
constexpr const char* kForgetStageTasks = "DELETE FROM stage_task WHERE key = ? AND try_number = ?";
constexpr const char* kSession = "INSERT OR REPLACE INTO session VALUES (?,?,?,?,?)";
constexpr const char* kUser = "INSERT OR REPLACE INTO user VALUES (?,?,?)";
constexpr const char* kForgetUser = "DELETE FROM user WHERE name = ?";
constexpr const char* kToken = "INSERT OR REPLACE INTO token VALUES (?,?,?,?,?)";
constexpr const char* kAudit = "INSERT INTO audit (at, user, action, object, detail) VALUES (?,?,?,?,?)";
constexpr const char* kImportError = "INSERT OR REPLACE INTO import_error VALUES (?,?,?)";
constexpr const char* kForgetImportError = "DELETE FROM import_error WHERE file = ?";
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
  RETURN_IF_ERROR(WriteDags(batch));
  RETURN_IF_ERROR(WriteInstances(batch));
  RETURN_IF_ERROR(WriteJobs(batch));
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
    dag->Bind(1, row.dag_id);
    dag->Bind(2, std::int64_t{row.version});
    dag->Bind(3, std::int64_t{row.paused});
    dag->Bind(4, std::int64_t{row.stale});
    dag->Bind(5, row.cursor);
    dag->Bind(6, row.cursor_logical_date);
    dag->Bind(7, row.next_logical_date);
    dag->Bind(8, row.next_run_after);
    dag->Bind(9, ToMicros(batch.at));
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
  }
  return OkStatus();
}

Status BatchWriter::WriteInstances(const Batch& batch) {
  std::int64_t newest_run = 0;
  for (const Run& run : batch.runs) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kRun));
    BindRun(*statement, run);
    RETURN_IF_ERROR(statement->Run());
    newest_run = std::max(newest_run, ToInt(run.key));
  }
  if (newest_run > 0) {
    ASSIGN_OR_RETURN(Statement * raise, Prepared(kRaise));
    raise->Bind(1, newest_run + 1);
    raise->Bind(2, std::string_view("next_run"));
    RETURN_IF_ERROR(raise->Run());
  }
  for (const TaskInstance& instance : batch.task_instances) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kTaskInstance));
    BindTaskInstance(*statement, instance);
    RETURN_IF_ERROR(statement->Run());
  }
  for (const Attempt& attempt : batch.attempts) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kAttempt));
    BindAttempt(*statement, attempt);
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

Status BatchWriter::WriteRecord(const Record& record) {
  if (const auto* user = std::get_if<UserRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(user->deleted ? kForgetUser : kUser));
    statement->Bind(1, user->name);
    if (!user->deleted) {
      statement->Bind(2, user->password_hash);
      statement->Bind(3, user->role);
    }
    return statement->Run();
  }
  if (const auto* token = std::get_if<TokenRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kToken));
    statement->Bind(1, token->hash);
    statement->Bind(2, token->user);
    statement->Bind(3, token->role);
    statement->Bind(4, ToMicros(token->expires_at));
    statement->Bind(5, std::int64_t{token->revoked});
    return statement->Run();
  }
  if (const auto* xcom = std::get_if<XComRecord>(&record)) return WriteXCom(xcom->row);
  if (const auto* audit = std::get_if<AuditRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(kAudit));
    statement->Bind(1, ToMicros(audit->at));
    statement->Bind(2, audit->user);
    statement->Bind(3, audit->action);
    statement->Bind(4, audit->object);
    statement->Bind(5, audit->detail);
    return statement->Run();
  }
  const ImportError& error = std::get<ImportErrorRecord>(record).error;
  ASSIGN_OR_RETURN(Statement * statement, Prepared(error.problems.empty() ? kForgetImportError : kImportError));
  statement->Bind(1, error.file);
  if (!error.problems.empty()) {
    statement->Bind(2, ToMicros(error.at));
    statement->Bind(3, EncodeProblems(error.problems));
  }
  return statement->Run();
}

Status BatchWriter::WriteJournal(const Batch& batch) {
  ASSIGN_OR_RETURN(Statement * statement, Prepared(kJournal));
  statement->Bind(1, static_cast<std::int64_t>(batch.sequence));
  statement->Bind(2, ToMicros(batch.at));
  statement->BindBlob(3, EncodeTransitions(batch.transitions));
  return statement->Run();
}

}  // namespace millrace::store
