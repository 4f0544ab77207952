#include "scheduler/store/schema.h"

#include <array>
#include <cstdio>
#include <string>

namespace millrace::store {
namespace {

// Times are UTC microseconds. Only what is looked up has an index, and indexes on states are partial: a run's end takes it
// out of the index.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('term', 0), ('sequence', 0), ('next_run', 1), ('next_session', 1);

CREATE TABLE dag(
  dag_id TEXT PRIMARY KEY, version INTEGER NOT NULL, paused INTEGER NOT NULL, stale INTEGER NOT NULL,
  cursor INTEGER, cursor_logical_date INTEGER, next_logical_date INTEGER, next_run_after INTEGER, parsed_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE dag_version(
  dag_id TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, created_at INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (dag_id, version));
CREATE TABLE dag_tag(tag TEXT NOT NULL, dag_id TEXT NOT NULL, PRIMARY KEY (tag, dag_id)) WITHOUT ROWID;
CREATE TABLE import_error(file TEXT PRIMARY KEY, at INTEGER NOT NULL, problems TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE run(
  run INTEGER PRIMARY KEY, dag_id TEXT NOT NULL, run_id TEXT NOT NULL, type INTEGER NOT NULL, state INTEGER NOT NULL,
  version INTEGER NOT NULL, logical_date INTEGER, interval_start INTEGER, interval_end INTEGER,
  run_after INTEGER NOT NULL, queued_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER,
  conf TEXT NOT NULL, triggered_by TEXT NOT NULL, note TEXT NOT NULL);
CREATE UNIQUE INDEX run_by_id ON run(dag_id, run_id);
CREATE UNIQUE INDEX run_by_date ON run(dag_id, logical_date) WHERE type = 0;
CREATE INDEX run_by_dag ON run(dag_id);
CREATE INDEX run_by_after ON run(dag_id, run_after);
CREATE INDEX run_after ON run(run_after);
CREATE INDEX run_active ON run(state, run) WHERE state < 2;
CREATE INDEX run_failed ON run(run) WHERE state = 3;

CREATE TABLE task_instance(
  key INTEGER PRIMARY KEY, state INTEGER NOT NULL, try_number INTEGER NOT NULL, max_tries INTEGER NOT NULL,
  lost INTEGER NOT NULL, term INTEGER NOT NULL, counter INTEGER NOT NULL, session INTEGER NOT NULL,
  scheduled_at INTEGER, queued_at INTEGER, started_at INTEGER, ended_at INTEGER, due_at INTEGER,
  worker TEXT, reason TEXT);
CREATE TABLE attempt(
  key INTEGER NOT NULL, try_number INTEGER NOT NULL, term INTEGER NOT NULL, counter INTEGER NOT NULL,
  state INTEGER NOT NULL, queued_at INTEGER, started_at INTEGER, ended_at INTEGER, worker TEXT, exit_code INTEGER,
  reason TEXT, PRIMARY KEY (key, term, counter)) WITHOUT ROWID;
CREATE TABLE result(key INTEGER PRIMARY KEY, json TEXT NOT NULL);

CREATE TABLE job(
  key INTEGER NOT NULL, try_number INTEGER NOT NULL, state TEXT NOT NULL, report TEXT NOT NULL, ended_at INTEGER,
  PRIMARY KEY (key, try_number)) WITHOUT ROWID;
CREATE TABLE stage_task(
  key INTEGER NOT NULL, try_number INTEGER NOT NULL, stage INTEGER NOT NULL, idx INTEGER NOT NULL,
  term INTEGER NOT NULL, counter INTEGER NOT NULL, session INTEGER NOT NULL, started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL, worker TEXT NOT NULL, result TEXT NOT NULL, revoked INTEGER NOT NULL,
  PRIMARY KEY (key, try_number, stage, idx, term, counter)) WITHOUT ROWID;

CREATE TABLE session(
  session INTEGER PRIMARY KEY, offer TEXT NOT NULL, joined_at INTEGER NOT NULL, ended_at INTEGER, end_reason TEXT NOT NULL);
CREATE INDEX session_live ON session(session) WHERE ended_at IS NULL;

CREATE TABLE user(
  name TEXT PRIMARY KEY, password_hash TEXT NOT NULL, role TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE token(
  hash TEXT PRIMARY KEY, user TEXT NOT NULL, role TEXT NOT NULL, expires_at INTEGER NOT NULL, revoked INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE audit(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, user TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL);

CREATE TABLE journal(sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, transitions BLOB NOT NULL);
)sql";

// Values by name instead of one result; mapped task instances, and what a branch did not choose.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE xcom(
  key INTEGER NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (key, name));
INSERT INTO xcom SELECT r.key, 'return_value', r.json, coalesce(t.ended_at, 0)
  FROM result r LEFT JOIN task_instance t ON t.key = r.key;
DROP TABLE result;
CREATE INDEX run_by_logical_date ON run(dag_id, logical_date);
ALTER TABLE task_instance ADD COLUMN map_index INTEGER;
ALTER TABLE task_instance ADD COLUMN mapped_task INTEGER;
ALTER TABLE task_instance ADD COLUMN map_value TEXT;
ALTER TABLE task_instance ADD COLUMN skips TEXT;
)sql";

// Schedules: what the next run covers, datasets and their events, deadlines.
constexpr const char* kVersion3 = R"sql(
ALTER TABLE dag ADD COLUMN next_interval_start INTEGER;
ALTER TABLE dag ADD COLUMN next_interval_end INTEGER;
ALTER TABLE dag ADD COLUMN runtimes TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN missed_deadlines INTEGER NOT NULL DEFAULT 0;

CREATE TABLE dataset(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, uri TEXT NOT NULL, grp TEXT NOT NULL, extra TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE dataset_use(
  dag_id TEXT NOT NULL, task_id TEXT NOT NULL, role INTEGER NOT NULL, dataset TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (dag_id, role, task_id, dataset)) WITHOUT ROWID;
CREATE INDEX dataset_use_by_dataset ON dataset_use(dataset);
CREATE TABLE dataset_event(
  id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, at INTEGER NOT NULL, dag_id TEXT NOT NULL, run_id TEXT NOT NULL,
  task_id TEXT NOT NULL, map_index INTEGER NOT NULL, extra TEXT NOT NULL);
CREATE INDEX dataset_event_by_dataset ON dataset_event(dataset, id);
CREATE TABLE dataset_queue(dag_id TEXT NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (dag_id, event)) WITHOUT ROWID;
CREATE TABLE run_event(run INTEGER NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (run, event)) WITHOUT ROWID;
CREATE INDEX run_event_by_event ON run_event(event);
CREATE TABLE deadline(
  run INTEGER NOT NULL, idx INTEGER NOT NULL, due_at INTEGER NOT NULL, missed_at INTEGER, PRIMARY KEY (run, idx)) WITHOUT ROWID;
)sql";

// Backfills, pools; deleted DAGs.
constexpr const char* kVersion4 = R"sql(
INSERT INTO meta VALUES ('next_backfill', 1);
ALTER TABLE dag ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dag ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN backfill INTEGER;
CREATE INDEX run_by_backfill ON run(backfill, state) WHERE backfill IS NOT NULL;
CREATE TABLE backfill(
  id INTEGER PRIMARY KEY, dag_id TEXT NOT NULL, from_date INTEGER NOT NULL, to_date INTEGER NOT NULL,
  reprocess INTEGER NOT NULL, run_backwards INTEGER NOT NULL, latest_version INTEGER NOT NULL,
  max_active_runs INTEGER NOT NULL, conf TEXT NOT NULL, user TEXT NOT NULL, paused INTEGER NOT NULL,
  cancelled INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, completed_at INTEGER,
  cursor INTEGER, dates INTEGER NOT NULL, made INTEGER NOT NULL, skipped INTEGER NOT NULL, after INTEGER NOT NULL);
CREATE INDEX backfill_by_dag ON backfill(dag_id);
CREATE INDEX backfill_live ON backfill(id) WHERE completed_at IS NULL;
CREATE TABLE pool(
  name TEXT PRIMARY KEY, slots INTEGER NOT NULL, description TEXT NOT NULL, include_deferred INTEGER NOT NULL) WITHOUT ROWID;
)sql";

// Runs that tasks trigger and wait for; approvals; notes.
constexpr const char* kVersion5 = R"sql(
ALTER TABLE run ADD COLUMN triggering_task TEXT;
ALTER TABLE task_instance ADD COLUMN waits_for INTEGER;
CREATE TABLE approval(
  key INTEGER NOT NULL, try_number INTEGER NOT NULL, request TEXT NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER,
  responded_at INTEGER, responded_by TEXT, response TEXT, PRIMARY KEY (key, try_number)) WITHOUT ROWID;
CREATE INDEX approval_open ON approval(key) WHERE responded_at IS NULL;
CREATE TABLE note(key INTEGER PRIMARY KEY, text TEXT NOT NULL, user TEXT NOT NULL, at INTEGER NOT NULL);
)sql";

// Variables and connections, whose secrets are sealed; results that may stand for running a task again.
constexpr const char* kVersion6 = R"sql(
CREATE TABLE variable(name TEXT PRIMARY KEY, sealed TEXT NOT NULL, description TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE connection(
  name TEXT PRIMARY KEY, type TEXT NOT NULL, description TEXT NOT NULL, host TEXT NOT NULL, login TEXT NOT NULL,
  schema TEXT NOT NULL, port INTEGER, sealed TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cached_result(
  hash TEXT PRIMARY KEY, dag_id TEXT NOT NULL, task_id TEXT NOT NULL, run_id TEXT NOT NULL, map_index INTEGER NOT NULL,
  made_at INTEGER NOT NULL, expires_at INTEGER, xcoms TEXT NOT NULL);
CREATE INDEX cached_result_by_task ON cached_result(dag_id, task_id);
)sql";

// What a sensor waits for, and since when.
constexpr const char* kVersion7 = R"sql(
ALTER TABLE task_instance ADD COLUMN wait TEXT;
ALTER TABLE task_instance ADD COLUMN waits_since INTEGER;
)sql";

// The outbox of callbacks.
constexpr const char* kVersion8 = R"sql(
INSERT INTO meta VALUES ('next_notification', 1);
CREATE TABLE notification(
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL, idx INTEGER NOT NULL, cause INTEGER NOT NULL, dag_id TEXT NOT NULL,
  run_id TEXT NOT NULL, task_id TEXT NOT NULL, map_index INTEGER NOT NULL, try_number INTEGER NOT NULL,
  kind TEXT NOT NULL, target TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL, due_at INTEGER, ended_at INTEGER, reason TEXT NOT NULL, count INTEGER NOT NULL,
  term INTEGER NOT NULL, counter INTEGER NOT NULL, session INTEGER NOT NULL, worker TEXT NOT NULL, delivery TEXT NOT NULL);
CREATE INDEX notification_by_run ON notification(run);
CREATE INDEX notification_by_dag ON notification(dag_id);
CREATE INDEX notification_open ON notification(id) WHERE state < 2;
CREATE INDEX notification_failed ON notification(id) WHERE state = 3;
)sql";

