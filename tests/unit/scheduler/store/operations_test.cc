// What people operate with, on the real store: backfills, pools, deletion, places that belong to another
// task, backups.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "platform/clock.h"
#include "scheduler/store/backup.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/sqlite.h"
#include "scheduler/store/sqlite_readers.h"
#include "scheduler/store/sqlite_store.h"

namespace millrace::store {
namespace {

class Quiet : public LogSink {
 public:
  void Log(LogLevel, std::string_view) override {}
};

class OperationsTest : public testing::Test {
 protected:
  OperationsTest() {
    std::string pattern = testing::TempDir() + "millrace-operations-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    Start();
  }
  ~OperationsTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    store_.reset();
    StatusOr<std::unique_ptr<Store>> opened = OpenSqliteStore(folder_, log_);
    MILLRACE_CHECK(opened.ok());
    store_ = std::move(opened).value();
    image_ = store_->Load().value();
    sequence_ = image_.sequence;
    readers_ = SqliteReaders::Open(folder_, clock_).value();
  }

  void Commit(Batch batch) {
    batch.term = image_.term;
    batch.sequence = ++sequence_;
    std::promise<CommitResult> promise;
    store_->Commit(std::make_shared<const Batch>(std::move(batch)),
                   [&](CommitResult result) { promise.set_value(result); });
    const CommitResult result = promise.get_future().get();
    ASSERT_EQ(result.outcome, CommitOutcome::kDurable) << result.status.message();
  }

  static Batch WithDag() {
    auto dag = std::make_shared<Dag>();
    dag->id = "etl";
    dag->tags = {"nightly"};
    dag->tasks.resize(2);
    dag->tasks[0].id = "a";
    dag->tasks[1].id = "b";
    dag->tasks[0].outlets = {"raw"};
    dag->datasets = {{"raw", "raw", "asset", {}}};
    Batch batch;
    batch.dags.push_back({.dag_id = "etl", .version = 2});
    batch.dag_versions.push_back({.dag_id = "etl", .version = 1, .created_at = {}, .dag = dag});
    batch.dag_versions.push_back({.dag_id = "etl", .version = 2, .created_at = {}, .dag = dag});
    return batch;
  }

  // An ended run with everything that can hang on one.
  static void AddRun(Batch& batch, RunKey key, WallTime ended) {
    millrace::Run run;
    run.key = key;
    run.dag_id = "etl";
    run.run_id = "r" + std::to_string(ToInt(key));
    run.type = RunType::kBackfill;
    run.state = RunState::kSuccess;
    run.version = 1;
    run.logical_date = WallFromMicros(ToInt(key) * 1000);
    run.ended_at = ended;
    run.backfill = 7;
    batch.runs.push_back(run);
    for (const std::int32_t index : {0, 1}) {
      TaskInstance instance;
      instance.key = {key, index};
      instance.state = TaskState::kSuccess;
      batch.task_instances.push_back(instance);
      Attempt attempt;
      attempt.instance = instance.key;
      attempt.try_number = 1;
      attempt.fence = {1, static_cast<std::uint64_t>(ToInt(key) * 10 + index)};
      batch.attempts.push_back(attempt);
      batch.xcoms.push_back({instance.key, "return_value", "1", false, {}});
    }
    batch.run_events.push_back({key, 1});
    batch.deadlines.push_back({key, 0, WallFromMicros(5), WallFromMicros(6), false});
    batch.approvals.push_back({{key, 1}, 0, R"({"subject":"Go?"})", ended, {}, ended, "ana", "{}"});
    batch.records.push_back(NoteRecord{{key, 0}, "looked at", "ana", ended});
  }

  std::int64_t Count(const std::string& table) {
    const std::unique_ptr<Database> database =
        Database::Open(DatabasePath(folder_), Database::Mode::kReadOnly).value();
    Statement statement = database->Prepare("SELECT count(*) FROM " + table).value();
    MILLRACE_CHECK(statement.Step().ok());
    return statement.Int(0);
  }

