// What a Job does about partitions that came out hot: which tasks it asks for, what a restart and a re-made output do to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "core/model/codec.h"
#include "core/model/json.h"
#include "core/model/partition.h"
#include "scheduler/jobs/job.h"

namespace millrace::jobs {
namespace {

constexpr const char* kWith = R"json({"inputs": {"rows": {"path": "in/"}}, "map": "SELECT k, v FROM rows",
  "aggregate": {"by": ["k"], "select": {"n": "count(*)"}}, "output": {"path": "out/"}})json";
constexpr std::int64_t kKb = 1 << 10;
constexpr SessionId kFirst{1};
constexpr SessionId kSecond{2};
// The stage that makes states of hot partitions is added behind the plan's.
constexpr std::int32_t kMap = 0, kReduce = 1, kPartial = 2;

class SkewTest : public testing::Test {
 protected:
  static JobPlan Aggregation() {
    JobPlan plan;
    plan.mode = "distributed";
    plan.stages = {{.name = "map", .inputs = {"rows"}, .exchange = Exchange::kHash, .keys = {"k"}, .partitions = 4},
                   {.name = "reduce", .reads = {{.view = "states", .stage = 0, .columns = {{"k", "BIGINT"}}}}}};
    plan.stages[1].steps = {{.name = "merge", .view = "merged", .code = {.sql = "FROM states"}}};
    plan.stages[1].cut = {.views = {"states"}, .partial = {{.name = "merge", .view = "fewer", .code = {.sql = "FROM states"}}}};
    Splits(plan, "rows");
    return plan;
  }
  static JobPlan Join() {
    JobPlan plan;
    plan.mode = "distributed";
    plan.stages = {{.name = "a", .inputs = {"a"}, .exchange = Exchange::kHash, .keys = {"k"}, .partitions = 4},
                   {.name = "b", .inputs = {"b"}, .exchange = Exchange::kHash, .keys = {"k"}, .partitions = 4},
                   {.name = "joined", .reads = {{.view = "a", .stage = 0}, {.view = "b", .stage = 1}}}};
    plan.stages[2].join = {.type = "left", .strategy = "shuffle", .left = "a", .right = "b"};
    plan.stages[2].cut.views = {"a"};
    Splits(plan, "a");
    Splits(plan, "b");
    return plan;
  }
  static void Splits(JobPlan& plan, const std::string& input) {
    for (int i = 0; i < 2; ++i) plan.splits.push_back({.input = input, .path = input + std::to_string(i), .bytes = 1000});
  }
  static const StageTaskWork& WorkOf(const Start& start) { return std::get<StageTaskWork>(start.work->work); }
  static MapResult Map(const Start& start, std::vector<std::int64_t> kilobytes, SessionId session = kFirst) {
    MapResult result;
    result.output.map_index = start.id.index;
    result.output.session = session;
    for (const std::int64_t size : kilobytes) result.partitions.push_back({.bytes = size * kKb, .rows = size});
    result.digest = "d";
    result.order_digest = "o";
    result.input_bytes = 7;
    return result;
  }
  Actions End(Job& job, const Start& start, StageResult result, SessionId session = kFirst) {
    Report report;
    report.fence = {1, ++fences_};
    report.ended = true;
    report.stage = std::move(result);
    Actions actions = job.OnEnded(start.id, report, session, "w", {});
    for (const StageTaskRow& row : actions.winners) rows_[{row.stage, row.index}] = row;
    return actions;
  }
  Actions Plan(Job& job, JobPlan plan) { return End(job, job.Begin({}, {}).start.at(0), PlanResult{.plan = std::move(plan)}); }
  // All of them, each having written so many KB a partition.
  Actions EndMaps(Job& job, const Actions& tasks, const std::vector<std::int64_t>& kilobytes) {
    Actions last;
    for (const Start& start : tasks.start) last = End(job, start, Map(start, kilobytes));
    return last;
  }
  static std::vector<StageTaskId> Ids(const Actions& actions) {
    std::vector<StageTaskId> ids;
    for (const Start& start : actions.start) ids.push_back(start.id);
    return ids;
  }
  static std::set<std::int32_t> StagesOf(const Actions& actions) {
    std::set<std::int32_t> stages;
    for (const Start& start : actions.start) stages.insert(start.id.stage);
    return stages;
  }

