// reader.h and RunLoader on SQLite: read-only connections, one snapshot a call, interrupted after a second. Any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "scheduler/store/activity.h"
#include "scheduler/store/dependencies.h"
#include "scheduler/store/reader.h"
#include "scheduler/store/run_counts.h"
#include "scheduler/store/store.h"

namespace millrace::store {

class SqliteReaders {
 public:
  // After OpenSqliteStore, which makes the database. `clock` outlives the readers.
  static StatusOr<std::unique_ptr<SqliteReaders>> Open(const std::string& folder, const Clock& clock);
  ~SqliteReaders();

  DagReader& dags();
  RunReader& runs();
  TaskInstanceReader& task_instances();
  XComReader& xcoms();
  StateStoreReader& states();
  DatasetReader& datasets();
  JobReader& jobs();
  BackfillReader& backfills();
  ApprovalReader& approvals();
  VariableReader& variables();
  ConnectionReader& connections();
  NotificationReader& notifications();
  AccountReader& accounts();
  AuditReader& audit();
  JournalReader& journal();
  RunCountReader& run_counts();
  ActivityReader& activity();
  DependencyReader& dependencies();
  RunLoader& loader();

  // Of each DAG that is neither deleted nor stale, the hash of its newest version: what an engine that loads
  // has.
  StatusOr<std::map<std::string, std::string>> CurrentHashes();

 private:
  struct Parts;
  explicit SqliteReaders(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::store
