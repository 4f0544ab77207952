#include <gtest/gtest.h>

#include <numeric>

#include "scheduler/jobs/rules/broadcast.h"
#include "scheduler/jobs/rules/coalesce.h"
#include "scheduler/jobs/rules/fuse.h"
#include "scheduler/jobs/rules/ranges.h"
#include "scheduler/jobs/rules/spread.h"

namespace millrace::jobs {
namespace {

JobPlan PlanOf(std::int64_t bytes) {
  JobPlan plan;
  plan.stages = {{.name = "map", .inputs = {"rows"}, .exchange = Exchange::kHash, .keys = {"k"}}, {.name = "reduce", .reads = {{.stage = 0}}}};
  plan.fused = {{.name = "map", .view = "mapped"}};
  plan.splits = {{.input = "rows", .bytes = bytes}};
  plan.input_bytes = bytes;
  return plan;
}

TEST(FuseTest, ASmallInputIsFusedAndALargeOneOnManyWorkersIsNot) {
  EXPECT_TRUE(Fuse(PlanOf(1 << 20), 2, 4).fused);
  JobPlan large = PlanOf(std::int64_t{100} << 30);
  large.stages[0].steps = {{.name = "combine", .view = "states"}};
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
  std::vector<Split> splits;
  for (int i = 0; i < 4; ++i) splits.push_back({.path = std::to_string(i), .bytes = 1000});
  EXPECT_GE(Spread(splits, 2, 2).tasks, 2);
  EXPECT_EQ(PartitionsOf(8, 4000, 2), 8);
  EXPECT_EQ(PartitionsOf(0, 4000, 2), 2);
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

JoinSide Plain(std::int64_t bytes) { return {.name = "side", .bytes = bytes, .plain = true}; }
JoinSide Unknown(std::int64_t bytes) { return {.name = "side", .bytes = bytes}; }
JoinSide Exact(std::int64_t bytes) { return {.name = "side", .bytes = bytes, .exact = true, .started = true}; }
constexpr std::int64_t kMb = 1 << 20;

TEST(BroadcastTest, ASmallSideIsBroadcastWhereItsUnmatchedRowsAreNotKept) {
  EXPECT_EQ(Broadcast("inner", "auto", Plain(900 * kMb), Plain(kMb)).choice, JoinChoice::kBroadcastRight);
  EXPECT_EQ(Broadcast("inner", "auto", Plain(kMb), Plain(900 * kMb)).choice, JoinChoice::kBroadcastLeft);
  EXPECT_EQ(Broadcast("inner", "auto", Plain(900 * kMb), Plain(800 * kMb)).choice, JoinChoice::kShuffle);
  for (const char* type : {"left", "semi", "anti"}) {
    EXPECT_EQ(Broadcast(type, "auto", Plain(900 * kMb), Plain(kMb)).choice, JoinChoice::kBroadcastRight) << type;
    EXPECT_EQ(Broadcast(type, "auto", Plain(kMb), Plain(900 * kMb)).choice, JoinChoice::kShuffle) << type;
  }
  EXPECT_EQ(Broadcast("right", "auto", Plain(kMb), Plain(900 * kMb)).choice, JoinChoice::kBroadcastLeft);
  EXPECT_EQ(Broadcast("right", "auto", Plain(900 * kMb), Plain(kMb)).choice, JoinChoice::kShuffle);
  EXPECT_EQ(Broadcast("full", "broadcast", Plain(kMb), Plain(kMb)).choice, JoinChoice::kShuffle);
}

TEST(BroadcastTest, ASideWhoseSizeNobodyKnowsYetIsAwaitedWhenItMayBecomeSmall) {
  EXPECT_EQ(Broadcast("inner", "auto", Plain(4000 * kMb), Unknown(500 * kMb)).choice, JoinChoice::kAwaitRight);
  EXPECT_EQ(Broadcast("inner", "auto", Plain(4000 * kMb), Exact(kMb)).choice, JoinChoice::kBroadcastRight);
  EXPECT_EQ(Broadcast("inner", "auto", Plain(4000 * kMb), Exact(400 * kMb)).choice, JoinChoice::kShuffle);
  EXPECT_EQ(Broadcast("inner", "auto", Unknown(4000 * kMb), Unknown(3000 * kMb)).choice, JoinChoice::kShuffle);
  EXPECT_EQ(Broadcast("inner", "auto", Unknown(20 * kMb), Exact(400 * kMb)).choice, JoinChoice::kShuffle)
      << "the right side is shuffled already";
}

TEST(BroadcastTest, TheAuthorsHintComesFirst) {
  EXPECT_EQ(Broadcast("inner", "shuffle", Plain(900 * kMb), Plain(kMb)).choice, JoinChoice::kShuffle);
  EXPECT_EQ(Broadcast("left", "broadcast", Plain(900 * kMb), Plain(800 * kMb)).choice, JoinChoice::kBroadcastRight);
  EXPECT_EQ(Broadcast("left", "broadcast", Plain(900 * kMb), Unknown(800 * kMb)).choice, JoinChoice::kAwaitRight);
}

TEST(RangesTest, BoundsDivideTheRowsEquallyAndNoneStandsTwice) {
  MapResult few;
  few.sample = {"10", "20", "30", "40"};
  few.partitions = {{.bytes = 1, .rows = 4}};
  EXPECT_EQ(Ranges({&few}, 2).bounds, (std::vector<std::string>{"30"}));
  EXPECT_EQ(Ranges({&few}, 4).bounds, (std::vector<std::string>{"20", "30", "40"}));
  MapResult same = few;
  same.sample = {"10", "10", "10", "10"};
  EXPECT_TRUE(Ranges({&same}, 4).bounds.empty()) << "equal rows cannot be divided";
  MapResult large;
  large.sample = {"50", "60"};
  large.partitions = {{.bytes = 1, .rows = 100}};
  EXPECT_EQ(Ranges({&few, &large}, 2).bounds, (std::vector<std::string>{"60"})) << "a sample weighs what its task has";
  EXPECT_TRUE(Ranges({}, 3).bounds.empty());
}

}  // namespace
}  // namespace millrace::jobs