  JobKey key_{{RunKey{7}, 3}, 1};
  std::uint64_t fences_ = 0;
  std::map<StageTaskId, StageTaskRow> rows_;
};

TEST_F(SkewTest, AHotPartitionOfAnAggregationBecomesStatesPieceByPieceAndIsReadAsSuch) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions pieces = EndMaps(job, Plan(job, Aggregation()), {100, 100, 1000, 100});
  ASSERT_EQ(StagesOf(pieces), (std::set<std::int32_t>{kPartial}));
  ASSERT_EQ(pieces.start.size(), 8U) << "2000 KB in pieces of at most 250";
  // Every byte of both maps' blocks is in one piece.
  std::map<std::int32_t, std::int64_t> reached;
  for (const Start& start : pieces.start) {
    const TaskRead& read = WorkOf(start).reads.at(0);
    EXPECT_EQ(read.partition_begin, 2);
    EXPECT_EQ(read.partition_end, 3);
    ASSERT_EQ(read.cuts.size(), read.sources.size());
    for (std::size_t i = 0; i < read.cuts.size(); ++i) {
      EXPECT_EQ(read.cuts[i].begin, reached[read.sources[i].map_index]);
      reached[read.sources[i].map_index] = read.cuts[i].end;
    }
    EXPECT_EQ(WorkOf(start).plan.exchange, Exchange::kHash);
    EXPECT_EQ(WorkOf(start).partitions, 4);
  }
  for (const std::int32_t map : {0, 1}) EXPECT_EQ(reached[map], std::numeric_limits<std::int64_t>::max());
  const Actions reduces = EndMaps(job, pieces, {0, 0, 1, 0});
  ASSERT_EQ(StagesOf(reduces), (std::set<std::int32_t>{kReduce}));
  ASSERT_EQ(reduces.start.size(), 4U);
  std::multiset<std::pair<std::string, std::int32_t>> read;
  for (const Start& start : reduces.start) {
    for (const TaskRead& one : WorkOf(start).reads) {
      if (!one.sources.empty()) read.emplace(one.view, one.partition_begin);
    }
    EXPECT_EQ(WorkOf(start).plan.steps.at(0).view, "states");
  }
  EXPECT_EQ(read, (std::multiset<std::pair<std::string, std::int32_t>>{
                      {"states.cut", 2}, {"states.whole", 0}, {"states.whole", 1}, {"states.whole", 3}}));
  const Value report = *ParseJson(job.ReportJson());
  const Value& skew = report.Find("skew")->as_list().at(0);
  EXPECT_EQ(skew.Find("stage")->as_string(), "reduce");
  EXPECT_EQ(skew.Find("largest_bytes")->as_int(), 2000 * kKb);
  EXPECT_EQ(skew.Find("largest_task_bytes")->as_int(), 250 * kKb);
  EXPECT_EQ(skew.Find("tasks")->as_int(), 8);
}

TEST_F(SkewTest, ARestartCutsNothingTwice) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions pieces = EndMaps(job, Plan(job, Aggregation()), {100, 100, 1000, 100});
  ASSERT_EQ(pieces.start.size(), 8U);
  (void)End(job, pieces.start[0], Map(pieces.start[0], {0, 0, 1, 0}));
  std::vector<StageTaskRow> durable;
  for (const auto& [id, row] : rows_) durable.push_back(row);
  Job again(key_, kWith, {.workers = 2, .slots = 4});
  const Actions rest = again.Begin(durable, {});
  EXPECT_EQ(rest.start.size(), 7U);
  EXPECT_EQ(StagesOf(rest), (std::set<std::int32_t>{kPartial}));
  for (const Start& start : rest.start) {
    EXPECT_EQ(*start.work, *pieces.start[static_cast<std::size_t>(start.id.index)].work);
  }
  EXPECT_EQ(EndMaps(again, rest, {0, 0, 1, 0}).start.size(), 4U);
}

