#include "scheduler/store/sqlite_readers.h"

#include <algorithm>
#include <list>
#include <map>

#include "core/model/codec.h"
#include "scheduler/store/approval_reader.h"
#include "scheduler/store/audit_reader.h"
#include "scheduler/store/backfill_reader.h"
#include "scheduler/store/credential_readers.h"
#include "scheduler/store/notifications.h"
#include "scheduler/store/dataset_reader.h"
#include "scheduler/store/listing.h"
#include "scheduler/store/read_pool.h"
#include "scheduler/store/rows.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/sqlite_store.h"

namespace millrace::store {
namespace {

constexpr std::size_t kCachedVersions = 256;

// Decoding a large DAG costs milliseconds, and versions never change: the last few are kept.
class Versions {
 public:
  StatusOr<DagPtr> Find(Database& database, const std::string& dag_id, std::int32_t version) {
    const auto key = std::make_pair(dag_id, version);
    {
      std::lock_guard lock(mutex_);
      const auto found = cache_.find(key);
      if (found != cache_.end()) return found->second;
    }
    Query query("SELECT body FROM dag_version");
    query.Where("dag_id = ?").Add(dag_id).Where("version = ?").Add(version);
    ASSIGN_OR_RETURN(const std::string body,
                     One<std::string>(database, query, "DAG version not found: " + dag_id + " " + std::to_string(version),
                                      [](const Statement& row) { return row.Text(0); }));
    ASSIGN_OR_RETURN(Dag dag, DecodeDag(body));
    auto shared = std::make_shared<const Dag>(std::move(dag));
    std::lock_guard lock(mutex_);
    if (cache_.emplace(key, shared).second) order_.push_back(key);
    if (order_.size() > kCachedVersions) {
      cache_.erase(order_.front());
      order_.pop_front();
    }
    return DagPtr(shared);
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::int32_t>, DagPtr> cache_;
  std::list<std::pair<std::string, std::int32_t>> order_;
};

class Dags : public DagReader {
 public:
  Dags(ReadPool& pool, Versions& versions) : pool_(pool), versions_(versions) {}

  StatusOr<DagEntry> GetDag(const std::string& dag_id) override {
    return pool_.Read<DagEntry>([&](Database& database) -> StatusOr<DagEntry> {
      Query query(std::string("SELECT ") + kDagColumns + " FROM dag");
      query.Where("dag_id = ?").Add(dag_id).Where("deleted = 0");
      ASSIGN_OR_RETURN(DagEntry entry, One<DagEntry>(database, query, "DAG not found: " + dag_id, ReadEntry));
      ASSIGN_OR_RETURN(entry.dag, versions_.Find(database, dag_id, entry.row.version));
      return entry;
    });
  }

  StatusOr<Listing<DagEntry>> ListDags(const DagFilter& filter) override {
    return pool_.Read<Listing<DagEntry>>([&](Database& database) -> StatusOr<Listing<DagEntry>> {
      const auto conditions = [&filter](Query& query) {
        query.Where("deleted = 0");
        if (!filter.include_stale) query.Where("stale = 0");
        if (filter.paused) query.Where("paused = ?").Add(*filter.paused ? 1 : 0);
        if (!filter.id_pattern.empty()) query.Where("dag_id LIKE ?").Add(filter.id_pattern);
        if (filter.tags.empty()) return;
        std::string in = "dag_id IN (SELECT dag_id FROM dag_tag WHERE tag IN (";
        for (std::size_t i = 0; i < filter.tags.size(); ++i) {
          in += i == 0 ? "?" : ",?";
          query.Add(filter.tags[i]);
        }
        query.Where(in + "))");
      };
      ASSIGN_OR_RETURN(Listing<DagEntry> listing,
                       ListPage<DagEntry>(database, kDagColumns, "dag", conditions,
                                          filter.descending ? "dag_id DESC" : "dag_id", filter.page, ReadEntry));
      for (DagEntry& entry : listing.rows) {
        ASSIGN_OR_RETURN(entry.dag, versions_.Find(database, entry.row.dag_id, entry.row.version));
      }
      return listing;
    });
  }