  std::string folder_;
  Quiet log_;
  platform::SystemClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SqliteReaders> readers_;
  Image image_;
  std::uint64_t sequence_ = 0;
};

Backfill Example() {
  return {.id = 7,
          .dag_id = "etl",
          .from = WallFromMicros(1),
          .to = WallFromMicros(9),
          .reprocess = Reprocess::kFailed,
          .run_backwards = true,
          .latest_version = false,
          .max_active_runs = 3,
          .conf = R"({"x":1})",
          .user = "ana",
          .paused = true,
          .cancelled = false,
          .created_at = WallFromMicros(10),
          .updated_at = WallFromMicros(11),
          .completed_at = std::nullopt,
          .cursor = WallFromMicros(5),
          .dates = 9,
          .made = 4,
          .skipped = 2,
          .after = 6};
}

TEST_F(OperationsTest, TheAuditLogIsFoundByObjectUserActionAndTime) {
  Batch batch;
  const auto did = [&batch](std::int64_t at, const char* user, const char* action, const char* object) {
    batch.records.emplace_back(AuditRecord{WallFromMicros(at), user, action, object, "{}"});
  };
  did(1, "ana", "login", "ana");
  did(2, "ana", "pause", "etl");
  did(3, "ben", "trigger", "etl/r1");
  did(4, "ben", "trigger", "etl2/r1");
  did(5, "ben", "clear", "etl/r1/load");
  Commit(batch);
  const auto found = [this](const AuditFilter& filter) {
    std::vector<std::int64_t> times;
    const auto listing = readers_->audit().ListAudit(filter).value();
    for (const AuditEntry& entry : listing.rows) times.push_back(ToMicros(entry.record.at));
    return times;
  };
  using Times = std::vector<std::int64_t>;
  EXPECT_EQ(found({}), (Times{5, 4, 3, 2, 1}));
  EXPECT_EQ(found({.object = "etl"}), (Times{5, 3, 2}));
  EXPECT_EQ(found({.object = "etl/r1"}), (Times{5, 3}));
  EXPECT_EQ(found({.user = "ben", .action = "trigger", .descending = false}), (Times{3, 4}));
  EXPECT_EQ(found({.excluded = {"trigger", "login"}}), (Times{5, 2}));
  EXPECT_EQ(found({.after = WallFromMicros(2), .before = WallFromMicros(4), .page = {.limit = 2}}),
            (Times{4, 3}));
  EXPECT_EQ(readers_->audit().ListAudit({.page = {.limit = 2}})->total, 5);
  EXPECT_EQ(readers_->audit().GetAudit(2)->record.action, "pause");
  EXPECT_EQ(readers_->audit().GetAudit(6).status().code(), Code::kNotFound);
}

TEST_F(OperationsTest, ABackfillIsReadBackWholeAndCountsItsRuns) {
  Batch batch = WithDag();
  batch.backfills.push_back(Example());
  AddRun(batch, RunKey{1}, WallFromMicros(50));
  AddRun(batch, RunKey{2}, WallFromMicros(60));
  batch.runs[1].state = RunState::kFailed;
  Commit(std::move(batch));
  Start();
  EXPECT_EQ(image_.backfills, std::vector<Backfill>{Example()});
  EXPECT_EQ(image_.next_backfill, 8);
  EXPECT_EQ(readers_->backfills().GetBackfill(7).value(), Example());
  EXPECT_EQ(readers_->backfills().GetBackfill(8).status().code(), Code::kNotFound);
  EXPECT_EQ(readers_->backfills().ListBackfills({.dag_id = "etl"})->total, 1);
  EXPECT_EQ(readers_->backfills().ListBackfills({.dag_id = "other"})->total, 0);
  EXPECT_EQ(readers_->backfills().CountRuns(7).value(), (std::vector<std::int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(readers_->runs().GetRun("etl", "r1")->backfill, 7);
  EXPECT_EQ(readers_->runs().ListRuns({.backfill = 7})->total, 2);
  const auto dates = readers_->loader().LoadDates("etl", WallFromMicros(1000), WallFromMicros(1999));
  ASSERT_TRUE(dates.ok());
  ASSERT_EQ(dates->size(), 1U);
  EXPECT_EQ(dates->front().run_id, "r1");
}

TEST_F(OperationsTest, ADeletedRunLeavesNoRowAnywhere) {
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(50));
  AddRun(batch, RunKey{2}, WallFromMicros(60));
  Commit(std::move(batch));
  Batch deleting;
  deleting.deleted_runs.push_back(RunKey{1});
  Commit(std::move(deleting));
  for (const char* table : {"run", "run_event", "deadline"}) EXPECT_EQ(Count(table), 1) << table;
  for (const char* table : {"task_instance", "attempt", "xcom"}) EXPECT_EQ(Count(table), 2) << table;
  EXPECT_EQ(readers_->runs().GetRun("etl", "r1").status().code(), Code::kNotFound);
  EXPECT_TRUE(readers_->runs().GetRun("etl", "r2").ok());
}

TEST_F(OperationsTest, ADeletedDagIsHiddenAndItsVersionsCountOn) {
  Batch batch = WithDag();
  batch.backfills.push_back(Example());
  AddRun(batch, RunKey{1}, WallFromMicros(50));
  Commit(std::move(batch));
  Batch deleting;
  deleting.deleted_runs.push_back(RunKey{1});
  deleting.deleted_dags.push_back("etl");
  deleting.dags.push_back({.dag_id = "etl", .version = 2, .stale = true, .deleted = true});
  Commit(std::move(deleting));
  EXPECT_EQ(readers_->dags().GetDag("etl").status().code(), Code::kNotFound);
  EXPECT_TRUE(readers_->dags().ListDags({.include_stale = true})->rows.empty());
  for (const char* table : {"run", "backfill", "dag_tag", "dataset_use", "dataset_queue"})
    EXPECT_EQ(Count(table), 0) << table;
  EXPECT_EQ(Count("dag_version"), 1);
  Start();
  ASSERT_EQ(image_.dags.size(), 1U);
  EXPECT_TRUE(image_.dags[0].deleted);
  EXPECT_EQ(image_.dags[0].version, 2);
}

TEST_F(OperationsTest, APlaceThatBelongsToAnotherTaskKeepsOnlyWhatTheSameBatchWrites) {
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(50));
  Commit(std::move(batch));
  Batch changing;
  changing.forgotten = {{{RunKey{1}, 0}, false}, {{RunKey{1}, 1}, true}};
  TaskInstance anew;
  anew.key = {RunKey{1}, 0};
  anew.try_number = 4;
  changing.task_instances.push_back(anew);
  Commit(std::move(changing));
  EXPECT_EQ(readers_->task_instances().GetTaskInstance({RunKey{1}, 0})->try_number, 4);
  for (const char* table : {"task_instance"}) EXPECT_EQ(Count(table), 1) << table;
  for (const char* table : {"attempt", "xcom"}) EXPECT_EQ(Count(table), 0) << table;
}

TEST_F(OperationsTest, PoolsAreKeptChangedAndDeleted) {
  Batch batch;
  batch.records = {PoolRow{"db", 3, "the warehouse", true, false}, PoolRow{"gone", 1, "", false, false}};
  Commit(std::move(batch));
  Batch changing;
  changing.records = {PoolRow{"db", 5, "the warehouse", true, false}, PoolRow{"gone", 0, "", false, true}};
  Commit(std::move(changing));
  Start();
  EXPECT_EQ(image_.pools, (std::vector<PoolRow>{{"db", 5, "the warehouse", true, false}}));
}

TEST_F(OperationsTest, RunsThatEndedBeforeATimeAreFoundAndOldJournalRowsGoInPortions) {
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(50));
  AddRun(batch, RunKey{2}, WallFromMicros(60));
  batch.runs.back().state = RunState::kRunning;
  AddRun(batch, RunKey{3}, WallFromMicros(900));
  batch.at = WallFromMicros(40);
  batch.records = {AuditRecord{WallFromMicros(40), "ana", "trigger", "etl", "{}"},
                   AuditRecord{WallFromMicros(900), "ana", "trigger", "etl", "{}"}};
  batch.transitions.push_back({RunKey{1}, -1, 0, 1, 0, batch.at});
  Commit(std::move(batch));
  RunFilter old;
  old.ended_before = WallFromMicros(100);
  EXPECT_EQ(readers_->runs().ListRuns(old)->total, 1);
  old.dag_ids = {"other", "etl"};
  EXPECT_EQ(readers_->runs().ListRuns(old)->total, 1);
  old.dag_ids = {"other"};
  EXPECT_EQ(readers_->runs().ListRuns(old)->total, 0);
  Batch pruning;
  pruning.at = WallFromMicros(1000);
  pruning.records = {PruneRecord{WallFromMicros(100), 10}};
  const std::int64_t journal = Count("journal");
  Commit(std::move(pruning));
  EXPECT_EQ(Count("audit"), 1);
  EXPECT_LT(Count("journal"), journal + 1);
}

