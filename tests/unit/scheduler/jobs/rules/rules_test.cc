#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "core/model/partition.h"
#include "scheduler/jobs/rules/broadcast.h"
#include "scheduler/jobs/rules/coalesce.h"
#include "scheduler/jobs/rules/cut.h"
#include "scheduler/jobs/rules/fuse.h"
#include "scheduler/jobs/rules/heavy.h"
#include "scheduler/jobs/rules/ranges.h"
#include "scheduler/jobs/rules/salt.h"
#include "scheduler/jobs/rules/speculate.h"
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

// What maps wrote, in KB a partition, each an equal part.
class CutTest : public testing::Test {
 protected:
  static constexpr std::int64_t kKb = 1 << 10;
  void Write(const std::vector<std::int64_t>& kilobytes, std::int32_t maps) {
    maps_.assign(static_cast<std::size_t>(maps), {});
    for (std::int32_t map = 0; map < maps; ++map) {
      MapResult& result = maps_[static_cast<std::size_t>(map)];
      result.output.map_index = map;
      for (const std::int64_t size : kilobytes) result.partitions.push_back({.bytes = size * kKb / maps, .rows = size});
    }
  }
  CutChoice Of(std::vector<CutRead> reads, const StageCut& cut, bool fixed) {
    for (const MapResult& map : maps_) reads[0].maps.push_back(&map);
    return Cut(reads, cut, fixed, 8);
  }
  std::vector<MapResult> maps_;
};

TEST(FuseTest, ASmallInputIsFusedAndALargeOneOnManyWorkersIsNot) {
  EXPECT_TRUE(Fuse(PlanOf(1 << 20), 2, 4).fused);
  JobPlan large = PlanOf(std::int64_t{100} << 30);
  large.stages[0].steps = {{.name = "combine", .view = "states"}};
  EXPECT_FALSE(Fuse(large, 10, 80).fused);
  EXPECT_TRUE(Fuse(large, 1, 8).fused) << "one worker gains nothing from a shuffle";
}