  StatusOr<DagPtr> GetVersion(const std::string& dag_id, std::int32_t version) override {
    return pool_.Read<DagPtr>([&](Database& database) -> StatusOr<DagPtr> {
      if (version != 0) return versions_.Find(database, dag_id, version);
      Query query(std::string("SELECT ") + kDagColumns + " FROM dag");
      query.Where("dag_id = ?").Add(dag_id).Where("deleted = 0");
      ASSIGN_OR_RETURN(const DagEntry entry, One<DagEntry>(database, query, "DAG not found: " + dag_id, ReadEntry));
      return versions_.Find(database, dag_id, entry.row.version);
    });
  }

  StatusOr<std::vector<DagVersionRow>> ListVersions(const std::string& dag_id) override {
    return pool_.Read<std::vector<DagVersionRow>>([&](Database& database) -> StatusOr<std::vector<DagVersionRow>> {
      Query query("SELECT version, created_at FROM dag_version");
      query.Where("dag_id = ?").Add(dag_id).Tail("ORDER BY version");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<DagVersionRow>(statement, [&](const Statement& row) -> StatusOr<DagVersionRow> {
        const auto version = static_cast<std::int32_t>(row.Int(0));
        ASSIGN_OR_RETURN(DagPtr dag, versions_.Find(database, dag_id, version));
        return DagVersionRow{.dag_id = dag_id, .version = version, .created_at = WallFromMicros(row.Int(1)), .dag = std::move(dag)};
      });
    });
  }

  StatusOr<std::vector<ImportError>> ListImportErrors() override {
    return pool_.Read<std::vector<ImportError>>([](Database& database) -> StatusOr<std::vector<ImportError>> {
      ASSIGN_OR_RETURN(Statement statement, database.Prepare("SELECT file, at, problems FROM import_error ORDER BY file"));
      return All<ImportError>(statement, [](const Statement& row) -> StatusOr<ImportError> {
        ASSIGN_OR_RETURN(std::vector<Problem> problems, DecodeProblems(row.Text(2)));
        return ImportError{.file = row.Text(0), .at = WallFromMicros(row.Int(1)), .problems = std::move(problems)};
      });
    });
  }

 private:
  static DagEntry ReadEntry(const Statement& row) {
    return {.row = ReadDag(row), .dag = nullptr, .last_parsed_at = WallFromMicros(row.Int(8))};
  }

  ReadPool& pool_;
  Versions& versions_;
};

class Runs : public RunReader {
 public:
  explicit Runs(ReadPool& pool) : pool_(pool) {}

  StatusOr<Run> GetRun(const std::string& dag_id, const std::string& run_id) override {
    return pool_.Read<Run>([&](Database& database) {
      Query query(std::string("SELECT ") + kRunColumns + " FROM run");
      query.Where("dag_id = ?").Add(dag_id).Where("run_id = ?").Add(run_id);
      return One<Run>(database, query, "run not found: " + dag_id + " " + run_id, ReadRun);
    });
  }

  StatusOr<Run> GetRunByKey(RunKey key) override {
    return pool_.Read<Run>([&](Database& database) {
      Query query(std::string("SELECT ") + kRunColumns + " FROM run");
      query.Where("run = ?").Add(ToInt(key));
      return One<Run>(database, query, "run not found: " + std::to_string(ToInt(key)), ReadRun);
    });
  }

