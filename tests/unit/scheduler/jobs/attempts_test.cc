// What a job does with attempts that starve, and with those that are slow.
#include "tests/unit/scheduler/jobs/job_fixture.h"

namespace millrace::jobs {
namespace {

TEST_F(JobTest, AStageTaskThatRanOutOfMemoryGetsMoreSlotsUntilItHasAllOfAWorker) {
  Job job(key_, kWith, {.workers = 2, .slots = 8});
  Report starved = Failure(Outcome::kFailed);
  starved.error_class = kOutOfMemory;
  Actions last = ToMaps(job, Plan(1, 1));
  for (const std::int32_t slots : {1, 2, 4}) {
    ASSERT_EQ(last.start.size(), 1U);
    EXPECT_EQ(last.start[0].slots, slots);
    last = job.OnEnded(last.start[0].id, starved, kFirst, "w", {});
  }
  for (int failures = 1; failures < 4; ++failures) {
    EXPECT_EQ(last.start.at(0).slots, 4) << "there is no more; from now on it counts as a failure";
    last = job.OnEnded(last.start[0].id, starved, kFirst, "w", {});
  }
  ASSERT_TRUE(last.finish);
  EXPECT_EQ(last.finish->outcome, Outcome::kFailed);
  EXPECT_NE(job.ReportJson().find("map 0 runs again with 2 slots and their memory"), std::string::npos) << job.ReportJson();
}

TEST_F(JobTest, AFusedJobThatRanOutOfMemoryIsDistributedAndStaysSoAfterARestart) {
  Report starved = Failure(Outcome::kFailed);
  starved.error_class = kOutOfMemory;
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions fused = ToMaps(job, Plan(4, 0, ""));
  ASSERT_TRUE(std::holds_alternative<FusedWork>(fused.start.at(0).work->work));
  const Actions maps = job.OnEnded(fused.start[0].id, starved, kFirst, "w", {});
  EXPECT_EQ(maps.start.size(), 4U);
  ASSERT_EQ(maps.winners.size(), 1U) << "durable with the plan";
  Job restarted(key_, kWith, {.workers = 2, .slots = 4});
  EXPECT_EQ(restarted.Begin(maps.winners, {}).start.size(), 4U);

  Job forced(key_, kWith, {.workers = 2, .slots = 4});
  const Actions again = forced.OnEnded(ToMaps(forced, Plan(4, 0, "fused")).start.at(0).id, starved, kFirst, "w", {});
  EXPECT_TRUE(std::holds_alternative<FusedWork>(again.start.at(0).work->work)) << "the job says mode: fused";
}

TEST_F(JobTest, WhatATaskReadsIsCutToTheMemoryOfASlot) {
  const auto tasks = [this](std::int64_t slot_bytes) {
    JobPlan plan = Plan(1000, 0);
    for (Split& split : plan.splits) split.bytes = 1 << 20;
    plan.input_bytes = 1000 << 20;
    Job job(key_, kWith, {.workers = 2, .slots = 2, .slot_bytes = slot_bytes});
    const Actions maps = ToMaps(job, plan);
    const std::int32_t partitions = std::get<StageTaskWork>(maps.start.at(0).work->work).partitions;
    return std::pair(maps.start.size(), partitions);
  };
  const auto [maps, partitions] = tasks(std::int64_t{4} << 30);
  const auto [small_maps, small_partitions] = tasks(64 << 20);
  EXPECT_EQ(tasks(0), std::pair(maps, partitions)) << "not known: as with plenty";
  EXPECT_GE(small_maps, 1000U / 16) << "a combine holds what it reads";
  EXPECT_EQ(partitions, 16) << "of 64 MiB";
  EXPECT_EQ(small_partitions, 157) << "of a tenth of a slot's memory";
}

// Three of four maps done in a second each; the last has run for ten.
class SlowTest : public JobTest {
 protected:
  void SetUp() override {
    maps_ = ToMaps(job_, Plan(4, 2));
    for (int i = 0; i < 3; ++i) {
      const Start& start = maps_.start.at(static_cast<std::size_t>(i));
      Report report = Success(Map(start, kFirst));
      report.ended_at = report.started_at + std::chrono::seconds(1);
      EXPECT_TRUE(job_.OnEnded(start.id, report, kFirst, "w", {}).start.empty());
    }
    const Actions ticked = job_.OnTick({{slow(), std::chrono::seconds(10)}});
    ASSERT_EQ(ticked.start.size(), 1U);
    copy_ = ticked.start[0];
    EXPECT_EQ(copy_.id, (StageTaskId{0, 3, 1}));
    EXPECT_TRUE(job_.OnTick({{slow(), std::chrono::seconds(11)}}).start.empty()) << "not a third time";
  }
  StageTaskId slow() const { return maps_.start.at(3).id; }

  Job job_{key_, kWith, {.workers = 2, .slots = 4}};
  Actions maps_;
  Start copy_;
};

TEST_F(SlowTest, WhereTheCopyEndsFirstItIsChosenAndTheFirstIsCancelled) {
  const Actions reduces = job_.OnEnded(copy_.id, Success(Map(maps_.start[3], kSecond)), kSecond, "w2", {});
  EXPECT_EQ(reduces.cancel, std::vector{slow()});
  EXPECT_EQ(reduces.start.size(), 2U);
  ASSERT_FALSE(reduces.winners.empty());
  EXPECT_EQ(reduces.winners[0].worker, "w2");
  const Actions late = job_.OnEnded(slow(), Success(Map(maps_.start[3], kFirst)), kFirst, "w", {});
  EXPECT_TRUE(late.winners.empty() && late.start.empty()) << "two are never both chosen";
  EXPECT_NE(job_.ReportJson().find("map 3 is tried a second time"), std::string::npos) << job_.ReportJson();
}

TEST_F(SlowTest, WhereTheFirstEndsFirstTheCopyIsCancelled) {
  const Actions reduces = End(job_, maps_.start[3], Map(maps_.start[3], kFirst));
  EXPECT_EQ(reduces.cancel, std::vector{copy_.id});
  EXPECT_EQ(reduces.start.size(), 2U);
  EXPECT_TRUE(job_.OnEnded(copy_.id, Success(Map(maps_.start[3], kSecond)), kSecond, "w2", {}).winners.empty());
}

TEST_F(SlowTest, ACopyThatFailsChangesNothingAndMayBeTriedAgain) {
  const Actions failed = job_.OnEnded(copy_.id, Failure(Outcome::kFailFinal), kSecond, "w2", {});
  EXPECT_FALSE(failed.finish);
  EXPECT_TRUE(failed.start.empty() && failed.cancel.empty());
  EXPECT_EQ(job_.OnTick({{slow(), std::chrono::seconds(12)}}).start.size(), 1U);
}

TEST_F(SlowTest, WhenTheJobEndsBothAreCancelled) {
  const Actions over = job_.OnEnded(slow(), Failure(Outcome::kFailFinal), kFirst, "w", {});
  ASSERT_TRUE(over.finish);
  EXPECT_EQ(over.cancel, std::vector{copy_.id});
}

}  // namespace
}  // namespace millrace::jobs