TEST(FuseTest, TextsThatOneTasksMemoryMayNotHoldAreNotKeptInOne) {
  constexpr std::int64_t kGigabyte = 1 << 30;
  JobPlan plan = PlanOf(kGigabyte);
  plan.stages[0].steps = {{.name = "combine", .view = "states", .code = {.sql = "SELECT k, max(t) AS t FROM rows GROUP BY k"}}};
  plan.stages[0].columns = {{"k", "BIGINT"}, {"t", "VARCHAR"}};
  EXPECT_TRUE(Fuse(plan, 1, 4, 4 * kGigabyte).fused) << "sixteen of the worker's";
  EXPECT_TRUE(Fuse(plan, 1, 4).fused) << "nobody knows";
  const FuseChoice choice = Fuse(plan, 1, 4, kGigabyte);
  EXPECT_FALSE(choice.fused);
  EXPECT_NE(choice.decision.why.find("texts"), std::string::npos);
  plan.stages[0].columns[1].type = "BIGINT";
  EXPECT_TRUE(Fuse(plan, 1, 4, kGigabyte).fused) << "DuckDB spills those";
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

TEST_F(CutTest, HotPartitionsAreCutToPiecesOfAboutTheMedian) {
  Write({100, 100, 3000, 130, 100, 0}, 2);
  const CutChoice choice = Of({{.may_cut = true}}, {.views = {"rows"}}, true);
  EXPECT_EQ(choice.usual_bytes, 100 * kKb);
  ASSERT_EQ(choice.hot.size(), 2U) << choice.decision.why;
  const HotPartition& hot = choice.hot[0];
  EXPECT_EQ(hot.partition, 2);
  EXPECT_EQ(hot.points.size() + 1, 24U);
  EXPECT_LE(choice.largest_task_bytes, 125 * kKb);
  // From end to end, without a gap.
  const std::vector<TaskShare> shares = SharesOf(hot, 4);
  ASSERT_EQ(shares.size(), 24U);
  EXPECT_EQ(shares.front().from, CutPoint{});
  EXPECT_EQ(shares.back().to.map, std::numeric_limits<std::int32_t>::max());
  for (std::size_t i = 1; i < shares.size(); ++i) {
    EXPECT_EQ(shares[i].from, shares[i - 1].to);
    EXPECT_LT(shares[i].from, shares[i].to);
  }
  EXPECT_EQ(shares[12].from, (CutPoint{1, 0})) << "half of it is in each map";
}

TEST_F(CutTest, WhatIsNotHotOrMayNotBeCutIsLeftAlone) {
  Write({100, 100, 120, 100}, 2);
  EXPECT_TRUE(Of({{.may_cut = true}}, {.views = {"rows"}}, true).decision.rule.empty());
  Write({100, 100, 3000, 100}, 2);
  const CutChoice never = Of({{.may_cut = false}}, {.never = "there is no merge"}, true);
  EXPECT_TRUE(never.hot.empty());
  EXPECT_NE(never.decision.why.find("there is no merge"), std::string::npos);
  EXPECT_NE(never.decision.why.find("30.0 x the median"), std::string::npos) << never.decision.why;
  EXPECT_TRUE(Of({{.may_cut = true}}, {.views = {"rows"}}, false).hot.empty()) << "3 MB are not worth a stage";
  Write({1, 1, 15, 1}, 2);
  EXPECT_TRUE(Of({{.may_cut = true}}, {.views = {"rows"}}, true).decision.rule.empty()) << "15 KB are not worth a task";
  EXPECT_EQ(Of({{.may_cut = true}}, {.views = {"rows"}, .bytes = 2'000}, true).hot.size(), 1U) << "but as the job says";
}

TEST_F(CutTest, WhereOneKeyHasEverythingTheSlotsShareIt) {
  Write({0, 800'000, 0, 0}, 2);
  const CutChoice choice = Of({{.may_cut = true}}, {.views = {"rows"}}, false);
  ASSERT_EQ(choice.hot.size(), 1U);
  EXPECT_GE(choice.hot[0].points.size(), 6U);
}

TEST_F(CutTest, TheOtherSideOfAJoinIsReadWholeAndCountsInEveryTask) {
  Write({100, 100, 3000, 100, 100}, 2);
  const std::vector<MapResult> left = std::exchange(maps_, {});
  Write({20, 20, 40, 20, 20}, 1);
  std::vector<CutRead> reads = {{.read = 0, .may_cut = true}, {.read = 1, .may_cut = true}};
  for (const MapResult& map : left) reads[0].maps.push_back(&map);
  for (const MapResult& map : maps_) reads[1].maps.push_back(&map);
  const CutChoice choice = Cut(reads, {.views = {"a", "b"}}, true, 4);
  ASSERT_EQ(choice.hot.size(), 1U);
  EXPECT_EQ(choice.hot[0].read, 0);
  EXPECT_LE(choice.largest_task_bytes, 150 * kKb);
  EXPECT_EQ(choice.hot[0].replicated_bytes, 40 * kKb * static_cast<std::int64_t>(choice.hot[0].points.size()));
  reads[0].may_cut = false;
  EXPECT_TRUE(Cut(reads, {.views = {"b"}}, true, 4).hot.empty()) << "the hot side is the kept one's other";
}

TEST_F(CutTest, WhereBothSidesOfAJoinAreHotWhatIsReadTwiceStaysInProportion) {
  Write({100, 100, 8000, 100, 100}, 2);
  const std::vector<MapResult> left = std::exchange(maps_, {});
  for (const std::int64_t other : {500, 4000, 8000}) {
    Write({20, 20, other, 20, 20}, 1);
    std::vector<CutRead> reads = {{.read = 0, .may_cut = true}, {.read = 1, .may_cut = true}};
    for (const MapResult& map : left) reads[0].maps.push_back(&map);
    for (const MapResult& map : maps_) reads[1].maps.push_back(&map);
    const CutChoice choice = Cut(reads, {.views = {"a", "b"}}, true, 4);
    ASSERT_EQ(choice.hot.size(), 1U) << other;
    EXPECT_EQ(choice.hot[0].read, 0) << "the larger one is divided";
    EXPECT_LE(choice.largest_task_bytes, other * kKb * 5 / 4) << "a quarter more than the other side, which each task needs";
    EXPECT_LE(choice.hot[0].replicated_bytes, 4 * 8000 * kKb) << other << ": a piece is a quarter of the other side at least";
    EXPECT_NE(choice.decision.why.find("is hot there, too"), std::string::npos) << choice.decision.why;
    // Where the smaller side alone may be divided there is nothing to gain.
    reads[0].may_cut = false;
    EXPECT_EQ(Cut(reads, {.views = {"b"}}, true, 4).hot.empty(), other < 8000);
  }
}

// The first key that lies in a partition of so many.
HeavyKey KeyIn(std::uint32_t partition, std::uint32_t partitions, std::int64_t bytes) {
  std::uint64_t hash = 1;
  while (PartitionOf(hash, partitions) != partition) ++hash;
  return {.hash = hash, .bytes = bytes, .text = "k"};
}

// A join of two sides that are hot in the third of five partitions.
class GridTest : public CutTest {
 protected:
  void SetUp() override {
    Write({100, 100, 8000, 100, 100}, 2);
    left_ = std::exchange(maps_, {});
    Write({20, 20, 4000, 20, 20}, 2);
    right_ = std::exchange(maps_, {});
    for (MapResult& map : left_) map.heavy = {KeyIn(2, 5, 3900 * kKb)};
    for (MapResult& map : right_) map.heavy = {KeyIn(2, 5, 1900 * kKb)};
  }
  CutChoice Choose(const StageCut& cut = {.views = {"a", "b"}}) {
    for (CutRead& read : reads_) read.maps.clear();
    for (const MapResult& map : left_) reads_[0].maps.push_back(&map);
    for (const MapResult& map : right_) reads_[1].maps.push_back(&map);
    return Cut(reads_, cut, true, 4);
  }
  std::vector<MapResult> left_, right_;
  std::vector<CutRead> reads_ = {{.read = 0, .may_cut = true}, {.read = 1, .may_cut = true}};
};

TEST_F(GridTest, WhereBothSidesAreHotByOneKeyEveryPieceOfTheOneMeetsEveryPieceOfTheOtherOnce) {
  const CutChoice choice = Choose();
  ASSERT_EQ(choice.hot.size(), 1U) << choice.decision.why;
  const HotPartition& hot = choice.hot[0];
  EXPECT_EQ(hot.read, 0) << "the larger one";
  EXPECT_EQ(hot.other_read, 1);
  EXPECT_LE(choice.largest_task_bytes, 150 * kKb) << "the median is 120";
  const auto pieces = static_cast<std::int64_t>(hot.points.size() + 1);
  const auto others = static_cast<std::int64_t>(hot.other_points.size() + 1);
  EXPECT_LE(pieces * others, 8000 / 75 * 4000 / 75 * 11 / 10) << "no more tasks than halves of the limit make";
  EXPECT_EQ(hot.replicated_bytes, 8000 * kKb * (others - 1) + 4000 * kKb * (pieces - 1));
  std::set<std::pair<CutPoint, CutPoint>> met;
  const std::vector<TaskShare> shares = SharesOf(hot, 0);
  for (const TaskShare& share : shares) EXPECT_TRUE(met.emplace(share.from, share.other_from).second);
  EXPECT_EQ(static_cast<std::int64_t>(met.size()), pieces * others);
  EXPECT_EQ(shares.front().other_from, CutPoint{});
  EXPECT_EQ(shares.back().other_to.map, std::numeric_limits<std::int32_t>::max());
  for (std::size_t i = 1; i < static_cast<std::size_t>(others); ++i) EXPECT_EQ(shares[i].other_from, shares[i - 1].other_to);
  EXPECT_NE(choice.decision.why.find("both sides of 1 are hot by the same keys"), std::string::npos) << choice.decision.why;
  std::int64_t read = 0;
  for (const TaskShare& share : shares) {
    read += BytesOf(reads_, share);
    EXPECT_LE(BytesOf(reads_, share), choice.largest_task_bytes + 2) << "but for rounding";
  }
  EXPECT_EQ(read, (8000 + 4000) * kKb + hot.replicated_bytes);
  EXPECT_EQ(BytesOf(reads_, {.group = 0, .begin = 1, .end = 3}), (100 + 20 + 8000 + 4000) * kKb);
}

TEST_F(GridTest, OneSideAloneIsDividedWhereTheOtherMayNotBeOrTheyAreHotByOtherKeys) {
  for (MapResult& map : right_) map.heavy = {KeyIn(3, 5, 1900 * kKb)};
  const CutChoice others = Choose();
  ASSERT_EQ(others.hot.size(), 1U);
  EXPECT_EQ(others.hot[0].other_read, -1) << "nothing comes of most pairs of pieces";
  EXPECT_LE(others.hot[0].replicated_bytes, 4 * 8000 * kKb);
  SetUp();
  reads_[1].may_cut = false;
  const CutChoice kept = Choose({.views = {"a"}});
  ASSERT_EQ(kept.hot.size(), 1U);
  EXPECT_EQ(kept.hot[0].other_read, -1) << "a row of a's that no piece of b's meets is kept once";
}

TEST_F(GridTest, ASaltedKeysPartitionsAreCutWithWhatTheOtherSideHasInEach) {
  // The last two of five partitions are a salted key's: the left side is dealt to them, the right one is whole in both.
  for (MapResult& map : left_) map.partitions = std::vector<PartitionSize>{{100 * kKb, 100}, {100 * kKb, 100}, {100 * kKb, 100}, {4000 * kKb, 4000}, {4000 * kKb, 4000}};
  for (MapResult& map : right_) map.partitions = std::vector<PartitionSize>{{10 * kKb, 10}, {10 * kKb, 10}, {10 * kKb, 10}, {2000 * kKb, 2000}, {2000 * kKb, 2000}};
  for (CutRead& read : reads_) {
    read.salts = {{.hash = left_[0].heavy[0].hash, .first = 3, .count = 2}};
    read.salted_partitions = 2;
  }
  const CutChoice choice = Choose();
  ASSERT_EQ(choice.hot.size(), 2U) << choice.decision.why;
  for (const HotPartition& hot : choice.hot) EXPECT_EQ(hot.other_read, 1);
  for (CutRead& read : reads_) read.salts[0].hash = 0;
  EXPECT_EQ(Choose().hot.at(0).other_read, -1) << "some other key's";
}

TEST_F(GridTest, GridsThatWouldHaveTooManyTasksAreCoarser) {
  const CutChoice choice = Choose({.views = {"a", "b"}, .bytes = 100 * kKb});
  EXPECT_LE(choice.largest_task_bytes, 100 * kKb);
  const CutChoice more = Choose({.views = {"a", "b"}, .bytes = 20 * kKb});
  std::int64_t tasks = 0;
  for (const HotPartition& hot : more.hot) tasks += hot.other_read >= 0 ? hot.tasks() : 0;
  EXPECT_LE(tasks, 16'384);
  EXPECT_GT(tasks, 16'384 / 2);
  EXPECT_GT(more.largest_task_bytes, 20 * kKb);
  EXPECT_LE(more.largest_task_bytes, 120 * kKb);
}

TEST_F(GridTest, OnZipfKeysInBothSidesTheLargestTaskHasAtMostAThirdMoreThanTheMedian) {
  // The chance that a key is at least k is k^-0.3.
  constexpr std::uint32_t kPartitions = 200;
  const auto zipf = [&](double rows) {
    constexpr double kRowBytes = 16;
    MapResult map;
    std::vector<double> shares(kPartitions);
    double rest = 1;
    for (std::uint64_t k = 1; k <= 20'000; ++k) {
      const double share = std::pow(k, -0.3) - std::pow(k + 1, -0.3);
      rest -= share;
      shares[PartitionOf(k, kPartitions)] += share;
      if (k <= 64) map.heavy.push_back({.hash = k, .bytes = static_cast<std::int64_t>(share * rows * kRowBytes), .text = "k"});
    }
    for (const double share : shares) {
      const auto mine = static_cast<std::int64_t>(rows * (share + rest / kPartitions));
      map.partitions.push_back({.bytes = mine * static_cast<std::int64_t>(kRowBytes), .rows = mine});
    }
    return map;
  };
  for (const double rows : {1e6, 1e5, 1e4}) {
    left_ = {zipf(1e6)};
    right_ = {zipf(rows)};
    const CutChoice choice = Choose();
    EXPECT_GT(choice.largest_bytes, 100 * choice.usual_bytes) << "that is hot";
    EXPECT_LE(choice.largest_task_bytes, choice.usual_bytes * 4 / 3) << choice.decision.why;
    // What is read more than once is little beside the rows that the join gives.
    std::int64_t replicated = 0;
    for (const HotPartition& hot : choice.hot) replicated += hot.replicated_bytes;
    EXPECT_LE(static_cast<double>(replicated) / 16, 0.05 * 1e6 * rows / 50) << choice.decision.why;
  }
}

TEST(HeavyTest, WhatMapsTellOfTheirKeysIsAddedUp) {
  std::vector<MapResult> maps(2);
  maps[0].heavy = {{.hash = 1, .bytes = 50, .text = "k=1"}, {.hash = 2, .bytes = 30, .text = ""}};
  maps[1].heavy = {{.hash = 2, .bytes = 40, .text = "k=2"}, {.hash = 3, .bytes = 5, .text = "k=3"}};
  EXPECT_EQ(Heaviest({&maps[0], &maps[1]}, 2),
            (std::vector<HeavyKey>{{.hash = 2, .bytes = 70, .text = "k=2"}, {.hash = 1, .bytes = 50, .text = "k=1"}}));
}

TEST(SaltTest, KeysThatAloneFillAPartitionGetAsManyAsMakeThemLikeTheOthers) {
  StageSalt salt{.partitions = -1, .heavy = {{.hash = 1, .bytes = 400, .text = "k=1"}, {.hash = 2, .bytes = 100, .text = "k=2"}, {.hash = 3, .bytes = 4, .text = "k=3"}},
                 .sampled_bytes = 1000};
  // Of the other half, each of 100 partitions has 0.5 %.
  const SaltChoice choice = Salt(salt, 100);
  ASSERT_EQ(choice.salts.size(), 2U);
  EXPECT_EQ(choice.salts[0].first, 100);
  EXPECT_EQ(choice.salts[0].count, 64);
  EXPECT_EQ(choice.salts[1].first, 164);
  EXPECT_EQ(choice.salts[1].count, 16);
  EXPECT_EQ(choice.partitions, 80);
  salt.partitions = 7;
  EXPECT_EQ(Salt(salt, 100).partitions, 14);
  salt.partitions = 0;
  EXPECT_TRUE(Salt(salt, 100).salts.empty()) << "the job says salt: none";
  salt.partitions = -1;
  EXPECT_EQ(Salt(salt, 1990).partitions, 0) << "never more partitions than there may be";
  salt.heavy.clear();
  EXPECT_TRUE(Salt(salt, 100).salts.empty());
}

TEST(CoalesceTest, PartitionsThatAreReadElsewhereAreInNoTask) {
  const std::vector<PartitionSize> sizes(5, {.bytes = 1000, .rows = 10});
  const CoalesceChoice choice = Coalesce(sizes, false, 4, {false, false, true, false, false});
  EXPECT_EQ(choice.begins, (std::vector<std::int32_t>{0, 3}));
  EXPECT_EQ(choice.ends, (std::vector<std::int32_t>{2, 5}));
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

std::vector<std::int32_t> Again(const SpeculateChoice& choice) {
  std::vector<std::int32_t> indexes;
  for (const SpeculateChoice::Again& again : choice.again) indexes.push_back(again.index);
  return indexes;
}

TEST(SpeculateTest, ATaskThatTakesLongerThanItsSizeExplainsIsTriedTwiceNearTheEndOfItsStage) {
  using std::chrono::seconds;
  const std::vector<TimedTask> ended(9, {.bytes = 1000, .time = seconds(2)});
  EXPECT_EQ(Again(Speculate(ended, {{9, 1000, seconds(5)}}, 0)), std::vector<std::int32_t>{9});
  EXPECT_EQ(Again(Speculate(ended, {{9, 1000, seconds(4)}}, 0)), std::vector<std::int32_t>{}) << "not slow enough";
  EXPECT_EQ(Again(Speculate(ended, {{9, 5000, seconds(19)}}, 0)), std::vector<std::int32_t>{}) << "it reads five times as much";
  const std::vector<TimedTask> quick(9, {.bytes = 1000, .time = std::chrono::milliseconds(1)});
  EXPECT_EQ(Again(Speculate(quick, {{9, 1000, std::chrono::milliseconds(900)}}, 0)), std::vector<std::int32_t>{}) << "a second is nothing";
  EXPECT_EQ(Again(Speculate({ended.begin(), ended.begin() + 2}, {{9, 1000, seconds(90)}}, 0)), std::vector<std::int32_t>{})
      << "two of three is not near the end";
  EXPECT_EQ(Again(Speculate({}, {{9, 1000, seconds(90)}}, 0)), std::vector<std::int32_t>{}) << "nothing to compare with";
}

TEST(SpeculateTest, AtMostATenthOfWhatRunsIsTriedTwiceTheSlowestFirst) {
  using std::chrono::seconds;
  const std::vector<TimedTask> ended(100, {.bytes = 10, .time = seconds(1)});
  std::vector<TimedTask> running;
  for (int i = 0; i < 30; ++i) running.push_back({i, 10, seconds(10 + i)});
  EXPECT_EQ(Again(Speculate(ended, running, 0)), (std::vector<std::int32_t>{29, 28, 27}));
  EXPECT_EQ(Again(Speculate(ended, running, 2)), (std::vector<std::int32_t>{29}));
  EXPECT_EQ(Again(Speculate(ended, {{1, 10, seconds(10)}}, 1)), std::vector<std::int32_t>{});
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