  StatusOr<Listing<Run>> ListRuns(const RunFilter& filter) override {
    return pool_.Read<Listing<Run>>([&](Database& database) {
      const auto conditions = [&filter](Query& query) {
        if (!filter.dag_id.empty()) query.Where("dag_id = ?").Add(filter.dag_id);
        query.WhereIn("state", Numbers(filter.states)).WhereIn("type", Numbers(filter.types));
        if (filter.logical_date_from) query.Where("logical_date >= ?").Add(ToMicros(*filter.logical_date_from));
        if (filter.logical_date_to) query.Where("logical_date <= ?").Add(ToMicros(*filter.logical_date_to));
        if (filter.run_after_from) query.Where("run_after >= ?").Add(ToMicros(*filter.run_after_from));
        if (filter.run_after_to) query.Where("run_after <= ?").Add(ToMicros(*filter.run_after_to));
        if (filter.ended_before)
          query.Where("ended_at < ? AND state >= 2").Add(ToMicros(*filter.ended_before));
        if (!filter.dag_ids.empty()) {
          std::string in = "dag_id IN (";
          for (std::size_t i = 0; i < filter.dag_ids.size(); ++i) {
            in += i == 0 ? "?" : ",?";
            query.Add(filter.dag_ids[i]);
          }
          query.Where(in + ")");
        }
        if (filter.backfill != 0) query.Where("backfill = ?").Add(filter.backfill);
        if (!filter.run_id_pattern.empty()) query.Where("run_id LIKE ?").Add(filter.run_id_pattern);
      };
      const bool backward = filter.cursor && filter.cursor->backward;
      const std::string direction = filter.descending != backward ? " DESC" : "";
      const std::string column = OrderColumn(filter.order);
      const auto place = [&](Query& query) {
        if (!filter.cursor) return;
        AddCursor(query, *filter.cursor, column == "run" ? "" : column, "run", filter.cursor->key, filter.descending);
      };
      auto listing = ListPage<Run>(database, kRunColumns, "run", conditions, column + direction + ", run" + direction,
                                   filter.page, ReadRun, place);
      if (listing.ok() && backward) std::reverse(listing->rows.begin(), listing->rows.end());
      return listing;
    });
  }

  StatusOr<std::vector<DeadlineRow>> ListDeadlines(RunKey key) override {
    return pool_.Read<std::vector<DeadlineRow>>([&](Database& database) -> StatusOr<std::vector<DeadlineRow>> {
      Query query("SELECT idx, due_at, missed_at FROM deadline");
      query.Where("run = ?").Add(ToInt(key)).Tail("ORDER BY idx");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<DeadlineRow>(statement, [key](const Statement& row) {
        return DeadlineRow{key, static_cast<std::int32_t>(row.Int(0)), WallFromMicros(row.Int(1)), row.Time(2), false};
      });
    });
  }

 private:
  template <typename Enum>
  static std::vector<std::int64_t> Numbers(const std::vector<Enum>& values) {
    std::vector<std::int64_t> numbers;
    for (Enum value : values) numbers.push_back(static_cast<std::int64_t>(value));
    return numbers;
  }
  static std::string OrderColumn(RunOrder order) {
    switch (order) {
      case RunOrder::kRunAfter: return "run_after";
      case RunOrder::kLogicalDate: return "logical_date";
      case RunOrder::kStartDate: return "started_at";
      case RunOrder::kEndDate: return "ended_at";
      case RunOrder::kKey: break;
    }
    return "run";
  }

  ReadPool& pool_;
};

class Loader : public RunLoader {
 public:
  Loader(ReadPool& pool, Versions& versions) : pool_(pool), versions_(versions) {}

  StatusOr<RunImage> LoadRun(const std::string& dag_id, const std::string& run_id) override {
    return pool_.Read<RunImage>([&](Database& database) -> StatusOr<RunImage> {
      Query run(std::string("SELECT ") + kRunColumns + " FROM run");
      run.Where("dag_id = ?").Add(dag_id).Where("run_id = ?").Add(run_id);
      ASSIGN_OR_RETURN(const Run row, One<Run>(database, run, "run not found: " + dag_id + " " + run_id, ReadRun));
      return Whole(database, row);
    });
  }