TEST_F(OperationsTest, ABackupOpensAsAStoreOfItsOwn) {
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(50));
  Commit(std::move(batch));
  std::filesystem::create_directories(folder_ + "/logs/0");
  std::ofstream(folder_ + "/logs/0/1.log") << "hello";
  std::ofstream(folder_ + "/endpoints.json") << "{}";
  FolderBackups backups(folder_);
  const StatusOr<BackupInfo> made = backups.WriteBackup("monday");
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_EQ(made->folder, folder_ + "/backups/monday");
  EXPECT_GT(made->bytes, 5);
  EXPECT_EQ(backups.WriteBackup("monday").status().code(), Code::kAlreadyExists);
  EXPECT_EQ(backups.WriteBackup("../out").status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::exists(made->folder + "/logs/0/1.log"));
  EXPECT_FALSE(std::filesystem::exists(made->folder + "/endpoints.json"));
  EXPECT_FALSE(std::filesystem::exists(made->folder + "/backups"));
  // What comes after it is not in it.
  Batch more;
  AddRun(more, RunKey{2}, WallFromMicros(60));
  Commit(std::move(more));
  const std::unique_ptr<Store> restored = OpenSqliteStore(made->folder, log_).value();
  const Image image = restored->Load().value();
  EXPECT_EQ(image.dags.size(), 1U);
  EXPECT_EQ(image.next_run_key, 2);
}

