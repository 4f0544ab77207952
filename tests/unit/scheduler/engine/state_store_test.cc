// State stores: which attempts they answer, what a retry, a clear and the clock make of what is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

using ::testing::HasSubstr;

class NoDagFiles final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return NotFound("no such file"); }
};

class StateStoreTest : public testing::Test {
 protected:
  void Load(const std::string& tasks) {
    const dagbag::LoadResult loaded =
        dagbag::LoadDagFile("etl.yaml", "dag_id: etl\ntasks:\n" + tasks, files_, zones_);
    for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.message;
    for (const DagPtr& dag : loaded.dags) driver_.LoadDag(dag);
    session_ = driver_.Join("w");
  }

  Fence FenceOf(const std::string& task) const { return driver_.Assigned(task)->assignment.fence; }

  // What the scheduler says to an attempt.
  StateAnswer Ask(StateRequest request) {
    request.id = ++ids_;
    driver_.Apply(StateAsked{session_, request});
    const std::vector<StateAnswer> answers = driver_.Effects<StateAnswer>();
    EXPECT_EQ(answers.size(), 1U);
    if (answers.empty()) return {};
    EXPECT_EQ(answers[0].id, request.id);
    EXPECT_EQ(answers[0].fence, request.fence);
    EXPECT_EQ(answers[0].session, session_);
    return answers[0];
  }
  StateAnswer Set(Fence fence, const std::string& key, const std::string& json, Duration retention = Duration(0)) {
    return Ask({.fence = fence, .op = StateOp::kSet, .dataset = "", .key = key, .json = json, .retention = retention});
  }
  // "-" when there is none.
  std::string Get(Fence fence, const std::string& key, const std::string& dataset = "") {
    const StateAnswer answer = Ask({.fence = fence, .op = StateOp::kGet, .dataset = dataset, .key = key, .json = ""});
    return !answer.error.empty() ? answer.error : answer.found ? answer.json : "-";
  }

  platform::TzdbZones zones_;
  NoDagFiles files_;
  EngineDriver driver_;
  SessionId session_{};
  std::uint64_t ids_ = 0;
};