// What a running task's success is kept under; what an instance of a mapped task is called.
constexpr const char* kVersion9 = R"sql(
ALTER TABLE task_instance ADD COLUMN cache_key TEXT;
ALTER TABLE task_instance ADD COLUMN rendered_map_index TEXT;
)sql";

// What ended when, for pages that show all DAGs.
constexpr const char* kVersion10 = R"sql(
CREATE INDEX run_by_end ON run(ended_at) WHERE ended_at IS NOT NULL;
)sql";

// Which runs a version of a DAG has: one that has none may go.
constexpr const char* kVersion11 = R"sql(
CREATE INDEX run_by_version ON run(dag_id, version);
)sql";

// Runs that were given another version without running again; attempts that a retry rule rescheduled.
constexpr const char* kVersion12 = R"sql(
ALTER TABLE run ADD COLUMN former_tasks TEXT;
ALTER TABLE task_instance ADD COLUMN rescheduled INTEGER;
)sql";

// Who has marked which DAGs as theirs.
constexpr const char* kVersion13 = R"sql(
CREATE TABLE favorite(user TEXT NOT NULL, dag_id TEXT NOT NULL, PRIMARY KEY (user, dag_id)) WITHOUT ROWID;
CREATE INDEX favorite_by_dag ON favorite(dag_id);
)sql";

