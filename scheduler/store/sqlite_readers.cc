#include "scheduler/store/sqlite_readers.h"

#include <sqlite3.h>

#include "scheduler/store/account_reader.h"
#include "scheduler/store/approval_reader.h"
#include "scheduler/store/audit_reader.h"
#include "scheduler/store/backfill_reader.h"
#include "scheduler/store/credential_readers.h"
#include "scheduler/store/dag_reader.h"
#include "scheduler/store/dataset_reader.h"
#include "scheduler/store/journal_reader.h"
#include "scheduler/store/notifications.h"
#include "scheduler/store/read_pool.h"
#include "scheduler/store/run_counts.h"
#include "scheduler/store/run_loader.h"
#include "scheduler/store/run_reader.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/sqlite_store.h"
#include "scheduler/store/state_store_reader.h"
#include "scheduler/store/task_instance_reader.h"
#include "scheduler/store/version_cache.h"

namespace millrace::store {

struct SqliteReaders::Parts {
  explicit Parts(std::unique_ptr<ReadPool> read_pool)
      : pool(std::move(read_pool)),
        dags(MakeDagReader(*pool, versions)),
        runs(MakeRunReader(*pool)),
        loader(MakeRunLoader(*pool, versions)),
        task_instances(MakeTaskInstanceReader(*pool)),
        xcoms(MakeXComReader(*pool)),
        states(MakeStateStoreReader(*pool)),
        datasets(*pool),
        jobs(MakeJobReader(*pool)),
        backfills(MakeBackfillReader(*pool)),
        approvals(MakeApprovalReader(*pool)),
        variables(MakeVariableReader(*pool)),
        connections(MakeConnectionReader(*pool)),
        notifications(MakeNotificationReader(*pool)),
        accounts(MakeAccountReader(*pool)),
        audit(MakeAuditReader(*pool)),
        journal(MakeJournalReader(*pool)),
        run_counts(MakeRunCountReader(*pool)),
        activity(MakeActivityReader(*pool)),
        dependencies(MakeDependencyReader(*pool)) {}
  std::unique_ptr<ReadPool> pool;
  VersionCache versions;
  std::unique_ptr<DagReader> dags;
  std::unique_ptr<RunReader> runs;
  std::unique_ptr<RunLoader> loader;
  std::unique_ptr<TaskInstanceReader> task_instances;
  std::unique_ptr<XComReader> xcoms;
  std::unique_ptr<StateStoreReader> states;
  SqliteDatasets datasets;
  std::unique_ptr<JobReader> jobs;
  std::unique_ptr<BackfillReader> backfills;
  std::unique_ptr<ApprovalReader> approvals;
  std::unique_ptr<VariableReader> variables;
  std::unique_ptr<ConnectionReader> connections;
  std::unique_ptr<NotificationReader> notifications;
  std::unique_ptr<AccountReader> accounts;
  std::unique_ptr<AuditReader> audit;
  std::unique_ptr<JournalReader> journal;
  std::unique_ptr<RunCountReader> run_counts;
  std::unique_ptr<ActivityReader> activity;
  std::unique_ptr<DependencyReader> dependencies;
};

SqliteReaders::SqliteReaders(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SqliteReaders::~SqliteReaders() = default;

StatusOr<std::unique_ptr<SqliteReaders>> SqliteReaders::Open(const std::string& folder, const Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<ReadPool> pool, ReadPool::Open(DatabasePath(folder), clock));
  return std::unique_ptr<SqliteReaders>(new SqliteReaders(std::make_unique<Parts>(std::move(pool))));
}

StatusOr<std::map<std::string, std::string>> SqliteReaders::CurrentHashes() {
  using Hashes = std::map<std::string, std::string>;
  return parts_->pool->Read<Hashes>([](Database& database) -> StatusOr<Hashes> {
    ASSIGN_OR_RETURN(Statement statement,
                     database.Prepare("SELECT d.dag_id, v.hash FROM dag d JOIN dag_version v ON v.dag_id = "
                                      "d.dag_id AND v.version = d.version WHERE d.deleted = 0 AND d.stale = 0"));
    Hashes hashes;
    while (true) {
      ASSIGN_OR_RETURN(const bool found, statement.Step());
      if (!found) break;
      hashes.emplace(statement.Text(0), statement.Text(1));
    }
    sqlite3_db_release_memory(database.handle());  // every version was looked at, once
    return hashes;
  });
}

DagReader& SqliteReaders::dags() { return *parts_->dags; }
RunReader& SqliteReaders::runs() { return *parts_->runs; }
TaskInstanceReader& SqliteReaders::task_instances() { return *parts_->task_instances; }
XComReader& SqliteReaders::xcoms() { return *parts_->xcoms; }
StateStoreReader& SqliteReaders::states() { return *parts_->states; }
DatasetReader& SqliteReaders::datasets() { return parts_->datasets; }
JobReader& SqliteReaders::jobs() { return *parts_->jobs; }
BackfillReader& SqliteReaders::backfills() { return *parts_->backfills; }
ApprovalReader& SqliteReaders::approvals() { return *parts_->approvals; }
VariableReader& SqliteReaders::variables() { return *parts_->variables; }
ConnectionReader& SqliteReaders::connections() { return *parts_->connections; }
NotificationReader& SqliteReaders::notifications() { return *parts_->notifications; }
AccountReader& SqliteReaders::accounts() { return *parts_->accounts; }
AuditReader& SqliteReaders::audit() { return *parts_->audit; }
JournalReader& SqliteReaders::journal() { return *parts_->journal; }
RunCountReader& SqliteReaders::run_counts() { return *parts_->run_counts; }
ActivityReader& SqliteReaders::activity() { return *parts_->activity; }
DependencyReader& SqliteReaders::dependencies() { return *parts_->dependencies; }
RunLoader& SqliteReaders::loader() { return *parts_->loader; }

}  // namespace millrace::store