  StatusOr<RunImage> LoadPrevious(const std::string& dag_id, WallTime before) override {
    return pool_.Read<RunImage>([&](Database& database) -> StatusOr<RunImage> {
      Query run(std::string("SELECT ") + kRunColumns + " FROM run");
      run.Where("dag_id = ?").Add(dag_id).Where("logical_date < ?").Add(ToMicros(before));
      run.Tail("ORDER BY logical_date DESC, run DESC LIMIT 1");
      ASSIGN_OR_RETURN(const Run row, One<Run>(database, run, "no run of " + dag_id + " is earlier", ReadRun));
      return Whole(database, row);
    });
  }

  StatusOr<Run> LoadPreviousSuccess(const std::string& dag_id, WallTime before) override {
    return pool_.Read<Run>([&](Database& database) -> StatusOr<Run> {
      Query run(std::string("SELECT ") + kRunColumns + " FROM run");
      run.Where("dag_id = ?").Add(dag_id).Where("logical_date < ?").Add(ToMicros(before));
      run.Where("state = ?").Add(static_cast<std::int64_t>(RunState::kSuccess));
      run.Tail("ORDER BY logical_date DESC, run DESC LIMIT 1");
      return One<Run>(database, run, "no successful run of " + dag_id + " is earlier", ReadRun);
    });
  }

  StatusOr<CachedResult> LoadCached(const std::string& key) override {
    return pool_.Read<CachedResult>([&](Database& database) -> StatusOr<CachedResult> {
      Query query(std::string("SELECT ") + kCachedColumns + " FROM cached_result");
      query.Where("hash = ?").Add(key);
      return One<CachedResult>(database, query, "no such cached result", ReadCached);
    });
  }

  StatusOr<std::vector<XComRow>> LoadXComs(const std::vector<XComKey>& keys) override {
    return pool_.Read<std::vector<XComRow>>([&](Database& database) -> StatusOr<std::vector<XComRow>> {
      std::vector<XComRow> rows;
      for (const XComKey& key : keys) {
        Query query(std::string("SELECT ") + kXComColumns + " FROM xcom");
        query.Where("key = ?").Add(PackKey(key.instance)).Where("name = ?").Add(key.key);
        ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
        ASSIGN_OR_RETURN(std::vector<XComRow> found, All<XComRow>(statement, ReadXCom));
        for (XComRow& row : found) rows.push_back(std::move(row));
      }
      return rows;
    });
  }

  StatusOr<std::vector<Run>> LoadDates(const std::string& dag_id, WallTime from, WallTime to) override {
    return pool_.Read<std::vector<Run>>([&](Database& database) -> StatusOr<std::vector<Run>> {
      Query query(std::string("SELECT ") + kRunColumns + " FROM run");
      query.Where("dag_id = ?")
          .Add(dag_id)
          .Where("logical_date BETWEEN ? AND ?")
          .Add(ToMicros(from))
          .Add(ToMicros(to));
      query.Tail("ORDER BY run");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<Run>(statement, ReadRun);
    });
  }

 private:
  StatusOr<RunImage> Whole(Database& database, const Run& run) {
    RunImage image;
    image.run = run;
    ASSIGN_OR_RETURN(image.dag, versions_.Find(database, run.dag_id, run.version));
    Query instances(std::string("SELECT ") + kTaskInstanceColumns + " FROM task_instance");
    instances.Where("key BETWEEN ? AND ?").Add(PackKey({run.key, 0}));
    instances.Add(PackKey({run.key, static_cast<std::int32_t>(kMaxIndex)})).Tail("ORDER BY key");
    ASSIGN_OR_RETURN(Statement statement, instances.Prepare(database));
    ASSIGN_OR_RETURN(image.task_instances, All<TaskInstance>(statement, ReadTaskInstance));
    Query events(std::string("SELECT ") + kDatasetEventColumns + " FROM dataset_event");
    events.Where("id IN (SELECT event FROM run_event WHERE run = ?)").Add(ToInt(run.key)).Tail("ORDER BY id");
    ASSIGN_OR_RETURN(Statement made_by, events.Prepare(database));
    ASSIGN_OR_RETURN(image.events, All<DatasetEvent>(made_by, ReadDatasetEvent));
    return image;
  }