TEST_F(SkewTest, StatesOfAHotPartitionThatAreLostAreMadeAgainFromTheSameBlocks) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions pieces = EndMaps(job, Plan(job, Aggregation()), {100, 100, 1000, 100});
  Actions reduces;
  for (const Start& start : pieces.start)
    reduces = End(job, start, Map(start, {0, 0, 1, 0}, start.id.index == 3 ? kSecond : kFirst), start.id.index == 3 ? kSecond : kFirst);
  ASSERT_EQ(reduces.start.size(), 4U);
  const Actions lost = job.OnSessionLost(kSecond, {});
  EXPECT_EQ(Ids(lost), (std::vector<StageTaskId>{{kPartial, 3}}));
  EXPECT_EQ(*lost.start.at(0).work, *pieces.start[3].work);
  EXPECT_EQ(End(job, lost.start[0], Map(lost.start[0], {0, 0, 1, 0})).start.size(), 4U);
}

TEST_F(SkewTest, TheHotSideOfAJoinIsCutAndEachPieceMeetsTheWholeOtherSide) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions maps = Plan(job, Join());
  Actions joins;
  for (const Start& start : maps.start) {
    const bool hot = start.id.stage == 0;
    joins = End(job, start, Map(start, hot ? std::vector<std::int64_t>{100, 1000, 100, 100} : std::vector<std::int64_t>{10, 10, 10, 10}));
  }
  ASSERT_EQ(StagesOf(joins), (std::set<std::int32_t>{2}));
  std::size_t pieces = 0;
  for (const Start& start : joins.start) {
    const TaskRead& a = WorkOf(start).reads.at(0);
    const TaskRead& b = WorkOf(start).reads.at(1);
    EXPECT_EQ(a.partition_begin, b.partition_begin);
    EXPECT_TRUE(b.cuts.empty());
    EXPECT_EQ(b.sources.size(), 2U);
    EXPECT_EQ(a.cuts.empty(), a.partition_begin != 1);
    pieces += a.cuts.empty() ? 0 : 1;
  }
  EXPECT_EQ(joins.start.size(), 3U + pieces);
  EXPECT_GE(pieces, 8U);
}

// Both sides of an inner join are hot by one key.
class GridTest : public SkewTest {
 protected:
  // A map of partition 1 of four, hot; it tells of its key.
  static MapResult Hot(const Start& start, SessionId session = kFirst) {
    const bool left = start.id.stage == 0;
    MapResult map = Map(start, left ? std::vector<std::int64_t>{100, 1000, 100, 100} : std::vector<std::int64_t>{100, 600, 100, 100}, session);
    std::uint64_t hash = 1;
    while (PartitionOf(hash, 4) != 1) ++hash;
    map.heavy = {{.hash = hash, .bytes = (left ? 900 : 500) * kKb, .text = "k=7"}};
    return map;
  }
  static JobPlan InnerJoin() {
    JobPlan plan = Join();
    plan.stages[2].join.type = "inner";
    plan.stages[2].cut.views = {"a", "b"};
    return plan;
  }
  // The blocks of partition 1 that a task reads of either side: map and range.
  using Blocks = std::set<std::tuple<std::int32_t, std::int64_t, std::int64_t>>;
  static std::pair<Blocks, Blocks> BlocksOf(const Start& start) {
    std::pair<Blocks, Blocks> blocks;
    for (const std::size_t side : {0U, 1U}) {
      const TaskRead& read = WorkOf(start).reads.at(side);
      EXPECT_EQ(read.cuts.size(), read.sources.size());
      for (std::size_t i = 0; i < read.cuts.size(); ++i)
        (side == 0 ? blocks.first : blocks.second).emplace(read.sources[i].map_index, read.cuts[i].begin, read.cuts[i].end);
    }
    return blocks;
  }
};