TEST_F(OperationsTest, ApprovalsAreListedAtTheTryThatTheirTaskIsAt) {
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(100));
  AddRun(batch, RunKey{2}, WallFromMicros(200));
  batch.task_instances[3].try_number = 3;  // of the second run: it has asked again since, or will
  batch.approvals.push_back({{RunKey{2}, 1}, 3, "{}", WallFromMicros(300), WallFromMicros(400), {}, "", ""});
  batch.task_instances[3].state = TaskState::kDeferred;
  Commit(batch);
  ApprovalReader& reader = readers_->approvals();
  const std::vector<ApprovalEntry> all = *reader.ListApprovals({});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].row, batch.approvals[0]);
  EXPECT_EQ(all[0].run.run_id, "r1");
  EXPECT_EQ(all[1].row, batch.approvals[2]);
  EXPECT_EQ(all[1].instance.state, TaskState::kDeferred);
  EXPECT_EQ(reader.ListApprovals({.answered = false})->size(), 1U);
  EXPECT_EQ(reader.ListApprovals({.dag_id = "etl", .run_id = "r1"})->size(), 1U);
  EXPECT_TRUE(reader.ListApprovals({.dag_id = "other"})->empty());
  EXPECT_EQ(reader.ListApprovals({.dag_pattern = "e%", .states = {TaskState::kDeferred}})->size(), 1U);
  EXPECT_TRUE(reader.ListApprovals({.created_from = WallFromMicros(301)})->empty());
  EXPECT_EQ(*reader.GetApproval({RunKey{2}, 1}, 3), batch.approvals[2]);
  EXPECT_EQ(reader.GetApproval({RunKey{2}, 0}, 1).status().code(), Code::kNotFound);
}

TEST_F(OperationsTest, ApprovalsAndNotesGoWithTheirRun) {
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(100));
  Commit(batch);
  EXPECT_EQ(Count("approval"), 1);
  EXPECT_EQ(Count("note"), 1);
  Batch gone;
  gone.deleted_runs = {RunKey{1}};
  Commit(gone);
  EXPECT_EQ(Count("approval"), 0);
  EXPECT_EQ(Count("note"), 0);
}

