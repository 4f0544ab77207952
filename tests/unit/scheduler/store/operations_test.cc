// What people operate with, on the real store: backfills, pools, deletion, places that belong to another
// task, backups.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "scheduler/store/backup.h"
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

class OperationsTest : public StoreTest {
 protected:
  OperationsTest() { Open(); }
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
  Open();
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
  Open();
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
  Open();
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
  // As dagctl up has them: a worker's folder with its socket.
  std::filesystem::create_directories(folder_ + "/workers/w1");
  for (const char* path : {"/workers/w1/shuffle.sock", "/logs/0/socket"})
    ASSERT_EQ(mkfifo((folder_ + path).c_str(), 0600), 0);
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
  EXPECT_FALSE(std::filesystem::exists(made->folder + "/workers"));
  EXPECT_FALSE(std::filesystem::exists(made->folder + "/logs/0/socket"));
  // What comes after it is not in it.
  Batch more;
  AddRun(more, RunKey{2}, WallFromMicros(60));
  Commit(std::move(more));
  const std::unique_ptr<Store> restored = OpenSqliteStore(made->folder, log_).value();
  const Image image = restored->Load().value();
  EXPECT_EQ(image.dags.size(), 1U);
  EXPECT_EQ(image.next_run_key, 2);
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

}  // namespace
}  // namespace millrace::store
