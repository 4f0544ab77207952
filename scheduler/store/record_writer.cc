// Of a batch, the records: rows that the engine carries but does not decide about.
#include <array>

#include "core/model/bundle_file.h"
#include "core/model/codec.h"
#include "scheduler/store/batch_writer.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

constexpr const char* kUser = "INSERT OR REPLACE INTO user VALUES (?,?,?,?)";
constexpr const char* kForgetUser = "DELETE FROM user WHERE name = ?";
constexpr const char* kTeam = "INSERT OR IGNORE INTO team VALUES (?)";
constexpr const char* kForgetTeam = "DELETE FROM team WHERE name = ?";
constexpr const char* kForgetTokens = "DELETE FROM token WHERE user = ?";
constexpr const char* kForgetFavorites = "DELETE FROM favorite WHERE user = ?";
constexpr const char* kFavorite = "INSERT OR IGNORE INTO favorite VALUES (?,?)";
constexpr const char* kForgetFavorite = "DELETE FROM favorite WHERE user = ? AND dag_id = ?";
constexpr const char* kToken = "INSERT OR REPLACE INTO token VALUES (?,?,?,?,?)";
constexpr const char* kAudit = "INSERT INTO audit (at, user, action, object, detail) VALUES (?,?,?,?,?)";
constexpr const char* kImportError = "INSERT OR REPLACE INTO import_error VALUES (?,?,?)";
constexpr const char* kForgetImportError = "DELETE FROM import_error WHERE file = ?";
constexpr const char* kPool = "INSERT OR REPLACE INTO pool VALUES (?,?,?,?,?)";
constexpr const char* kForgetPool = "DELETE FROM pool WHERE name = ?";
constexpr const char* kVariable = "INSERT OR REPLACE INTO variable VALUES (?,?,?,?)";
constexpr const char* kForgetVariable = "DELETE FROM variable WHERE name = ?";
constexpr const char* kConnection = "INSERT OR REPLACE INTO connection VALUES (?,?,?,?,?,?,?,?,?)";
constexpr const char* kForgetConnection = "DELETE FROM connection WHERE name = ?";
constexpr const char* kNote = "INSERT OR REPLACE INTO note VALUES (?,?,?,?)";
constexpr const char* kForgetNote = "DELETE FROM note WHERE key = ?";
// Of an instance that is there: its run may have been deleted while somebody wrote.
constexpr const char* kTaskState =
    "INSERT INTO task_state SELECT ?1,?2,?3,?4,?5 WHERE EXISTS (SELECT 1 FROM task_instance WHERE key = ?1) "
    "ON CONFLICT (key, name) DO UPDATE SET json = ?3, at = ?4, expires_at = ?5";
constexpr const char* kForgetTaskState = "DELETE FROM task_state WHERE key = ? AND name = ?";
constexpr const char* kForgetTaskStates = "DELETE FROM task_state WHERE key = ?";
constexpr const char* kDatasetState = "INSERT OR REPLACE INTO dataset_state VALUES (?,?,?,?,?,?,?,?)";
constexpr const char* kForgetDatasetState = "DELETE FROM dataset_state WHERE dataset = ? AND name = ?";
constexpr const char* kForgetDatasetStates = "DELETE FROM dataset_state WHERE dataset = ?";
constexpr const char* kPruneStates =
    "DELETE FROM task_state WHERE (key, name) IN (SELECT key, name FROM task_state WHERE expires_at <= ? LIMIT ?)";
constexpr std::array<const char*, 4> kPrune = {
    "DELETE FROM journal WHERE sequence IN (SELECT sequence FROM journal WHERE at < ?1 ORDER BY sequence "
    "LIMIT ?2)",
    "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 ORDER BY id LIMIT ?2)",
    "DELETE FROM cached_result WHERE rowid IN (SELECT rowid FROM cached_result WHERE expires_at < ?1 OR made_at < ?1 LIMIT ?2)",
    "DELETE FROM dag_version WHERE rowid IN (SELECT v.rowid FROM dag_version v JOIN dag d ON d.dag_id = v.dag_id "
    "WHERE v.created_at < ?1 AND v.version < d.version "
    "AND NOT EXISTS (SELECT 1 FROM run r WHERE r.dag_id = v.dag_id AND r.version = v.version) LIMIT ?2)"};

}  // namespace