// Runs that are tried again by themselves; paused tasks; an instance's own priority, and where its loop stands.
constexpr const char* kVersion14 = R"sql(
ALTER TABLE dag ADD COLUMN paused_tasks TEXT;
ALTER TABLE run ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN max_retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN retry_at INTEGER;
ALTER TABLE task_instance ADD COLUMN weight INTEGER;
ALTER TABLE task_instance ADD COLUMN loop TEXT;
)sql";

// Partition keys: of runs, of datasets' events, and of the runs that events wait for.
constexpr const char* kVersion15 = R"sql(
ALTER TABLE run ADD COLUMN partition_key TEXT;
ALTER TABLE run ADD COLUMN partition_date INTEGER;
ALTER TABLE dataset_event ADD COLUMN partition_key TEXT;
ALTER TABLE dataset_queue ADD COLUMN partition_key TEXT;
)sql";

// Aliases of datasets, what tasks have attached to them, and the events that did; what watches have seen.
constexpr const char* kVersion16 = R"sql(
ALTER TABLE dataset_event ADD COLUMN aliases TEXT;
CREATE TABLE dataset_alias(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, grp TEXT NOT NULL);
CREATE TABLE attached_dataset(alias TEXT NOT NULL, dataset TEXT NOT NULL, PRIMARY KEY (alias, dataset)) WITHOUT ROWID;
CREATE INDEX attached_dataset_by_dataset ON attached_dataset(dataset);
CREATE TABLE dataset_watch(
  id INTEGER PRIMARY KEY, dag_id TEXT NOT NULL, dataset TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  created_at INTEGER NOT NULL, seen TEXT NOT NULL DEFAULT '', seen_at INTEGER, failure TEXT NOT NULL DEFAULT '',
  UNIQUE (dag_id, dataset));
