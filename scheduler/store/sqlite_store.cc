#include "scheduler/store/sqlite_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/model/codec.h"
#include "platform/failpoint/failpoint.h"
#include "scheduler/store/batch_writer.h"
#include "scheduler/store/notifications.h"
#include "scheduler/store/rows.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/sqlite.h"

namespace millrace::store {
namespace {

// Pages of 4 KiB: the WAL is folded back when it has grown to 16 MB, or when nothing has been written for a while.
constexpr int kCheckpointPages = 4096;
constexpr auto kIdle = std::chrono::milliseconds(500);
// What is loaded once stays; pages kept among it would leave holes of a page each when they go.
constexpr const char* kCacheWhileLoading = "PRAGMA cache_size=-512";
constexpr const char* kCache = "PRAGMA cache_size=-16384";

class FolderLock {
 public:
  static StatusOr<FolderLock> Take(const std::string& folder) {
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, "make the state folder " + folder);
    const std::string path = folder + "/lock";
    FolderLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock.descriptor_ < 0) return ErrnoStatus(errno, "open " + path);
    if (flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      return Unavailable("another millrace-scheduler uses the state folder " + folder + ": stop it, or choose another --state");
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

class SqliteStore : public Store {
 public:
  SqliteStore(FolderLock lock, std::unique_ptr<Database> database, LogSink& log)
      : lock_(std::move(lock)), database_(std::move(database)), writer_(*database_), log_(log) {
    sqlite3_wal_hook(
        database_->handle(),
        [](void* self, sqlite3*, const char*, int pages) {
          static_cast<SqliteStore*>(self)->wal_pages_ = pages;
          return SQLITE_OK;
        },
        this);
    thread_ = std::thread([this] { Work(); });
  }

  ~SqliteStore() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  StatusOr<Image> Load() override {
    return OnThread<StatusOr<Image>>([this] { return LoadImage(); });
  }

  StatusOr<std::uint64_t> LastSequence() override {
    return OnThread<StatusOr<std::uint64_t>>([this]() -> StatusOr<std::uint64_t> {
      ASSIGN_OR_RETURN(const std::int64_t sequence, Meta("sequence"));
      return static_cast<std::uint64_t>(sequence);
    });
  }

  void Commit(std::shared_ptr<const Batch> batch, std::function<void(CommitResult)> done) override {
    {
      std::lock_guard lock(mutex_);
      MILLRACE_CHECK(!job_);
      job_ = [this, batch = std::move(batch), done = std::move(done)] { done(CommitNow(*batch)); };
    }
    wake_.notify_all();
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (job_) {
        const std::function<void()> job = std::exchange(job_, nullptr);
        lock.unlock();
        job();
        if (wal_pages_ >= kCheckpointPages) Checkpoint();
        lock.lock();
      } else if (stopping_) {
        break;
      } else if (!wake_.wait_for(lock, kIdle, [this] { return job_ || stopping_; }) && wal_pages_ > 0) {
        lock.unlock();
        Checkpoint();
        sqlite3_db_release_memory(database_->handle());  // pages that the commits went over
        lock.lock();
      }
    }
  }

  // Readers never block it (PASSIVE); what they still need stays in the WAL until the next time.
  void Checkpoint() {
    wal_pages_ = 0;
    Failpoint("store.before_checkpoint");
    if (sqlite3_wal_checkpoint_v2(database_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr) != SQLITE_OK) {
      log_.Log(LogLevel::kWarning, "Checkpoint put off (reason=" + database_->Error("store").message() + ")");
    }
    Failpoint("store.after_checkpoint");
  }

  template <typename Result>
  Result OnThread(std::function<Result()> work) {
    std::optional<Result> result;
    std::condition_variable finished;
    std::unique_lock lock(mutex_);
    MILLRACE_CHECK(!job_);
    job_ = [&] {
      Result value = work();
      std::lock_guard inner(mutex_);
      result.emplace(std::move(value));
      finished.notify_all();
    };
    wake_.notify_all();
    finished.wait(lock, [&] { return result.has_value(); });
    return std::move(*result);
  }

  CommitResult CommitNow(const Batch& batch) {
    Failpoint("store.before_write");
    Status status = database_->Execute("BEGIN IMMEDIATE");
    if (status.ok()) status = writer_.Write(batch);
    const bool committing = status.ok();
    Failpoint("store.before_commit");
    if (committing) status = database_->Execute("COMMIT");
    Failpoint("store.after_commit");
    if (status.ok()) return {CommitOutcome::kDurable, OkStatus()};
    const CommitOutcome outcome = Judge(status, committing);
    if (sqlite3_get_autocommit(database_->handle()) == 0) (void)database_->Execute("ROLLBACK");
    log_.Log(LogLevel::kError, "Commit failed (sequence=" + std::to_string(batch.sequence) + ", reason=" + status.message() + ")");
    return {outcome, status};
  }

  CommitOutcome Judge(const Status& status, bool committing) const {
    if (status.code() == Code::kAborted) return CommitOutcome::kFenced;
    if (status.code() == Code::kResourceExhausted) return CommitOutcome::kDiskFull;
    const int code = database_->ExtendedCode();
    if (code == SQLITE_IOERR_SHMSIZE) return CommitOutcome::kDiskFull;  // the WAL's index could not grow
    if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) {
      return CommitOutcome::kBroken;
    }
    return committing ? CommitOutcome::kUnknown : CommitOutcome::kBroken;
  }