TEST_F(OperationsTest, AStoreFromBeforeTriggersAndApprovalsOpensWithItsRunsAndInstances) {
  store_.reset();
  readers_.reset();
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directory(folder_);
  {
    const auto older = Database::Open(DatabasePath(folder_), Database::Mode::kReadWrite).value();
    ASSERT_TRUE(MakeOlder(*older, 4).ok());
    ASSERT_TRUE(older
                    ->Execute("INSERT INTO run (run, dag_id, run_id, type, state, version, run_after, queued_at, conf, "
                              "triggered_by, note) VALUES (3, 'etl', 'r3', 1, 2, 1, 0, 0, '{}', 'ana', '');"
                              "INSERT INTO task_instance (key, state, try_number, max_tries, lost, term, counter, "
                              "session) VALUES (" +
                              std::to_string(3LL << kIndexBits) + ", 4, 1, 0, 0, 1, 1, 0)")
                    .ok());
  }
  Start();
  const millrace::Run run = *readers_->runs().GetRun("etl", "r3");
  EXPECT_EQ(run.triggered_by, "ana");
  EXPECT_FALSE(run.triggering_task.has_value());
  const TaskInstance instance = *readers_->task_instances().GetTaskInstance({RunKey{3}, 0});
  EXPECT_EQ(instance.state, TaskState::kSuccess);
  EXPECT_EQ(ToInt(instance.waits_for), 0);
  EXPECT_TRUE(readers_->approvals().ListApprovals({})->empty());
}

TEST_F(OperationsTest, PagesByCursorSeeEachRowOnceInEveryOrderAndBothWays) {
  Batch batch = WithDag();
  for (std::int64_t key = 1; key <= 23; ++key) {
    AddRun(batch, RunKey{key}, WallFromMicros(1000 - key % 4));
    millrace::Run& run = batch.runs.back();
    run.run_after = WallFromMicros(key % 5);
    if (key % 3 == 0) run.started_at = WallFromMicros(key % 2);  // the others have none
    if (key % 7 == 0) run.logical_date.reset();
  }
  Commit(batch);
  for (const RunOrder order : {RunOrder::kKey, RunOrder::kRunAfter, RunOrder::kLogicalDate, RunOrder::kStartDate,
                               RunOrder::kEndDate}) {
    for (const bool descending : {false, true}) {
      RunFilter filter{.order = order, .descending = descending};
      filter.page.limit = 100;
      const std::vector<millrace::Run> all = readers_->runs().ListRuns(filter)->rows;
      ASSERT_EQ(all.size(), 23U);
      const auto cursor_of = [&](const millrace::Run& run, bool backward) {
        PageCursor cursor{std::nullopt, ToInt(run.key), 0, backward};
        if (order == RunOrder::kRunAfter) cursor.value = ToMicros(run.run_after);
        if (order == RunOrder::kLogicalDate && run.logical_date) cursor.value = ToMicros(*run.logical_date);
        if (order == RunOrder::kStartDate && run.started_at) cursor.value = ToMicros(*run.started_at);
        if (order == RunOrder::kEndDate) cursor.value = ToMicros(*run.ended_at);
        return cursor;
      };
      for (const bool backward : {false, true}) {
        std::vector<millrace::Run> seen;
        filter.page.limit = 5;
        filter.cursor.reset();
        if (backward) {
          filter.cursor = cursor_of(all.back(), true);
          seen.push_back(all.back());
        }
        while (true) {
          const auto page = readers_->runs().ListRuns(filter);
          ASSERT_TRUE(page.ok());
          EXPECT_EQ(page->total, 23);
          if (page->rows.empty()) break;
          seen.insert(backward ? seen.begin() : seen.end(), page->rows.begin(), page->rows.end());
          filter.cursor = cursor_of(backward ? page->rows.front() : page->rows.back(), backward);
        }
        EXPECT_EQ(seen, all) << static_cast<int>(order) << descending << backward;
      }
    }
  }
  TaskInstanceFilter instances;
  instances.page.limit = 7;
  std::size_t count = 0;
  while (true) {
    const auto page = *readers_->task_instances().ListTaskInstances(instances);
    count += page.rows.size();
    if (page.rows.empty()) break;
    instances.cursor = PageCursor{std::nullopt, ToInt(page.rows.back().key.run), page.rows.back().key.index, false};
  }
  EXPECT_EQ(count, 46U);
}

