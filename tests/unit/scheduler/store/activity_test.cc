#include "scheduler/store/activity.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/rows.h"
#include "scheduler/store/schema.h"
#include "tests/support/manual_clock.h"

namespace millrace::store {
namespace {

using std::chrono::minutes;

class ActivityTest : public testing::Test {
 protected:
  ActivityTest() : database_(*Database::Open(path_, Database::Mode::kReadWrite)) {
    // Of a program that did not know when runs ended, brought up to date.
    EXPECT_TRUE(MakeOlder(*database_, 9).ok());
    EXPECT_TRUE(Migrate(*database_, path_).ok());
  }
  ~ActivityTest() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string Temporary() {
    std::string folder = "/tmp/millrace_activity_XXXXXX";
    return ::mkdtemp(folder.data());
  }
  RunKey AddRun(RunState state, WallTime begin, std::optional<WallTime> end) {
    Statement statement = *database_->Prepare(
        "INSERT INTO run(run, dag_id, run_id, type, state, version, run_after, queued_at, started_at, "
        "ended_at, conf, "
        "triggered_by, note, missed_deadlines, backfill) "
        "VALUES (?1, 'etl', ?1, 1, ?2, 1, ?3, ?3, ?3, ?4, '{}', '', '', 0, 0)");
    statement.Bind(1, ++keys_);
    statement.Bind(2, static_cast<std::int64_t>(state));
    statement.Bind(3, ToMicros(begin));
    statement.Bind(4, end);
    EXPECT_TRUE(statement.Run().ok());
    return RunKey{keys_};
  }
  void AddInstance(RunKey run, std::int32_t index, TaskState state, std::optional<WallTime> begin,
                   std::optional<WallTime> end) {
    Statement statement = *database_->Prepare(
        "INSERT INTO task_instance(key, state, try_number, max_tries, lost, term, counter, session, "
        "queued_at, "
        "started_at, ended_at, worker) VALUES (?, ?, 1, 0, 0, 1, 1, 0, ?, ?, ?, 'w1')");
    statement.Bind(1, PackKey({run, index}));
    statement.Bind(2, static_cast<std::int64_t>(state));
    statement.Bind(3, begin);
    statement.Bind(4, state == TaskState::kQueued ? std::nullopt : begin);
    statement.Bind(5, end);
    ASSERT_TRUE(statement.Run().ok());
  }
  std::unique_ptr<ReadPool> Pool() { return *ReadPool::Open(path_, clock_); }

