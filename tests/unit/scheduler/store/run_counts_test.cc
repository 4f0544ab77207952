#include "scheduler/store/run_counts.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/sqlite.h"
#include "tests/support/manual_clock.h"

namespace millrace::store {
namespace {

using std::chrono::minutes;

class RunCountsTest : public testing::Test {
 protected:
  RunCountsTest() : database_(*Database::Open(path_, Database::Mode::kReadWrite)) {
    EXPECT_TRUE(MakeOlder(*database_, kSchemaVersion).ok());
  }
  ~RunCountsTest() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string Temporary() {
    std::string folder = "/tmp/millrace_counts_XXXXXX";
    return ::mkdtemp(folder.data());
  }
  void Add(const std::string& dag, std::optional<WallTime> logical, WallTime run_after, RunState state) {
    Statement statement = *database_->Prepare(
        "INSERT INTO run(run, dag_id, run_id, type, state, version, logical_date, run_after, "
        "queued_at, conf, triggered_by, note, missed_deadlines, backfill) "
        "VALUES (?1, ?2, ?1, 1, ?3, 1, ?4, ?5, ?5, '{}', '', '', 0, 0)");
    statement.Bind(1, ++keys_);
    statement.Bind(2, dag);
    statement.Bind(3, static_cast<std::int64_t>(state));
    if (logical) statement.Bind(4, ToMicros(*logical));
    statement.Bind(5, ToMicros(run_after));
    ASSERT_TRUE(statement.Run().ok());
  }

  const WallTime noon_ = WallFromMicros(983'448'000'000'000);  // 2001-03-01
  const std::string folder_ = Temporary();
  const std::string path_ = folder_ + "/store.sqlite";
  std::unique_ptr<Database> database_;
  std::int64_t keys_ = 0;
};

TEST_F(RunCountsTest, RunsAreCountedByTheQuarterOfAnHourOfTheirDateAndByState) {
  Add("etl", noon_, noon_ + minutes(1440), RunState::kSuccess);
  Add("etl", noon_ + minutes(14), noon_, RunState::kSuccess);
  Add("etl", noon_ + minutes(15), noon_, RunState::kSuccess);
  Add("etl", std::nullopt, noon_ + minutes(3), RunState::kFailed);
  Add("etl", noon_ - minutes(1), noon_, RunState::kSuccess);
  Add("etl", noon_ + minutes(60), noon_, RunState::kRunning);
  Add("other", noon_, noon_, RunState::kSuccess);
  test::ManualClock clock(noon_);
  const std::unique_ptr<ReadPool> pool = *ReadPool::Open(path_, clock);
  const std::vector<RunCount> counts =
      *MakeRunCountReader(*pool)->CountRuns("etl", noon_, noon_ + minutes(60));
  ASSERT_EQ(counts.size(), 3U);
  EXPECT_EQ(counts[0].quarter, noon_);
  EXPECT_EQ(counts[0].state, RunState::kSuccess);
  EXPECT_EQ(counts[0].count, 2);
  EXPECT_EQ(counts[1].state, RunState::kFailed);
  EXPECT_EQ(counts[1].count, 1);
  EXPECT_EQ(counts[2].quarter, noon_ + minutes(15));
}

}  // namespace
}  // namespace millrace::store