  ReadPool& pool_;
  Versions& versions_;
};

class TaskInstances : public TaskInstanceReader {
 public:
  explicit TaskInstances(ReadPool& pool) : pool_(pool) {}

  StatusOr<TaskInstance> GetTaskInstance(const TaskInstanceKey& key) override {
    return pool_.Read<TaskInstance>([&](Database& database) {
      Query query(std::string("SELECT ") + kTaskInstanceColumns + " FROM task_instance");
      query.Where("key = ?").Add(PackKey(key));
      return One<TaskInstance>(database, query, "task instance not found", ReadTaskInstance);
    });
  }

  StatusOr<Listing<TaskInstance>> ListTaskInstances(const TaskInstanceFilter& filter) override {
    return pool_.Read<Listing<TaskInstance>>([&](Database& database) {
      const auto conditions = [&filter](Query& query) {
        std::string ranges;
        for (RunKey run : filter.runs) {
          ranges += ranges.empty() ? "(key BETWEEN ? AND ?" : " OR key BETWEEN ? AND ?";
          query.Add(PackKey({run, 0})).Add(PackKey({run, static_cast<std::int32_t>(kMaxIndex)}));
        }
        if (!ranges.empty()) query.Where(ranges + ")");
        std::vector<std::int64_t> states;
        for (TaskState state : filter.states) states.push_back(static_cast<std::int64_t>(state));
        query.WhereIn("state", states);
        if (filter.task) {
          query.Where("((key & ?) = ? OR (map_index > 0 AND mapped_task = ?))").Add(kMaxIndex).Add(*filter.task).Add(*filter.task);
        }
      };
      const bool backward = filter.cursor && filter.cursor->backward;
      const auto place = [&](Query& query) {
        if (!filter.cursor) return;
        const std::int64_t packed = PackKey({RunKey{filter.cursor->key}, filter.cursor->index});
        AddCursor(query, *filter.cursor, "", "key", packed, false);
      };
      auto listing = ListPage<TaskInstance>(database, kTaskInstanceColumns, "task_instance", conditions,
                                            backward ? "key DESC" : "key", filter.page, ReadTaskInstance, place);
      if (listing.ok() && backward) std::reverse(listing->rows.begin(), listing->rows.end());
      return listing;
    });
  }

  StatusOr<std::vector<Attempt>> ListAttempts(const TaskInstanceKey& key) override {
    return pool_.Read<std::vector<Attempt>>([&](Database& database) -> StatusOr<std::vector<Attempt>> {
      Query query(std::string("SELECT ") + kAttemptColumns + " FROM attempt");
      query.Where("key = ?").Add(PackKey(key)).Tail("ORDER BY term, counter");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<Attempt>(statement, ReadAttempt);
    });
  }

  StatusOr<std::vector<NoteRecord>> ListNotes(const std::vector<TaskInstanceKey>& keys) override {
    return pool_.Read<std::vector<NoteRecord>>([&](Database& database) -> StatusOr<std::vector<NoteRecord>> {
      std::vector<NoteRecord> notes;
      ASSIGN_OR_RETURN(Statement statement, database.Prepare("SELECT key, text, user, at FROM note WHERE key = ?"));
      for (const TaskInstanceKey& key : keys) {
        statement.Bind(1, PackKey(key));
        ASSIGN_OR_RETURN(const bool found, statement.Step());
        if (found) {
          notes.push_back({UnpackKey(statement.Int(0)), statement.Text(1), statement.Text(2),
                           WallFromMicros(statement.Int(3))});
        }
        statement.Reset();
      }
      return notes;
    });
  }

