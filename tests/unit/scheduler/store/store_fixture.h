// A real store in a folder of its own, and what this room's tests write into it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include "platform/clock.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/sqlite.h"
#include "scheduler/store/sqlite_readers.h"
#include "scheduler/store/sqlite_store.h"

namespace millrace::store {

class StoreFolder : public testing::Test {
 protected:
  StoreFolder() {
    std::string pattern = testing::TempDir() + "millrace-store-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~StoreFolder() override { std::filesystem::remove_all(folder_); }

  // What an older program left: its tables, and `sql` in them.
  void LeaveOlder(int version, const std::string& sql = "") {
    const auto older = Database::Open(DatabasePath(folder_), Database::Mode::kReadWrite).value();
    ASSERT_TRUE(MakeOlder(*older, version).ok());
    ASSERT_TRUE(older->Execute(sql).ok());
  }

  std::int64_t Count(const std::string& table) {
    const std::unique_ptr<Database> database =
        Database::Open(DatabasePath(folder_), Database::Mode::kReadOnly).value();
    Statement statement = database->Prepare("SELECT count(*) FROM " + table).value();
    MILLRACE_CHECK(statement.Step().ok());
    return statement.Int(0);
  }

  class Quiet : public LogSink {
   public:
    void Log(LogLevel, std::string_view) override {}
  };

  std::string folder_;
  Quiet log_;
  platform::SystemClock clock_;
};

class StoreTest : public StoreFolder {
 protected:
  ~StoreTest() override { Close(); }

  // Also again, as after a restart.
  void Open() {
    Close();
    StatusOr<std::unique_ptr<Store>> opened = OpenSqliteStore(folder_, log_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(opened).value();
    image_ = store_->Load().value();
    readers_ = SqliteReaders::Open(folder_, clock_).value();
  }
  void Close() {
    readers_.reset();
    store_.reset();
  }

  void Commit(Batch batch) {
    batch.term = image_.term;
    batch.sequence = ++image_.sequence;
    std::promise<CommitResult> promise;
    store_->Commit(std::make_shared<const Batch>(std::move(batch)),
                   [&](CommitResult result) { promise.set_value(std::move(result)); });
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

  std::unique_ptr<Store> store_;
  std::unique_ptr<SqliteReaders> readers_;
  Image image_;
};

}  // namespace millrace::store