TEST_F(GridTest, EveryBlockOfOneSideMeetsEveryBlockOfTheOtherInOneTask) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  Actions joins;
  for (const Start& start : Plan(job, InnerJoin()).start) joins = End(job, start, Hot(start));
  std::set<Blocks> pieces, others;
  std::set<std::pair<Blocks, Blocks>> met;
  for (const Start& start : joins.start) {
    EXPECT_EQ(WorkOf(start).reads.at(0).partition_begin, WorkOf(start).reads.at(1).partition_begin);
    if (WorkOf(start).reads.at(0).partition_begin != 1) continue;
    const auto [piece, other] = BlocksOf(start);
    pieces.insert(piece);
    others.insert(other);
    EXPECT_TRUE(met.emplace(piece, other).second);
  }
  EXPECT_GE(pieces.size(), 2000 / 250);
  EXPECT_GE(others.size(), 1200 / 250);
  EXPECT_EQ(met.size(), pieces.size() * others.size());
  EXPECT_EQ(joins.start.size(), 3 + met.size());
  // Each side's pieces are all of it, from end to end.
  for (const std::set<Blocks>* side : {&pieces, &others}) {
    std::map<std::int32_t, std::map<std::int64_t, std::int64_t>> ranges;
    for (const Blocks& piece : *side) {
      for (const auto& [map, begin, end] : piece) EXPECT_TRUE(ranges[map].emplace(begin, end).second);
    }
    ASSERT_EQ(ranges.size(), 2U);
    for (const auto& [map, of_map] : ranges) {
      std::int64_t reached = 0;
      for (const auto& [begin, end] : of_map) EXPECT_EQ(std::exchange(reached, end), begin) << map;
      EXPECT_EQ(reached, std::numeric_limits<std::int64_t>::max());
    }
  }
  const Value report = *ParseJson(job.ReportJson());
  const Value& hot = report.Find("skew")->as_list().at(0).Find("hot")->as_list().at(0);
  EXPECT_EQ(hot.Find("pieces")->as_int(), static_cast<std::int64_t>(pieces.size()));
  EXPECT_EQ(hot.Find("other_pieces")->as_int(), static_cast<std::int64_t>(others.size()));
  EXPECT_EQ(hot.Find("tasks")->as_int(), static_cast<std::int64_t>(met.size()));
}

TEST_F(GridTest, AMapOfEitherSideThatIsMadeAgainWithOtherBlocksRevokesTheTasksThatReadThem) {
  for (const std::int32_t side : {0, 1}) {
    for (const bool reordered : {false, true}) {
      Job job(key_, kWith, {.workers = 2, .slots = 4});
      const auto lost = [&](const Start& start) { return start.id.stage == side && start.id.index == 1; };
      Actions joins;
      for (const Start& start : Plan(job, InnerJoin()).start) {
        const SessionId session = lost(start) ? kSecond : kFirst;
        joins = End(job, start, Hot(start, session), session);
      }
      // Every third task is done; of those, who has read some of the map's blocks of the hot partition?
      std::set<StageTaskId> done, of_map;
      for (std::size_t i = 0; i < joins.start.size(); i += 3) {
        const Start& start = joins.start[i];
        done.insert(start.id);
        const TaskRead& read = WorkOf(start).reads.at(static_cast<std::size_t>(side));
        const bool reads = std::any_of(read.sources.begin(), read.sources.end(), [](const MapOutput& source) { return source.map_index == 1; });
        if (!read.cuts.empty() && reads) of_map.insert(start.id);
        (void)End(job, start, ReduceResult{.files = {{.path = "p" + std::to_string(i)}}});
      }
      ASSERT_FALSE(of_map.empty());
      ASSERT_LT(of_map.size(), done.size());
      const Actions again = job.OnSessionLost(kSecond, {});
      ASSERT_EQ(Ids(again), (std::vector<StageTaskId>{{side, 1}}));
      MapResult made = Hot(again.start[0]);
      if (reordered) made.order_digest = "other";
      std::set<StageTaskId> rerun;
      for (const StageTaskId& id : Ids(End(job, again.start[0], made))) {
        if (done.contains(id)) rerun.insert(id);
      }
      EXPECT_EQ(rerun, reordered ? of_map : std::set<StageTaskId>{});
    }
  }
}