Status BatchWriter::WriteRecord(const Record& record) {
  if (const auto* user = std::get_if<UserRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(user->deleted ? kForgetUser : kUser));
    if (!user->deleted) {
      BindUser(*statement, *user);
      return statement->Run();
    }
    statement->Bind(1, user->name);
    RETURN_IF_ERROR(statement->Run());
    // Whoever has the name next is somebody else.
    ASSIGN_OR_RETURN(Statement * tokens, Prepared(kForgetTokens));
    tokens->Bind(1, user->name);
    RETURN_IF_ERROR(tokens->Run());
    ASSIGN_OR_RETURN(Statement * favorites, Prepared(kForgetFavorites));
    favorites->Bind(1, user->name);
    return favorites->Run();
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
  if (const auto* pool = std::get_if<PoolRow>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(pool->deleted ? kForgetPool : kPool));
    statement->Bind(1, pool->name);
    if (!pool->deleted) {
      statement->Bind(2, std::int64_t{pool->slots});
      statement->Bind(3, pool->description);
      statement->Bind(4, std::int64_t{pool->include_deferred});
      statement->Bind(5, pool->team);
    }
    return statement->Run();
  }
  if (const auto* note = std::get_if<NoteRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(note->text.empty() ? kForgetNote : kNote));
    statement->Bind(1, PackKey(note->instance));
    if (!note->text.empty()) {
      statement->Bind(2, note->text);
      statement->Bind(3, note->user);
      statement->Bind(4, ToMicros(note->at));
    }
    return statement->Run();
  }
  if (const auto* favorite = std::get_if<FavoriteRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(favorite->deleted ? kForgetFavorite : kFavorite));
    statement->Bind(1, favorite->user);
    statement->Bind(2, favorite->dag_id);
    return statement->Run();
  }
  if (const auto* variable = std::get_if<VariableRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(variable->deleted ? kForgetVariable : kVariable));
    statement->Bind(1, variable->key);
    if (!variable->deleted) BindVariable(*statement, *variable);
    return statement->Run();
  }
  if (const auto* connection = std::get_if<ConnectionRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(connection->deleted ? kForgetConnection : kConnection));
    statement->Bind(1, connection->id);
    if (!connection->deleted) BindConnection(*statement, *connection);
    return statement->Run();
  }
  if (const auto* team = std::get_if<TeamRecord>(&record)) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(team->deleted ? kForgetTeam : kTeam));
    statement->Bind(1, team->name);
    return statement->Run();
  }
  if (const auto* state = std::get_if<TaskStateRecord>(&record)) return WriteTaskState(state->row);
  if (const auto* state = std::get_if<DatasetStateRecord>(&record)) return WriteDatasetState(state->row);
  if (const auto* prune = std::get_if<PruneRecord>(&record)) return Prune(*prune);
  const ImportError& error = std::get<ImportErrorRecord>(record).error;
  ASSIGN_OR_RETURN(Statement * statement, Prepared(error.problems.empty() ? kForgetImportError : kImportError));
  statement->Bind(1, BundleFile(error.bundle, error.file));
  if (!error.problems.empty()) {
    statement->Bind(2, ToMicros(error.at));
    statement->Bind(3, EncodeProblems(error.problems));
  }
  return statement->Run();
}

Status BatchWriter::WriteTaskState(const TaskStateRow& row) {
  const bool all = row.deleted && row.key.empty();
  ASSIGN_OR_RETURN(Statement * statement, Prepared(all           ? kForgetTaskStates
                                                   : row.deleted ? kForgetTaskState
                                                                 : kTaskState));
  statement->Bind(1, PackKey(row.instance));
  if (!all) statement->Bind(2, row.key);
  if (!row.deleted) {
    statement->Bind(3, row.json);
    statement->Bind(4, ToMicros(row.at));
    statement->Bind(5, row.expires_at);
  }
  return statement->Run();
}

Status BatchWriter::WriteDatasetState(const DatasetStateRow& row) {
  const bool all = row.deleted && row.key.empty();
  ASSIGN_OR_RETURN(Statement * statement, Prepared(all           ? kForgetDatasetStates
                                                   : row.deleted ? kForgetDatasetState
                                                                 : kDatasetState));
  statement->Bind(1, row.dataset);
  if (!all) statement->Bind(2, row.key);
  if (!row.deleted) {
    statement->Bind(3, row.json);
    statement->Bind(4, ToMicros(row.at));
    statement->Bind(5, row.dag_id);
    statement->Bind(6, row.run_id);
    statement->Bind(7, row.task_id);
    statement->Bind(8, std::int64_t{row.map_index});
  }
  return statement->Run();
}

Status BatchWriter::Prune(const PruneRecord& prune) {
  for (const char* sql : kPrune) {
    ASSIGN_OR_RETURN(Statement * statement, Prepared(sql));
    statement->Bind(1, ToMicros(prune.before));
    statement->Bind(2, prune.limit);
    RETURN_IF_ERROR(statement->Run());
  }
  ASSIGN_OR_RETURN(Statement * states, Prepared(kPruneStates));
  states->Bind(1, ToMicros(prune.now));
  states->Bind(2, prune.limit);
  return states->Run();
}

}  // namespace millrace::store