  const WallTime noon_ = WallFromMicros(983'448'000'000'000);  // 2001-03-01
  test::ManualClock clock_{noon_};
  const std::string folder_ = Temporary();
  const std::string path_ = folder_ + "/store.sqlite";
  std::unique_ptr<Database> database_;
  std::int64_t keys_ = 0;
};

TEST_F(ActivityTest, WhatEndedIsCountedByPartsOfTheTimeAndWhatGoesOnApart) {
  const RunKey before = AddRun(RunState::kSuccess, noon_ - minutes(9), noon_ - minutes(1));
  AddInstance(before, 0, TaskState::kSuccess, noon_ - minutes(9), noon_ - minutes(1));
  const RunKey done = AddRun(RunState::kFailed, noon_ - minutes(9), noon_ + minutes(12));
  AddInstance(done, 0, TaskState::kSuccess, noon_ - minutes(9), noon_ - minutes(5));
  AddInstance(done, 1, TaskState::kFailed, noon_, noon_ + minutes(12));
  AddInstance(done, 2, TaskState::kUpstreamFailed, std::nullopt, noon_ + minutes(12));
  // It goes on after the window: what ended within is counted.
  const RunKey later = AddRun(RunState::kSuccess, noon_, noon_ + minutes(50));
  AddInstance(later, 0, TaskState::kSuccess, noon_, noon_ + minutes(3));
  const RunKey live = AddRun(RunState::kRunning, noon_, std::nullopt);
  AddInstance(live, 0, TaskState::kSuccess, noon_, noon_ + minutes(1));
  AddInstance(live, 1, TaskState::kRunning, noon_ + minutes(1), std::nullopt);
  // Of an earlier try: its end does not count while it waits for the next.
  AddInstance(live, 2, TaskState::kUpForRetry, noon_, noon_ + minutes(2));
  const ActivityCounts counts = *MakeActivityReader(*Pool())->Count(noon_, noon_ + minutes(30), minutes(10), std::nullopt);
  const auto tell = [](const auto& rows) {
    std::string text;
    for (const auto& [part, state, count] : rows)
      text += std::to_string(part) + " " + std::string(ToString(state)) + " " + std::to_string(count) + "; ";
    return text;
  };
  EXPECT_EQ(tell(counts.runs), "-1 running 1; 1 failed 1; ");
  EXPECT_EQ(tell(counts.task_instances),
            "-1 running 1; -1 up_for_retry 1; 0 success 2; 1 failed 1; 1 upstream_failed 1; ");
  EXPECT_TRUE(counts.all);
  // At most three: those of the newest runs, and it is said.
  const ActivityCounts some = *MakeActivityReader(*Pool(), {.counted = 3})->Count(noon_, noon_ + minutes(30), minutes(10), std::nullopt);
  EXPECT_EQ(tell(some.task_instances), "-1 running 1; -1 up_for_retry 1; 0 success 1; ");
  EXPECT_FALSE(some.all);
}

TEST_F(ActivityTest, AWindowHasWhatWaitedOrWorkedInIt) {
  const RunKey done = AddRun(RunState::kSuccess, noon_ - minutes(20), noon_ + minutes(5));
  AddInstance(done, 0, TaskState::kSuccess, noon_ - minutes(20), noon_ - minutes(10));
  AddInstance(done, 1, TaskState::kSuccess, noon_ - minutes(10), noon_ + minutes(5));
  AddInstance(done, 2, TaskState::kSkipped, std::nullopt, noon_ + minutes(5));
  const RunKey live = AddRun(RunState::kRunning, noon_, std::nullopt);
  AddInstance(live, 0, TaskState::kRunning, noon_ + minutes(1), std::nullopt);
  AddInstance(live, 1, TaskState::kQueued, noon_ + minutes(2), std::nullopt);
  AddInstance(live, 2, TaskState::kRunning, noon_ + minutes(31), std::nullopt);
  const std::unique_ptr<ReadPool> pool = Pool();
  const std::unique_ptr<ActivityReader> reader = MakeActivityReader(*pool);
  const WindowActivity window = *reader->ListWindow(noon_, noon_ + minutes(30), 100, std::nullopt);
  ASSERT_EQ(window.runs.size(), 2U);
  EXPECT_EQ(window.runs[0].run.key, live);
  ASSERT_EQ(window.runs[0].instances.size(), 2U);
  EXPECT_EQ(window.runs[0].instances[1].state, TaskState::kQueued);
  ASSERT_EQ(window.runs[1].instances.size(), 1U);
  EXPECT_EQ(window.runs[1].instances[0].key.index, 1);
  EXPECT_TRUE(window.all);

  const WindowActivity some = *reader->ListWindow(noon_, noon_ + minutes(30), 2, std::nullopt);
  ASSERT_EQ(some.runs.size(), 1U);
  EXPECT_EQ(some.runs[0].instances.size(), 2U);
  EXPECT_FALSE(some.all);
  EXPECT_TRUE(MakeActivityReader(*pool, {.runs = 2})->ListWindow(noon_, noon_ + minutes(30), 100, std::nullopt)->all);
  // A run that is not looked at may have what is not listed.
  const WindowActivity newest = *MakeActivityReader(*pool, {.runs = 1})->ListWindow(noon_, noon_ + minutes(30), 100, std::nullopt);
  ASSERT_EQ(newest.runs.size(), 1U);
  EXPECT_EQ(newest.runs[0].run.key, live);
  EXPECT_FALSE(newest.all);
}

TEST_F(ActivityTest, RunsAreFoundByWhenTheyEndedWithoutALookAtAllOfThem) {
  Statement plan = *database_->Prepare("EXPLAIN QUERY PLAN SELECT run FROM run WHERE ended_at >= 5");
  ASSERT_TRUE(*plan.Step());
  EXPECT_NE(plan.Text(3).find("run_by_end"), std::string::npos) << plan.Text(3);
}

}  // namespace
}  // namespace millrace::store