  StatusOr<std::string> GetResult(const TaskInstanceKey& key) override {
    return pool_.Read<std::string>([&](Database& database) {
      Query query("SELECT json FROM xcom");
      query.Where("key = ?").Add(PackKey(key)).Where("name = ?").Add(std::string(kReturnValue));
      return One<std::string>(database, query, "the task instance has left no result",
                              [](const Statement& row) { return row.Text(0); });
    });
  }

 private:
  ReadPool& pool_;
};

class XComs : public XComReader {
 public:
  explicit XComs(ReadPool& pool) : pool_(pool) {}

  StatusOr<XComRow> GetXCom(const XComKey& key) override {
    return pool_.Read<XComRow>([&](Database& database) {
      Query query(std::string("SELECT ") + kXComColumns + " FROM xcom");
      query.Where("key = ?").Add(PackKey(key.instance)).Where("name = ?").Add(key.key);
      return One<XComRow>(database, query, "the task instance has no XCom " + key.key, ReadXCom);
    });
  }

  StatusOr<std::vector<XComRow>> ListXComs(const TaskInstanceKey& key) override {
    return pool_.Read<std::vector<XComRow>>([&](Database& database) -> StatusOr<std::vector<XComRow>> {
      Query query(std::string("SELECT ") + kXComColumns + " FROM xcom");
      query.Where("key = ?").Add(PackKey(key)).Tail("ORDER BY name");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<XComRow>(statement, ReadXCom);
    });
  }

 private:
  ReadPool& pool_;
};

class Jobs : public JobReader {
 public:
  explicit Jobs(ReadPool& pool) : pool_(pool) {}

  StatusOr<JobRow> GetJob(const JobKey& key) override {
    return pool_.Read<JobRow>([&](Database& database) {
      Query query("SELECT state, report, ended_at FROM job");
      query.Where("key = ?").Add(PackKey(key.instance)).Where("try_number = ?").Add(key.try_number);
      return One<JobRow>(database, query, "the task instance has run no job", [&key](const Statement& row) {
        return JobRow{.job = key, .state = row.Text(0), .report = row.Text(1), .ended_at = row.Time(2)};
      });
    });
  }

 private:
  ReadPool& pool_;
};

class Accounts : public AccountReader {
 public:
  explicit Accounts(ReadPool& pool) : pool_(pool) {}

  StatusOr<UserRecord> GetUser(const std::string& name) override {
    return pool_.Read<UserRecord>([&](Database& database) {
      Query query("SELECT name, password_hash, role FROM user");
      query.Where("name = ?").Add(name);
      return One<UserRecord>(database, query, "user not found: " + name, ReadUser);
    });
  }

  StatusOr<TokenRecord> GetToken(const std::string& hash) override {
    return pool_.Read<TokenRecord>([&](Database& database) {
      Query query("SELECT hash, user, role, expires_at, revoked FROM token");
      query.Where("hash = ?").Add(hash);
      return One<TokenRecord>(database, query, "token not found", [](const Statement& row) {
        return TokenRecord{.hash = row.Text(0), .user = row.Text(1), .role = row.Text(2),
                           .expires_at = WallFromMicros(row.Int(3)), .revoked = row.Int(4) != 0};
      });
    });
  }

  StatusOr<std::vector<UserRecord>> ListUsers() override {
    return pool_.Read<std::vector<UserRecord>>([](Database& database) -> StatusOr<std::vector<UserRecord>> {
      ASSIGN_OR_RETURN(Statement statement, database.Prepare("SELECT name, password_hash, role FROM user ORDER BY name"));
      return All<UserRecord>(statement, ReadUser);
    });
  }

 private:
  static UserRecord ReadUser(const Statement& row) {
    return {.name = row.Text(0), .password_hash = row.Text(1), .role = row.Text(2)};
  }

  ReadPool& pool_;
};

class Journal : public JournalReader {
 public:
  explicit Journal(ReadPool& pool) : pool_(pool) {}