TEST_F(StateStoreTest, what_an_attempt_sets_its_retry_reads) {
  Load("  - {id: a, uses: shell, retries: 1, retry_delay: 1s, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  const Fence first = FenceOf("a");
  EXPECT_EQ(Get(first, "job_id"), "-");
  EXPECT_EQ(Set(first, "job_id", R"("j-1")").error, "");
  EXPECT_EQ(Get(first, "job_id"), R"("j-1")");
  driver_.End("a", Outcome::kFailed);
  driver_.Advance(std::chrono::seconds(2));
  const Fence second = FenceOf("a");
  ASSERT_NE(first, second);
  EXPECT_EQ(Get(second, "job_id"), R"("j-1")");
  EXPECT_THAT(Set(first, "job_id", R"("late")").error, HasSubstr("over"));
  EXPECT_EQ(Get(second, "job_id"), R"("j-1")") << "an old attempt changes nothing";
  EXPECT_EQ(Ask({.fence = second, .op = StateOp::kDelete, .dataset = "", .key = "job_id", .json = ""}).error, "");
  EXPECT_EQ(Get(second, "job_id"), "-");
}

TEST_F(StateStoreTest, what_was_set_is_durable_when_the_answer_leaves) {
  Load("  - {id: a, uses: shell, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  Set(FenceOf("a"), "n", "1");
  EXPECT_EQ(driver_.rows.LoadTaskState(driver_.KeyOf("a"), "n")->json, "1");
  const Fence fence = FenceOf("a");
  driver_.Restart();
  session_ = driver_.Rejoin("w", session_, {fence});
  EXPECT_EQ(Get(fence, "n"), "1") << "asked again of the scheduler that started anew";
}

TEST_F(StateStoreTest, what_a_broken_stream_delivers_late_undoes_nothing) {
  Load("  - {id: a, uses: shell, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  const Fence fence = FenceOf("a");
  StateRequest first{.fence = fence, .id = 1, .op = StateOp::kSet, .dataset = "", .key = "n", .json = "1"};
  StateRequest second = first;
  second.id = 2;
  second.json = "2";
  for (const StateRequest& request : {first, first, second, first}) {
    driver_.Apply(StateAsked{session_, request});
    ASSERT_EQ(driver_.Effects<StateAnswer>().size(), 1U);
    EXPECT_EQ(driver_.Effects<StateAnswer>()[0].error, "");
  }
  EXPECT_EQ(driver_.rows.LoadTaskState(driver_.KeyOf("a"), "n")->json, "2");
}

TEST_F(StateStoreTest, a_worker_speaks_for_its_own_attempts_only) {
  Load("  - {id: a, uses: shell, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  const Fence fence = FenceOf("a");
  session_ = driver_.Join("other");
  EXPECT_THAT(Set(fence, "n", "1").error, HasSubstr("over"));
}

TEST_F(StateStoreTest, clear_starts_over_unless_it_is_kept) {
  Load("  - {id: a, uses: shell, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  Set(FenceOf("a"), "n", "1");
  driver_.End("a");
  ClearTasks clear{.dag_id = "etl", .run_id = "r", .task_ids = {"a"}};
  clear.dry_run = true;
  ASSERT_TRUE(driver_.Do(clear).ok());
  clear.dry_run = false;
  clear.keep_task_state = true;
  ASSERT_TRUE(driver_.Do(clear).ok());
  driver_.Start("a");
  EXPECT_EQ(Get(FenceOf("a"), "n"), "1");
  driver_.End("a");
  clear.keep_task_state = false;
  ASSERT_TRUE(driver_.Do(clear).ok());
  driver_.Start("a");
  EXPECT_EQ(Get(FenceOf("a"), "n"), "-");
}

TEST_F(StateStoreTest, an_attempt_that_was_cleared_writes_nothing_behind_the_clear) {
  Load("  - {id: a, uses: shell, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  const Fence fence = FenceOf("a");
  Set(fence, "n", "1");
  ASSERT_TRUE(driver_.Do(ClearTasks{.dag_id = "etl", .run_id = "r", .task_ids = {"a"}}).ok());
  EXPECT_THAT(Set(fence, "n", "2").error, HasSubstr("cancelled"));
  EXPECT_TRUE(driver_.rows.task_states.empty());
}

TEST_F(StateStoreTest, values_expire_after_thirty_days_or_as_they_say) {
  Load("  - {id: a, uses: shell, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  const Fence fence = FenceOf("a");
  Set(fence, "default", "1");
  Set(fence, "short", "2", std::chrono::hours(1));
  Set(fence, "long", "3", kForEver);
  const TaskInstanceKey key = driver_.KeyOf("a");
  EXPECT_EQ(driver_.rows.LoadTaskState(key, "default")->expires_at, driver_.now().wall + std::chrono::hours(24 * 30));
  EXPECT_EQ(driver_.rows.LoadTaskState(key, "long")->expires_at, std::nullopt);
  driver_.StepClock(std::chrono::hours(1));
  EXPECT_EQ(Get(fence, "short"), "-");
  EXPECT_EQ(Get(fence, "default"), "1");
  driver_.StepClock(std::chrono::hours(24 * 30));
  EXPECT_EQ(Get(fence, "default"), "-");
  EXPECT_EQ(Get(fence, "long"), "3");
}

TEST_F(StateStoreTest, a_dataset_keeps_over_runs_what_its_tasks_set) {
  Load(
      "  - {id: load, uses: shell, outlets: [orders], with: {command: x}}\n"
      "  - {id: other, uses: shell, inlets: [users], with: {command: x}}");
  driver_.Trigger("etl", "r1");
  driver_.Start("r1/load");
  const StateRequest set{.fence = FenceOf("r1/load"), .op = StateOp::kSet, .dataset = "orders", .key = "watermark", .json = "7"};
  EXPECT_EQ(Ask(set).error, "");
  const DatasetStateRow row = *driver_.rows.LoadDatasetState("orders", "watermark");
  EXPECT_EQ(row.dag_id + " " + row.run_id + " " + row.task_id, "etl r1 load");
  driver_.Trigger("etl", "r2");
  driver_.Start("r2/load");
  EXPECT_EQ(Get(FenceOf("r2/load"), "watermark", "orders"), "7");
  driver_.Start("r2/other");
  EXPECT_THAT(Get(FenceOf("r2/other"), "watermark", "orders"), HasSubstr("neither an inlet nor an outlet of task other"));
  EXPECT_EQ(Get(FenceOf("r2/other"), "watermark", "users"), "-");
  ASSERT_TRUE(driver_.Do(ClearTasks{.dag_id = "etl", .run_id = "r1", .task_ids = {}}).ok());
  EXPECT_EQ(Get(FenceOf("r2/load"), "watermark", "orders"), "7") << "clearing tasks leaves datasets alone";
}

TEST_F(StateStoreTest, what_goes_with_its_run) {
  Load("  - {id: a, uses: shell, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  Set(FenceOf("a"), "n", "1");
  driver_.End("a");
  ASSERT_EQ(driver_.rows.task_states.size(), 1U);
  ASSERT_TRUE(driver_.Do(DeleteRun{.dag_id = "etl", .run_id = "r"}).ok());
  EXPECT_TRUE(driver_.rows.task_states.empty());
}

TEST_F(StateStoreTest, a_refusal_says_what_is_wrong_and_does_nothing) {
  Load("  - {id: a, uses: shell, with: {command: x}}");
  driver_.Trigger("etl", "r");
  driver_.Start("a");
  EXPECT_THAT(Set(FenceOf("a"), "n", "null").error, HasSubstr("cannot be null"));
  EXPECT_THAT(Set(FenceOf("a"), "", "1").error, HasSubstr("1 to 512 bytes"));
  EXPECT_TRUE(driver_.rows.task_states.empty());
}

}  // namespace
}  // namespace millrace::test