  StatusOr<std::int64_t> Meta(const char* name) {
    ASSIGN_OR_RETURN(Statement statement, database_->Prepare("SELECT value FROM meta WHERE name = ?"));
    statement.Bind(1, std::string_view(name));
    ASSIGN_OR_RETURN(const bool found, statement.Step());
    if (!found) return DataLoss(std::string("the store lacks its ") + name);
    return statement.Int(0);
  }

  StatusOr<Image> LoadImage() {
    RETURN_IF_ERROR(database_->Execute(kCacheWhileLoading));
    StatusOr<Image> image = ReadImage();
    RETURN_IF_ERROR(database_->Execute(kCache));
    return image;
  }

  StatusOr<Image> ReadImage() {
    RETURN_IF_ERROR(database_->Execute("UPDATE meta SET value = value + 1 WHERE name = 'term'"));
    Failpoint("store.after_term");
    Image image;
    ASSIGN_OR_RETURN(const std::int64_t term, Meta("term"));
    ASSIGN_OR_RETURN(const std::int64_t sequence, Meta("sequence"));
    ASSIGN_OR_RETURN(image.next_run_key, Meta("next_run"));
    ASSIGN_OR_RETURN(const std::int64_t next_session, Meta("next_session"));
    image.term = static_cast<std::uint32_t>(term);
    image.sequence = static_cast<std::uint64_t>(sequence);
    image.next_session = static_cast<std::uint64_t>(next_session);
    ASSIGN_OR_RETURN(image.next_backfill, Meta("next_backfill"));
    ASSIGN_OR_RETURN(image.next_notification, Meta("next_notification"));
    RETURN_IF_ERROR(LoadNotifications(image));
    RETURN_IF_ERROR(LoadRest(image));
    RETURN_IF_ERROR(LoadDags(image));
    RETURN_IF_ERROR(LoadRuns(image));
    RETURN_IF_ERROR(LoadDatasets(image));
    ASSIGN_OR_RETURN(Statement sessions, database_->Prepare(
        "SELECT session, offer, joined_at FROM session WHERE ended_at IS NULL ORDER BY session"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, sessions.Step());
      if (!more) break;
      SessionRow row;
      row.session = SessionId{static_cast<std::uint64_t>(sessions.Int(0))};
      ASSIGN_OR_RETURN(row.offer, DecodeWorkerOffer(sessions.Text(1)));
      row.joined_at = WallFromMicros(sessions.Int(2));
      image.sessions.push_back(std::move(row));
    }
    return image;
  }