TEST_F(GridTest, ARestartMakesTheSameGrid) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  Actions joins;
  for (const Start& start : Plan(job, InnerJoin()).start) joins = End(job, start, Hot(start));
  std::vector<StageTaskRow> durable;
  for (const auto& [id, row] : rows_) {
    StageTaskRow kept = row;
    kept.result = *DecodeStageResult(EncodeStageResult(row.result));
    durable.push_back(std::move(kept));
  }
  Job again(key_, kWith, {.workers = 2, .slots = 4});
  const Actions rest = again.Begin(durable, {});
  ASSERT_EQ(rest.start.size(), joins.start.size());
  for (std::size_t i = 0; i < rest.start.size(); ++i) EXPECT_EQ(*rest.start[i].work, *joins.start[i].work);
}

TEST_F(SkewTest, SideBWouldHaveToBeCutAndKeepsItsUnmatchedRows) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  Actions joins;
  for (const Start& start : Plan(job, Join()).start) {
    const bool hot = start.id.stage == 1;
    joins = End(job, start, Map(start, hot ? std::vector<std::int64_t>{100, 1000, 100, 100} : std::vector<std::int64_t>{10, 10, 10, 10}));
  }
  EXPECT_EQ(joins.start.size(), 4U);
  EXPECT_NE(job.ReportJson().find("nothing is cut"), std::string::npos);
}

TEST_F(SkewTest, AHeavyKeyOfAJoinIsDealtToPartitionsOfItsOwnAndTheOtherSidesRowsGoToAllOfThem) {
  JobPlan plan = Join();
  plan.stages[0].salt = {.partitions = 3, .heavy = {{.hash = 9, .bytes = 50, .text = "k=7"}, {.hash = 8, .bytes = 2, .text = "k=8"}}, .sampled_bytes = 100};
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions maps = Plan(job, plan);
  Actions joins;
  for (const Start& start : maps.start) {
    const StageTaskWork& work = WorkOf(start);
    EXPECT_EQ(work.partitions, 7);
    EXPECT_EQ(work.salted_partitions, 3);
    EXPECT_EQ(work.salts, (std::vector<SaltedKey>{{.hash = 9, .first = 4, .count = 3}}));
    EXPECT_EQ(work.replicates, start.id.stage == 1);
    joins = End(job, start, Map(start, std::vector<std::int64_t>(7, 10)));
  }
  EXPECT_EQ(joins.start.size(), 7U);
  EXPECT_NE(job.ReportJson().find("k=7 has 50.0 %"), std::string::npos) << job.ReportJson();
}

TEST_F(SkewTest, OfAnAggregationWhatIsInAHeavyKeysPartitionsIsMergedOnceMore) {
  JobPlan plan = Aggregation();
  plan.stages[0].salt = {.partitions = 2, .heavy = {{.hash = 9, .bytes = 50, .text = "k=7"}}, .sampled_bytes = 100};
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions pieces = EndMaps(job, Plan(job, plan), {10, 10, 10, 10, 12, 12});
  ASSERT_EQ(Ids(pieces), (std::vector<StageTaskId>{{kPartial, 0}, {kPartial, 1}}));
  EXPECT_EQ(WorkOf(pieces.start[1]).reads.at(0).partition_begin, 5);
  EXPECT_EQ(WorkOf(pieces.start[1]).partitions, 4) << "where it would be by its hash";
  EXPECT_TRUE(WorkOf(pieces.start[1]).salts.empty());
  const Actions reduces = EndMaps(job, pieces, {0, 1, 0, 0});
  EXPECT_EQ(reduces.start.size(), 5U) << "four partitions, and the heavy key's states";
}