  StatusOr<std::vector<JournalEntry>> ReadAfter(std::uint64_t sequence, int limit) override {
    return pool_.Read<std::vector<JournalEntry>>([&](Database& database) -> StatusOr<std::vector<JournalEntry>> {
      Query query("SELECT sequence, transitions FROM journal");
      query.Where("sequence > ?").Add(static_cast<std::int64_t>(sequence)).Tail("ORDER BY sequence LIMIT ?").Add(limit);
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<JournalEntry>(statement, [](const Statement& row) -> StatusOr<JournalEntry> {
        ASSIGN_OR_RETURN(std::vector<Transition> transitions, DecodeTransitions(row.Text(1)));
        return JournalEntry{.sequence = static_cast<std::uint64_t>(row.Int(0)), .transitions = std::move(transitions)};
      });
    });
  }

  StatusOr<std::uint64_t> NewestSequence() override {
    return pool_.Read<std::uint64_t>([](Database& database) {
      return One<std::uint64_t>(database, Query("SELECT value FROM meta WHERE name = 'sequence'"), "the store lacks its sequence",
                                [](const Statement& row) { return static_cast<std::uint64_t>(row.Int(0)); });
    });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

struct SqliteReaders::Parts {
  explicit Parts(std::unique_ptr<ReadPool> read_pool)
      : pool(std::move(read_pool)),
        dags(*pool, versions),
        runs(*pool),
        loader(*pool, versions),
        task_instances(*pool),
        xcoms(*pool),
        datasets(*pool),
        jobs(*pool),
        backfills(MakeBackfillReader(*pool)),
        approvals(MakeApprovalReader(*pool)),
        variables(MakeVariableReader(*pool)),
        connections(MakeConnectionReader(*pool)),
        notifications(MakeNotificationReader(*pool)),
        accounts(*pool),
        audit(MakeAuditReader(*pool)),
        journal(*pool) {}
  std::unique_ptr<ReadPool> pool;
  Versions versions;
  Dags dags;
  Runs runs;
  Loader loader;
  TaskInstances task_instances;
  XComs xcoms;
  SqliteDatasets datasets;
  Jobs jobs;
  std::unique_ptr<BackfillReader> backfills;
  std::unique_ptr<ApprovalReader> approvals;
  std::unique_ptr<VariableReader> variables;
  std::unique_ptr<ConnectionReader> connections;
  std::unique_ptr<NotificationReader> notifications;
  Accounts accounts;
  std::unique_ptr<AuditReader> audit;
  Journal journal;
};

SqliteReaders::SqliteReaders(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SqliteReaders::~SqliteReaders() = default;

StatusOr<std::unique_ptr<SqliteReaders>> SqliteReaders::Open(const std::string& folder, const Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<ReadPool> pool, ReadPool::Open(DatabasePath(folder), clock));
  return std::unique_ptr<SqliteReaders>(new SqliteReaders(std::make_unique<Parts>(std::move(pool))));
}

DagReader& SqliteReaders::dags() { return parts_->dags; }
RunReader& SqliteReaders::runs() { return parts_->runs; }
TaskInstanceReader& SqliteReaders::task_instances() { return parts_->task_instances; }
XComReader& SqliteReaders::xcoms() { return parts_->xcoms; }
DatasetReader& SqliteReaders::datasets() { return parts_->datasets; }
JobReader& SqliteReaders::jobs() { return parts_->jobs; }
BackfillReader& SqliteReaders::backfills() { return *parts_->backfills; }
ApprovalReader& SqliteReaders::approvals() { return *parts_->approvals; }
VariableReader& SqliteReaders::variables() { return *parts_->variables; }
ConnectionReader& SqliteReaders::connections() { return *parts_->connections; }
NotificationReader& SqliteReaders::notifications() { return *parts_->notifications; }
AccountReader& SqliteReaders::accounts() { return parts_->accounts; }
AuditReader& SqliteReaders::audit() { return *parts_->audit; }
JournalReader& SqliteReaders::journal() { return parts_->journal; }
RunLoader& SqliteReaders::loader() { return parts_->loader; }

}  // namespace millrace::store
