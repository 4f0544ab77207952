#include <gtest/gtest.h>

#include <numeric>

#include "scheduler/jobs/rules/coalesce.h"
#include "scheduler/jobs/rules/fuse.h"
#include "scheduler/jobs/rules/spread.h"

namespace millrace::jobs {
namespace {

JobPlan PlanOf(std::int64_t bytes) {
  JobPlan plan;
  plan.keys = {"k"};
  plan.input_bytes = bytes;
  return plan;
}

TEST(FuseTest, ASmallInputIsFusedAndALargeOneOnManyWorkersIsNot) {
  EXPECT_TRUE(Fuse(PlanOf(1 << 20), 2, 4).fused);
  JobPlan large = PlanOf(std::int64_t{100} << 30);
  large.combine.sql = "SELECT 1";
  EXPECT_FALSE(Fuse(large, 10, 80).fused);
  EXPECT_TRUE(Fuse(large, 1, 8).fused) << "one worker gains nothing from a shuffle";
}

TEST(FuseTest, TheAuthorsModeAndPartitionsComeFirst) {
  JobPlan plan = PlanOf(1 << 20);
  plan.partitions = 8;
  EXPECT_FALSE(Fuse(plan, 2, 4).fused);
  plan.mode = "fused";
  EXPECT_TRUE(Fuse(plan, 2, 4).fused);
}

TEST(SpreadTest, ANumberOfPartitionsIsKeptAndEveryWorkerGetsAMapTask) {
  JobPlan plan = PlanOf(4000);
  plan.partitions = 8;
  for (int i = 0; i < 4; ++i) plan.splits.push_back({.path = std::to_string(i), .bytes = 1000});
  const SpreadChoice choice = Spread(plan, 2, 2);
  EXPECT_EQ(choice.partitions, 8);
  EXPECT_GE(choice.map_tasks, 2);
}

TEST(SpreadTest, DealingKeepsOrderBalancesBytesAndLeavesNoTaskEmpty) {
  std::vector<Split> splits;
  for (int i = 0; i < 10; ++i) splits.push_back({.path = std::to_string(i), .bytes = i == 0 ? 9000 : 1000});
  for (std::int32_t tasks : {1, 2, 3, 9, 10}) {
    const auto dealt = Deal(splits, tasks);
    std::vector<Split> joined;
    for (const auto& list : dealt) {
      EXPECT_FALSE(list.empty()) << tasks;
      joined.insert(joined.end(), list.begin(), list.end());
    }
    EXPECT_EQ(joined, splits) << tasks;
  }
  EXPECT_EQ(Deal(splits, 2)[0].size(), 1U) << "the large split is a task of its own";
}

TEST(CoalesceTest, SmallNeighboursAreReducedTogetherUnlessTheNumberIsTheAuthors) {
  const std::vector<PartitionSize> sizes(16, {.bytes = 2 << 20, .rows = 10});
  EXPECT_EQ(Coalesce(sizes, true, 4).begins.size(), 16U);
  EXPECT_EQ(Coalesce(sizes, false, 4).begins.size(), 4U);
  EXPECT_EQ(Coalesce(std::vector<PartitionSize>(3), false, 4).begins, (std::vector<std::int32_t>{0})) << "nothing was shuffled";
  const std::vector<PartitionSize> tiny(16, {.bytes = 1000, .rows = 10});
  EXPECT_EQ(Coalesce(tiny, false, 4).begins.size(), 1U) << "a task would take longer to start than to run";
}

}  // namespace
}  // namespace millrace::jobs