  Status LoadRest(Image& image) {
    ASSIGN_OR_RETURN(Statement backfills,
                     database_->Prepare(
                         std::string("SELECT ") + kBackfillColumns +
                         " FROM backfill WHERE completed_at IS NULL OR id IN "
                         "(SELECT backfill FROM run WHERE state < 2 AND backfill IS NOT NULL) ORDER BY id"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, backfills.Step());
      if (!more) break;
      image.backfills.push_back(ReadBackfill(backfills));
    }
    // Those of tries that were cleared or stopped stay open, and nobody waits for them.
    ASSIGN_OR_RETURN(
        Statement approvals,
        database_->Prepare(std::string("SELECT ") + kApprovalColumns +
                           " FROM approval a WHERE responded_at IS NULL AND EXISTS (SELECT 1 FROM task_instance t WHERE "
                           "t.key = a.key AND t.state = " +
                           std::to_string(static_cast<int>(TaskState::kDeferred)) +
                           " AND t.try_number = a.try_number) ORDER BY key"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, approvals.Step());
      if (!more) break;
      image.approvals.push_back(ReadApproval(approvals));
    }
    ASSIGN_OR_RETURN(Statement pools,
                     database_->Prepare(std::string("SELECT ") + kPoolColumns + " FROM pool ORDER BY name"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, pools.Step());
      if (!more) return OkStatus();
      image.pools.push_back(ReadPoolRow(pools));
    }
  }

  // Those that are to be delivered, and how many the unfinished runs have told.
  Status LoadNotifications(Image& image) {
    ASSIGN_OR_RETURN(Statement rows,
                     database_->Prepare(std::string("SELECT ") + kNotificationColumns +
                                        " FROM notification WHERE state < 2 OR (state = 4 AND run IN "
                                        "(SELECT run FROM run WHERE state < 2)) ORDER BY id"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) break;
      ASSIGN_OR_RETURN(Notification row, ReadNotification(rows));
      image.notifications.push_back(std::move(row));
    }
    ASSIGN_OR_RETURN(Statement counts,
                     database_->Prepare("SELECT run, count(*) FROM notification WHERE state <> 4 AND cause <> 6 AND run IN "
                                        "(SELECT run FROM run WHERE state < 2) GROUP BY run ORDER BY run"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, counts.Step());
      if (!more) return OkStatus();
      image.notified.emplace_back(RunKey{counts.Int(0)}, static_cast<std::int32_t>(counts.Int(1)));
    }
  }

  Status LoadDags(Image& image) {
    ASSIGN_OR_RETURN(Statement dags, database_->Prepare(std::string("SELECT ") + kDagColumns + " FROM dag ORDER BY dag_id"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, dags.Step());
      if (!more) break;
      image.dags.push_back(ReadDag(dags));
    }
    ASSIGN_OR_RETURN(Statement versions, database_->Prepare(
        "SELECT dag_id, version, created_at, body FROM dag_version v WHERE version = (SELECT version FROM dag d WHERE d.dag_id = v.dag_id) "
        "OR EXISTS (SELECT 1 FROM run r WHERE r.state < 2 AND r.dag_id = v.dag_id AND r.version = v.version) ORDER BY dag_id, version"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, versions.Step());
      if (!more) break;
      ASSIGN_OR_RETURN(Dag dag, DecodeDag(versions.Text(3)));
      image.dag_versions.push_back({.dag_id = versions.Text(0),
                                    .version = static_cast<std::int32_t>(versions.Int(1)),
                                    .created_at = WallFromMicros(versions.Int(2)),
                                    .dag = std::make_shared<const Dag>(std::move(dag))});
    }
    return OkStatus();
  }