TEST_F(OperationsTest, ANoteIsReplacedAndTakenAway) {
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(100));
  Commit(batch);
  const TaskInstanceKey key{RunKey{1}, 0};
  ASSERT_EQ(readers_->task_instances().ListNotes({key, {RunKey{1}, 1}})->size(), 1U);
  Batch other;
  other.records.push_back(NoteRecord{key, "again", "bob", WallFromMicros(5)});
  Commit(other);
  EXPECT_EQ(readers_->task_instances().ListNotes({key})->at(0).text, "again");
  EXPECT_EQ(readers_->task_instances().ListNotes({key})->at(0).user, "bob");
  Batch none;
  none.records.push_back(NoteRecord{key, "", "bob", WallFromMicros(6)});
  Commit(none);
  EXPECT_TRUE(readers_->task_instances().ListNotes({key})->empty());
}

TEST_F(OperationsTest, VariablesAndConnectionsAreKeptAsTheyWereSealed) {
  Batch batch;
  const VariableRecord bucket{.key = "bucket", .sealed = "v1:abc", .description = "where"};
  ConnectionRecord lake{.id = "lake", .type = "s3", .description = "d", .host = "h", .login = "l", .schema = "s", .port = 5432,
                        .sealed = "v1:def"};
  batch.records = {bucket, VariableRecord{.key = "zone", .sealed = "v1:x", .description = ""}, lake};
  Commit(batch);
  EXPECT_EQ(*readers_->variables().GetVariable("bucket"), bucket);
  EXPECT_EQ(readers_->variables().GetVariable("nothing").status().code(), Code::kNotFound);
  EXPECT_EQ(*readers_->connections().GetConnection("lake"), lake);
  EXPECT_EQ(readers_->variables().ListVariables({.pattern = "b%"})->total, 1);
  const auto listed = *readers_->variables().ListVariables({.descending = true, .page = {.limit = 1, .offset = 1}});
  EXPECT_EQ(listed.total, 2);
  ASSERT_EQ(listed.rows.size(), 1U);
  EXPECT_EQ(listed.rows[0], bucket);
  lake.port.reset();
  lake.sealed = "v1:ghi";
  Batch next;
  next.records = {lake, VariableRecord{.key = "bucket", .sealed = "", .description = "", .deleted = true}};
  Commit(next);
  EXPECT_EQ(*readers_->connections().GetConnection("lake"), lake);
  EXPECT_EQ(readers_->variables().GetVariable("bucket").status().code(), Code::kNotFound);
  lake.deleted = true;
  Batch last;
  last.records = {lake};
  Commit(last);
  EXPECT_EQ(readers_->connections().ListConnections({})->total, 0);
}

TEST_F(OperationsTest, CleaningForgetsCachedResultsThatAreOldOrHaveExpired) {
  Batch batch;
  const auto add = [&batch](const char* key, std::int64_t made, std::optional<WallTime> expires) {
    CachedResult row;
    row.key = key;
    row.dag_id = "etl";
    row.task_id = "a";
    row.made_at = WallFromMicros(made);
    row.expires_at = expires;
    batch.cached.push_back(row);
  };
  add("old", 10, std::nullopt);
  add("new", 30, std::nullopt);
  add("expired", 30, WallFromMicros(15));
  Commit(batch);
  Batch clean;
  clean.records.push_back(PruneRecord{WallFromMicros(20), 100});
  Commit(clean);
  EXPECT_EQ(Count("cached_result"), 1);
  EXPECT_TRUE(readers_->loader().LoadCached("new").ok());
}

TEST_F(OperationsTest, AStoreOfAnOlderProgramKeepsWhatItHasAndGetsRoomForVariables) {
  readers_.reset();
  store_.reset();
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directory(folder_);
  {
    const auto database = *Database::Open(DatabasePath(folder_), Database::Mode::kReadWrite);
    ASSERT_TRUE(MakeOlder(*database, 4).ok());
    ASSERT_TRUE(database->Execute("INSERT INTO pool VALUES ('heavy', 2, '', 0)").ok());
  }
  Start();
  EXPECT_EQ(Count("pool"), 1);
  Batch batch;
  batch.records = {VariableRecord{.key = "bucket", .sealed = "v1:abc", .description = ""}};
  Commit(batch);
  EXPECT_EQ(readers_->variables().GetVariable("bucket")->sealed, "v1:abc");
  EXPECT_EQ(Count("connection") + Count("cached_result"), 0);
}

}  // namespace
}  // namespace millrace::store