TEST_F(SkewTest, ASideWhoseRowsAreKeptIsNotReplicatedAndWithoutHeavyKeysNothingIsSalted) {
  JobPlan plan = Join();
  plan.stages[1].salt = {.partitions = 3, .heavy = {{.hash = 9, .bytes = 50, .text = "k=7"}}, .sampled_bytes = 100};
  Job right(key_, kWith, {.workers = 2, .slots = 4});
  for (const Start& start : Plan(right, plan).start) EXPECT_EQ(WorkOf(start).partitions, 4);
  plan.stages[1].salt = {};
  plan.stages[0].salt = {.partitions = -1, .heavy = {{.hash = 9, .bytes = 3, .text = "k=7"}}, .sampled_bytes = 100};
  Job light(key_, kWith, {.workers = 2, .slots = 4});
  for (const Start& start : Plan(light, plan).start) EXPECT_EQ(WorkOf(start).partitions, 4);
}

class RemadeMapTest : public SkewTest, public testing::WithParamInterface<std::pair<const char*, const char*>> {};

// A map is made again while one piece of the first map's blocks has been read and another has not.
TEST_P(RemadeMapTest, PiecesThatReadItRunAgainExactlyWhenItsBlocksDiffer) {
  const auto [digest, order] = GetParam();
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions maps = Plan(job, Join());
  Actions joins;
  for (const Start& start : maps.start) {
    const bool hot = start.id.stage == 0;
    const SessionId session = hot && start.id.index == 0 ? kSecond : kFirst;
    joins = End(job, start, Map(start, hot ? std::vector<std::int64_t>{100, 1000, 100, 100} : std::vector<std::int64_t>{10, 10, 10, 10}, session), session);
  }
  std::set<StageTaskId> of_map, others;  // those that were done: pieces of the map's blocks, and the rest
  std::size_t done = 0;
  for (const Start& start : joins.start) {
    const TaskRead& a = WorkOf(start).reads.at(0);
    const bool reads = !a.cuts.empty() && a.sources.front().map_index == 0;
    if (reads && of_map.size() == 2) continue;  // the others of them still run
    (reads ? of_map : others).insert(start.id);
    (void)End(job, start, ReduceResult{.files = {{.path = "p" + std::to_string(++done)}}});
  }
  ASSERT_EQ(of_map.size(), 2U);
  const Actions lost = job.OnSessionLost(kSecond, {});
  ASSERT_EQ(Ids(lost), (std::vector<StageTaskId>{{0, 0}}));
  MapResult again = Map(lost.start[0], {100, 900, 100, 100});
  again.digest = digest;
  again.order_digest = order;
  const Actions then = End(job, lost.start[0], again);
  std::size_t rerun = 0;
  for (const StageTaskId& id : Ids(then)) {
    rerun += of_map.contains(id) ? 1 : 0;
    if (digest == std::string("d")) {
      EXPECT_FALSE(others.contains(id)) << "has what it had";
    }
  }
  EXPECT_EQ(rerun, order == std::string("o") ? 0U : 2U);
  if (digest != std::string("d")) {
    EXPECT_EQ(then.start.size(), joins.start.size()) << "other rows: everything runs again";
  }
}
INSTANTIATE_TEST_SUITE_P(Digests, RemadeMapTest,
                         testing::Values(std::pair{"d", "o"}, std::pair{"d", "other"}, std::pair{"other", "other"}));

}  // namespace
}  // namespace millrace::jobs