CREATE INDEX dataset_watch_by_dataset ON dataset_watch(dataset);
)sql";

// An event may wait for the runs of several partition keys.
constexpr const char* kVersion17 = R"sql(
CREATE TABLE queued_event(
  dag_id TEXT NOT NULL, event INTEGER NOT NULL, partition_key TEXT NOT NULL DEFAULT '', PRIMARY KEY (dag_id, event, partition_key)) WITHOUT ROWID;
INSERT INTO queued_event SELECT dag_id, event, coalesce(partition_key, '') FROM dataset_queue;
DROP TABLE dataset_queue;
ALTER TABLE queued_event RENAME TO dataset_queue;
)sql";

// State stores: of task instances, of datasets.
constexpr const char* kVersion18 = R"sql(
CREATE TABLE task_state(
  key INTEGER NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL, at INTEGER NOT NULL, expires_at INTEGER,
  PRIMARY KEY (key, name)) WITHOUT ROWID;
CREATE INDEX task_state_by_expiry ON task_state(expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE dataset_state(
  dataset TEXT NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL, at INTEGER NOT NULL, dag_id TEXT NOT NULL,
  run_id TEXT NOT NULL, task_id TEXT NOT NULL, map_index INTEGER NOT NULL, PRIMARY KEY (dataset, name)) WITHOUT ROWID;
)sql";

// Teams, who is in them and what belongs to them.
constexpr const char* kVersion19 = R"sql(
CREATE TABLE team(name TEXT PRIMARY KEY) WITHOUT ROWID;
ALTER TABLE user ADD COLUMN teams TEXT NOT NULL DEFAULT '[]';
ALTER TABLE dag ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE variable ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN team TEXT NOT NULL DEFAULT '';
)sql";

constexpr std::array<const char*, kSchemaVersion> kMigrations = {
    kVersion1, kVersion2,  kVersion3,  kVersion4,  kVersion5,  kVersion6,  kVersion7, kVersion8,
    kVersion9, kVersion10, kVersion11, kVersion12, kVersion13, kVersion14, kVersion15, kVersion16,
    kVersion17, kVersion18, kVersion19};

StatusOr<int> Version(Database& database) {
  ASSIGN_OR_RETURN(Statement statement, database.Prepare("PRAGMA user_version"));
  RETURN_IF_ERROR(statement.Step().status());
  return static_cast<int>(statement.Int(0));
}

Status Steps(Database& database, int version, int until = kSchemaVersion) {
  for (int next = version; next < until; ++next) {
    const std::string sql = std::string("BEGIN IMMEDIATE;") + kMigrations[static_cast<std::size_t>(next)] +
                            "PRAGMA user_version = " + std::to_string(next + 1) + "; COMMIT;";
    if (Status status = database.Execute(sql); !status.ok()) {
      (void)database.Execute("ROLLBACK");
      return status.WithContext("migrating the store to schema " + std::to_string(next + 1));
    }
  }
  return OkStatus();
}

}  // namespace

Status MakeOlder(Database& database, int version) { return Steps(database, 0, version); }

Status Migrate(Database& database, const std::string& path) {
  ASSIGN_OR_RETURN(const int version, Version(database));
  if (version > kSchemaVersion) {
    return FailedPrecondition("the store was written by a newer millrace-scheduler (its schema is " + std::to_string(version) +
                              ", this program knows up to " + std::to_string(kSchemaVersion) + "): upgrade, or use another --state folder");
  }
  if (version == 0 || version == kSchemaVersion) return Steps(database, version);
  const std::string copy = path + ".migrating";
  std::remove(copy.c_str());
  ASSIGN_OR_RETURN(Statement into, database.Prepare("VACUUM INTO ?"));
  into.Bind(1, copy);
  RETURN_IF_ERROR(into.Run());
  {
    ASSIGN_OR_RETURN(std::unique_ptr<Database> trial, Database::Open(copy, Database::Mode::kReadWrite));
    RETURN_IF_ERROR(Steps(*trial, version));
  }
  std::remove(copy.c_str());
  return Steps(database, version);
}

}  // namespace millrace::store