  // The queue of every DAG, what made the unfinished runs, and their deadlines.
  Status LoadDatasets(Image& image) {
    const auto each = [this](const std::string& sql, const auto& take) -> Status {
      ASSIGN_OR_RETURN(Statement statement, database_->Prepare(sql));
      while (true) {
        ASSIGN_OR_RETURN(const bool more, statement.Step());
        if (!more) return OkStatus();
        take(statement);
      }
    };
    RETURN_IF_ERROR(each("SELECT coalesce(max(id), 0) + 1 FROM dataset_event",
                         [&](const Statement& row) { image.next_dataset_event = row.Int(0); }));
    RETURN_IF_ERROR(each("SELECT alias, dataset FROM attached_dataset", [&](const Statement& row) {
      image.attached.push_back({row.Text(0), row.Text(1)});
    }));
    RETURN_IF_ERROR(
        each("SELECT dag_id, dataset, seen, seen_at, failure FROM dataset_watch", [&](const Statement& row) {
          image.watches.push_back({row.Text(0), row.Text(1), row.Text(2), row.Time(3), row.Text(4)});
        }));
    RETURN_IF_ERROR(each("SELECT dag_id, event, partition_key FROM dataset_queue ORDER BY dag_id, event, partition_key", [&](const Statement& row) {
      image.dataset_queue.push_back({row.Text(0), row.Int(1), false, row.Text(2)});
    }));
    RETURN_IF_ERROR(each("SELECT run, event FROM run_event WHERE run IN (SELECT run FROM run WHERE state < 2) ORDER BY run, event",
                         [&](const Statement& row) { image.run_events.push_back({RunKey{row.Int(0)}, row.Int(1)}); }));
    RETURN_IF_ERROR(each(std::string("SELECT ") + kDatasetEventColumns +
                             " FROM dataset_event WHERE id IN (SELECT event FROM dataset_queue UNION SELECT event FROM run_event "
                             "WHERE run IN (SELECT run FROM run WHERE state < 2)) ORDER BY id",
                         [&](const Statement& row) { image.dataset_events.push_back(ReadDatasetEvent(row)); }));
    return each(
        "SELECT run, idx, due_at FROM deadline WHERE missed_at IS NULL AND run IN (SELECT run FROM run WHERE state < 2) ORDER BY run, idx",
        [&](const Statement& row) {
          image.deadlines.push_back(
              {RunKey{row.Int(0)}, static_cast<std::int32_t>(row.Int(1)), WallFromMicros(row.Int(2)), std::nullopt, false});
        });
  }

  Status LoadRuns(Image& image) {
    ASSIGN_OR_RETURN(Statement runs, database_->Prepare(std::string("SELECT ") + kRunColumns + " FROM run WHERE state < 2 ORDER BY run"));
    ASSIGN_OR_RETURN(Statement instances, database_->Prepare(
        std::string("SELECT ") + kTaskInstanceColumns + " FROM task_instance WHERE key BETWEEN ? AND ? ORDER BY key"));
    ASSIGN_OR_RETURN(Statement stages, database_->Prepare(
        std::string("SELECT ") + kStageTaskColumns + " FROM stage_task WHERE key BETWEEN ? AND ? ORDER BY key, try_number, stage, idx"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, runs.Step());
      if (!more) break;
      const Run& run = image.runs.emplace_back(ReadRun(runs));
      for (Statement* statement : {&instances, &stages}) {
        statement->Bind(1, PackKey({run.key, 0}));
        statement->Bind(2, PackKey({run.key, static_cast<std::int32_t>(kMaxIndex)}));
        while (true) {
          ASSIGN_OR_RETURN(const bool row, statement->Step());
          if (!row) break;
          if (statement == &instances) {
            image.task_instances.push_back(ReadTaskInstance(instances));
          } else {
            ASSIGN_OR_RETURN(StageTaskRow stage, ReadStageTask(stages));
            image.stage_tasks.push_back(std::move(stage));
          }
        }
        statement->Reset();
      }
    }
    return OkStatus();
  }

  FolderLock lock_;
  std::unique_ptr<Database> database_;
  BatchWriter writer_;
  LogSink& log_;
  int wal_pages_ = 0;  // the store's thread only

  std::mutex mutex_;
  std::condition_variable wake_;
  std::function<void()> job_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::string DatabasePath(const std::string& folder) { return folder + "/millrace.db"; }

StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& folder, LogSink& log) {
  ASSIGN_OR_RETURN(FolderLock lock, FolderLock::Take(folder));
  const std::string path = DatabasePath(folder);
  ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(path, Database::Mode::kReadWrite));
  chmod(path.c_str(), 0600);
  RETURN_IF_ERROR(database->Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; "
                                    "PRAGMA foreign_keys=OFF; PRAGMA mmap_size=0"));
  RETURN_IF_ERROR(database->Execute(kCache));
  RETURN_IF_ERROR(Migrate(*database, path));
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(lock), std::move(database), log));
}

}  // namespace millrace::store
