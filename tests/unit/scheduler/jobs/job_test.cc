#include "scheduler/jobs/job.h"

#include <algorithm>

#include "tests/unit/scheduler/jobs/job_fixture.h"

namespace millrace::jobs {
namespace {

TEST_F(JobTest, PlansMapsReducesAndPublishesInOrder) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions maps = ToMaps(job, Plan(4, 8));
  ASSERT_EQ(maps.start.size(), 4U);
  EXPECT_EQ(maps.winners.size(), 1U) << "the plan is durable before maps start";
  const Actions reduces = RunMaps(job, maps);
  ASSERT_EQ(reduces.start.size(), 8U) << "a number of partitions is never coalesced";
  const TaskRead& read = std::get<StageTaskWork>(reduces.start[3].work->work).reads.at(0);
  EXPECT_EQ(read.partition_begin, 3);
  EXPECT_EQ(read.partition_end, 4);
  EXPECT_EQ(read.sources.size(), 4U);
  Actions publish;
  for (const Start& start : reduces.start) publish = End(job, start, Reduce(start));
  ASSERT_EQ(publish.start.size(), 1U);
  const PublishWork& last = std::get<PublishWork>(publish.start[0].work->work);
  ASSERT_EQ(last.files.size(), 8U);
  EXPECT_EQ(last.files[7].path, "part-7");
  const Actions done = End(job, publish.start[0], PublishResult{.path = "out/", .files = last.files});
  ASSERT_TRUE(done.finish);
  EXPECT_EQ(done.finish->outcome, Outcome::kSuccess);
  EXPECT_EQ(ParseJson(done.finish->result)->Find("rows")->as_int(), 16);
}

TEST_F(JobTest, AFusedJobHasOneStageTaskAndNoShuffle) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions fused = ToMaps(job, Plan(4, 0, "fused"));
  ASSERT_EQ(fused.start.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<FusedWork>(fused.start[0].work->work));
  EXPECT_EQ(fused.start[0].slots, 2);
  const Actions publish = End(job, fused.start[0], Reduce(fused.start[0]));
  EXPECT_TRUE(std::holds_alternative<PublishWork>(publish.start.at(0).work->work));
}

TEST_F(JobTest, AnOutputLostWithItsWorkerIsMadeAgainBeforeTheReducersThatNeedIt) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions maps = ToMaps(job, Plan(2, 2));
  (void)End(job, maps.start[0], Map(maps.start[0], kFirst), kFirst);
  const Actions reduces = End(job, maps.start[1], Map(maps.start[1], kSecond), kSecond);
  ASSERT_EQ(reduces.start.size(), 2U);
  (void)End(job, reduces.start[0], Reduce(reduces.start[0]));
  const Actions lost = job.OnSessionLost(kSecond, {});
  ASSERT_EQ(lost.start.size(), 1U);
  EXPECT_EQ(lost.start[0].id, (StageTaskId{kMapStage, 1}));
  ASSERT_EQ(lost.cancel.size(), 1U) << "the reducer that still reads is called back";
  EXPECT_EQ(lost.cancel[0], (StageTaskId{kReduceStage, 1}));
  const Actions again = End(job, lost.start[0], Map(lost.start[0], kFirst));
  ASSERT_EQ(again.start.size(), 1U) << "equal rows: only the unfinished reducer runs";
  EXPECT_EQ(again.start[0].id, (StageTaskId{kReduceStage, 1}));
}

TEST_F(JobTest, WhenAReMadeOutputDiffersEveryReducerRunsAgain) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions maps = ToMaps(job, Plan(2, 2));
  const Actions reduces = RunMaps(job, maps, kSecond);
  (void)End(job, reduces.start[0], Reduce(reduces.start[0]));
  const Actions lost = job.OnSessionLost(kSecond, {});
  ASSERT_EQ(lost.start.size(), 2U);
  (void)End(job, lost.start[0], Map(lost.start[0], kFirst, "other"));
  const Actions again = End(job, lost.start[1], Map(lost.start[1], kFirst));
  EXPECT_EQ(again.start.size(), 2U);
}

TEST_F(JobTest, AReducerThatCannotReadAMapCostsNoFailure) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  Actions reduces = RunMaps(job, ToMaps(job, Plan(1, 1)));
  for (int round = 0; round < 6; ++round) {
    Report report = Failure(Outcome::kFailed);
    report.stage = ReduceResult{.lost_maps = {{0, 0}}};
    const Actions lost = job.OnEnded(reduces.start.at(0).id, report, kFirst, "w", {});
    ASSERT_FALSE(lost.finish) << "round " << round;
    reduces = End(job, lost.start.at(0), Map(lost.start[0], kSecond));
  }
  EXPECT_EQ(reduces.start.size(), 1U);
}

TEST_F(JobTest, FourFailuresOfOneStageTaskFailTheJobWithItsReason) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  Actions actions = ToMaps(job, Plan(2, 2));
  for (int failure = 0; failure < 3; ++failure) {
    actions = job.OnEnded({kMapStage, 0}, Failure(Outcome::kFailed), kFirst, "w", {});
    ASSERT_EQ(actions.start.size(), 1U);
  }
  actions = job.OnEnded({kMapStage, 0}, Failure(Outcome::kFailed), kFirst, "w", {});
  ASSERT_TRUE(actions.finish);
  EXPECT_EQ(actions.finish->message, "map 0: it broke");
  EXPECT_EQ(actions.cancel, (std::vector<StageTaskId>{{kMapStage, 1}}));
}

TEST_F(JobTest, AFinalFailureIsNotTriedAgain) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  (void)job.Begin({}, {});
  const Actions actions = job.OnEnded({kPlanStage, 0}, Failure(Outcome::kFailFinal), kFirst, "w", {});
  ASSERT_TRUE(actions.finish);
  EXPECT_EQ(actions.finish->outcome, Outcome::kFailFinal);
}

TEST_F(JobTest, ALateSecondSuccessChangesNothing) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions maps = ToMaps(job, Plan(2, 2));
  (void)End(job, maps.start[0], Map(maps.start[0], kFirst));
  const Actions late = End(job, maps.start[0], Map(maps.start[0], kSecond));
  EXPECT_TRUE(late.winners.empty());
  EXPECT_TRUE(late.start.empty());
}

TEST_F(JobTest, ARestartGoesOnWithWhatWasDurableAndDecidesNothingTwice) {
  std::vector<StageTaskRow> durable;
  const auto keep = [&durable](const Actions& actions) {
    for (const StageTaskRow& row : actions.winners) {
      std::erase_if(durable, [&row](const StageTaskRow& old) { return old.stage == row.stage && old.index == row.index; });
      durable.push_back(row);
    }
  };
  {
    Job job(key_, kWith, {.workers = 2, .slots = 4});
    const Actions maps = ToMaps(job, Plan(4, 8));
    keep(maps);
    keep(End(job, maps.start[0], Map(maps.start[0], kFirst)));
    keep(End(job, maps.start[2], Map(maps.start[2], kFirst)));
  }
  Job job(key_, kWith, {.workers = 1, .slots = 1});  // fewer workers than when it was decided
  const Actions again = job.Begin(durable, {});
  ASSERT_EQ(again.start.size(), 2U);
  EXPECT_EQ(again.start[0].id, (StageTaskId{kMapStage, 1}));
  EXPECT_EQ(std::get<StageTaskWork>(again.start[1].work->work).splits.at(0).path, "in/3");
  EXPECT_EQ(RunMaps(job, again).start.size(), 8U);
}

TEST_F(JobTest, FieldsThatCannotBeUnderstoodFinishTheJobAtOnce) {
  Job job(key_, R"({"inputs": 3})", {.workers = 1, .slots = 1});
  const Actions actions = job.Begin({}, {});
  ASSERT_TRUE(actions.finish);
  EXPECT_EQ(actions.finish->outcome, Outcome::kFailFinal);
  EXPECT_TRUE(actions.start.empty());
}

TEST_F(JobTest, TheReportCountsTasksRowsAndSaysWhatWasDecided) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  JobPlan plan = Plan(2, 3);
  plan.inputs.push_back({.name = "rows", .format = "csv", .reader_reason = "compressed"});
  (void)RunMaps(job, ToMaps(job, plan));
  const Value report = *ParseJson(job.ReportJson());
  EXPECT_EQ(report.Find("mode")->as_string(), "distributed");
  EXPECT_EQ(report.Find("partitions")->as_list().size(), 3U);
  EXPECT_EQ(report.Find("partitions")->as_list()[0].Find("rows")->as_int(), 2);
  const Value& map = report.Find("stages")->as_list().at(1);
  EXPECT_EQ(map.Find("done")->as_int(), 2);
  EXPECT_EQ(map.Find("output_rows")->as_int(), 6);
  EXPECT_EQ(report.Find("decisions")->as_list().size(), 4U);
  EXPECT_EQ(report.Find("decisions")->as_list()[0].Find("why")->as_string(), "compressed");
  EXPECT_TRUE(report.Find("output")->is_null());
}

TEST_F(JobTest, AJobThatIsOnlyToBeExplainedEndsWithItsPlan) {
  std::string with = kWith;
  with.insert(1, R"("explain": true, )");
  JobPlan plan = Plan(4, 0, "");
  plan.inputs = {{.name = "rows", .format = "csv", .columns = {{"k", "BIGINT"}}, .paths = {"in/0", "in/1"}, .bytes = 4000}};
  Job job(key_, with, {.workers = 2, .slots = 4});
  const Actions done = ToMaps(job, plan);
  EXPECT_TRUE(done.start.empty()) << "nothing runs";
  ASSERT_TRUE(done.finish);
  EXPECT_EQ(done.finish->outcome, Outcome::kSuccess);
  const Value report = *ParseJson(job.ReportJson());
  const Value& told = *report.Find("plan");
  const Value& input = told.Find("inputs")->as_list().at(0);
  EXPECT_EQ(input.Find("files")->as_int(), 2);
  EXPECT_EQ(input.Find("splits")->as_int(), 4);
  EXPECT_TRUE(input.Find("rows")->is_null());
  EXPECT_EQ(report.Find("mode")->as_string(), "fused");
  EXPECT_EQ(told.Find("stages")->as_list().at(0).Find("stage")->as_string(), "fused");
  EXPECT_EQ(told.Find("stages")->as_list()[0].Find("steps")->as_list().at(0).Find("code")->as_string(), "SELECT k FROM rows");
  EXPECT_LT(told.Find("fused_seconds")->as_double(), told.Find("distributed_seconds")->as_double());

  Job restarted(key_, with, {.workers = 2, .slots = 4});
  EXPECT_TRUE(restarted.Begin({done.winners.begin(), done.winners.end()}, {}).finish) << "after a restart, too";
  EXPECT_EQ(ParseJson(restarted.ReportJson())->Find("plan")->Find("fused_seconds")->as_double(),
            told.Find("fused_seconds")->as_double());
}

TEST_F(JobTest, TheReportOfAJobThatWasStoppedSaysThatNothingRuns) {
  Job job(key_, kWith, {.workers = 1, .slots = 2});
  const Actions maps = ToMaps(job, Plan(2, 2));
  job.Stop("failed");
  const Value report = *ParseJson(job.ReportJson());
  EXPECT_EQ(report.Find("state")->as_string(), "failed");
  EXPECT_EQ(report.Find("stages")->as_list().at(1).Find("running")->as_int(), 0);
  EXPECT_TRUE(End(job, maps.start.at(0), Map(maps.start[0], kFirst)).winners.empty());
}

// rows and small are joined by k, and what comes of it is added up by g.
class StagesTest : public JobTest {
 protected:
  static constexpr std::int32_t kRows = 0, kSmall = 1, kJoined = 2, kTotals = 3;

  static JobPlan JoinPlan(std::string strategy, std::int64_t rows_bytes, std::int64_t small_bytes) {
    JobPlan plan;
    plan.mode = "distributed";
    plan.stages = {
        {.name = "rows", .inputs = {"rows"}, .result = "rows", .exchange = Exchange::kHash, .keys = {"k"}},
        {.name = "small", .inputs = {"small"}, .result = "small", .exchange = Exchange::kHash, .keys = {"k"}},
        {.name = "joined",
         .reads = {{.view = "rows", .stage = 0}, {.view = "small", .stage = 1}},
         .steps = {{.name = "joined", .view = "joined", .code = {.sql = "FROM rows JOIN small USING (k)"}}},
         .result = "joined",
         .exchange = Exchange::kHash,
         .keys = {"g"},
         .join = {.type = "inner", .strategy = std::move(strategy), .left = "rows", .right = "small"}},
        {.name = "totals", .reads = {{.view = "joined", .stage = 2}}},
    };
    plan.inputs = {{.name = "rows", .format = "parquet", .bytes = rows_bytes}, {.name = "small", .format = "parquet", .bytes = small_bytes}};
    plan.splits = {{.input = "rows", .path = "r0", .bytes = rows_bytes / 2},
                   {.input = "rows", .path = "r1", .bytes = rows_bytes / 2},
                   {.input = "small", .path = "s0", .bytes = small_bytes}};
    for (const Split& split : plan.splits) plan.input_bytes += split.bytes;
    return plan;
  }
  // The side is made by more than reading an input, so only its own end tells how large it is.
  static JobPlan ComputedPlan(std::int64_t rows_bytes, std::int64_t small_bytes) {
    JobPlan plan = JoinPlan("auto", rows_bytes, small_bytes);
    plan.stages[1].steps = {{.name = "small", .view = "few", .code = {.sql = "FROM small WHERE x"}}};
    plan.stages[1].result = "few";
    plan.stages[1].name = "few";
    return plan;
  }
  static std::vector<std::int32_t> StagesOf(const Actions& actions) {
    std::vector<std::int32_t> stages;
    for (const Start& start : actions.start) {
      if (stages.empty() || stages.back() != start.id.stage) stages.push_back(start.id.stage);
    }
    return stages;
  }
  static const StageTaskWork& WorkOf(const Start& start) { return std::get<StageTaskWork>(start.work->work); }
  MapResult Large(const Start& start, std::int64_t bytes) {
    MapResult result = Map(start, kFirst);
    for (PartitionSize& size : result.partitions) size.bytes = bytes / static_cast<std::int64_t>(result.partitions.size());
    return result;
  }
  // All of them on `session`; everything that the last one starts.
  Actions EndAll(Job& job, const Actions& actions, SessionId session = kFirst) {
    Actions last;
    std::vector<Start> started;
    for (const Start& start : actions.start) {
      const bool files = WorkOf(start).plan.exchange == Exchange::kFiles;
      last = End(job, start, files ? StageResult(Reduce(start)) : StageResult(Map(start, session)), session);
      started.insert(started.end(), last.start.begin(), last.start.end());
    }
    last.start = std::move(started);
    return last;
  }
};

TEST_F(StagesTest, AStageStartsWhenAllThatItReadsIsThereAndTheLastOnesFilesArePublished) {
  Job job(key_, kWith, {.workers = 2, .slots = 2});
  const Actions maps = ToMaps(job, JoinPlan("shuffle", 2000, 1000));
  EXPECT_EQ(StagesOf(maps), (std::vector<std::int32_t>{kRows, kSmall})) << "both sides at once";
  ASSERT_EQ(maps.start.size(), 3U);
  EXPECT_TRUE(End(job, maps.start[0], Map(maps.start[0], kFirst)).start.empty());
  EXPECT_TRUE(End(job, maps.start[2], Map(maps.start[2], kFirst)).start.empty()) << "one side is not enough";
  const Actions joined = End(job, maps.start[1], Map(maps.start[1], kFirst));
  ASSERT_EQ(StagesOf(joined), (std::vector<std::int32_t>{kJoined}));
  const StageTaskWork& work = WorkOf(joined.start[0]);
  ASSERT_EQ(work.reads.size(), 2U);
  EXPECT_EQ(work.reads[0].partition_end, work.reads[1].partition_end) << "the same partitions of both";
  EXPECT_EQ(work.reads[0].sources.size(), 2U);
  EXPECT_EQ(work.reads[1].sources.at(0).stage, kSmall);
  const Actions totals = EndAll(job, joined);
  ASSERT_EQ(StagesOf(totals), (std::vector<std::int32_t>{kTotals}));
  const Actions publish = EndAll(job, totals);
  EXPECT_TRUE(std::holds_alternative<PublishWork>(publish.start.at(0).work->work));
  const Value report = *ParseJson(job.ReportJson());
  std::string names;
  for (const Value& stage : report.Find("stages")->as_list()) names += stage.Find("stage")->as_string() + " ";
  EXPECT_EQ(names, "plan rows small joined totals publish ");
}

TEST_F(StagesTest, ASmallInputIsBroadcastAndNoStageShufflesForTheJoin) {
  Job job(key_, kWith, {.workers = 2, .slots = 2});
  const Actions joined = ToMaps(job, JoinPlan("auto", 1 << 30, 1 << 20));
  ASSERT_EQ(StagesOf(joined), (std::vector<std::int32_t>{kJoined}));
  const StageTaskWork& work = WorkOf(joined.start[0]);
  EXPECT_EQ(work.plan.inputs, (std::vector<std::string>{"rows"}));
  EXPECT_EQ(work.plan.broadcast, (std::vector<std::string>{"small"}));
  EXPECT_TRUE(work.inputs.at(1).broadcast);
  EXPECT_TRUE(work.reads.empty());
  EXPECT_EQ(work.splits.at(0).path, "r0");
  EXPECT_EQ(StagesOf(EndAll(job, joined)), (std::vector<std::int32_t>{kTotals}));
}

TEST_F(StagesTest, ASideThatTurnsOutSmallIsBroadcastWhenItIsThere) {
  Job job(key_, kWith, {.workers = 2, .slots = 2});
  const Actions first = ToMaps(job, ComputedPlan(std::int64_t{4} << 30, 500 << 20));
  ASSERT_EQ(StagesOf(first), (std::vector<std::int32_t>{kSmall})) << "the other side waits for it";
  const Actions joined = End(job, first.start.at(0), Large(first.start[0], 1 << 20));
  ASSERT_EQ(StagesOf(joined), (std::vector<std::int32_t>{kJoined}));
  const StageTaskWork& work = WorkOf(joined.start[0]);
  EXPECT_EQ(work.plan.inputs, (std::vector<std::string>{"rows"}));
  ASSERT_EQ(work.reads.size(), 1U);
  EXPECT_EQ(work.reads[0].view, "small");
  EXPECT_EQ(work.reads[0].partition_begin, 0);
  EXPECT_EQ(work.reads[0].partition_end, WorkOf(first.start[0]).partitions) << "all of it";
}

TEST_F(StagesTest, ASideThatTurnsOutLargeIsShuffledAndARestartDecidesNothingTwice) {
  std::vector<StageTaskRow> durable;
  const auto keep = [&durable](const Actions& actions) {
    for (const StageTaskRow& row : actions.winners) {
      std::erase_if(durable, [&row](const StageTaskRow& old) { return old.stage == row.stage && old.index == row.index; });
      durable.push_back(row);
    }
  };
  {
    Job job(key_, kWith, {.workers = 2, .slots = 2});
    const Actions first = ToMaps(job, ComputedPlan(std::int64_t{4} << 30, 500 << 20));
    keep(first);
    const Actions second = End(job, first.start.at(0), Large(first.start[0], 400 << 20));
    keep(second);
    EXPECT_EQ(StagesOf(second), (std::vector<std::int32_t>{kRows})) << "now it is shuffled, too";
    EXPECT_EQ(WorkOf(second.start[0]).partitions, WorkOf(first.start[0]).partitions);
  }
  Job job(key_, kWith, {.workers = 5, .slots = 40});
  const Actions again = job.Begin(durable, {});
  EXPECT_EQ(StagesOf(again), (std::vector<std::int32_t>{kRows}));
  EXPECT_EQ(again.start.size(), 2U);
  const Actions joined = EndAll(job, again);
  EXPECT_EQ(WorkOf(joined.start.at(0)).reads.size(), 2U);
}

TEST_F(StagesTest, AnOutputThatIsLostWhileTheJoinRunsIsMadeAgainAndTheJoinReadsTheNewOne) {
  Job job(key_, kWith, {.workers = 2, .slots = 2});
  const Actions maps = ToMaps(job, JoinPlan("shuffle", 2000, 1000));
  (void)End(job, maps.start[0], Map(maps.start[0], kSecond), kSecond);
  (void)End(job, maps.start[1], Map(maps.start[1], kFirst));
  const Actions joined = End(job, maps.start[2], Map(maps.start[2], kFirst));
  ASSERT_FALSE(joined.start.empty());
  const Actions lost = job.OnSessionLost(kSecond, {});
  ASSERT_EQ(lost.start.size(), 1U);
  EXPECT_EQ(lost.start[0].id, (StageTaskId{kRows, 0}));
  EXPECT_EQ(lost.cancel.size(), joined.start.size());
  const Actions again = End(job, lost.start[0], Map(lost.start[0], kFirst));
  EXPECT_EQ(StagesOf(again), (std::vector<std::int32_t>{kJoined}));
}

TEST_F(StagesTest, WhatNobodyReadsAnyMoreIsNotMadeAgainUntilSomebodyDoes) {
  Job job(key_, kWith, {.workers = 2, .slots = 2});
  const Actions maps = ToMaps(job, JoinPlan("shuffle", 2000, 1000));
  const Actions joined = EndAll(job, maps, kSecond);  // both sides lie with the second worker
  const Actions totals = EndAll(job, joined, kFirst);
  ASSERT_EQ(StagesOf(totals), (std::vector<std::int32_t>{kTotals}));
  EXPECT_TRUE(job.OnSessionLost(kSecond, {}).start.empty()) << "the join is done";
  // Now the join's own output goes, and with it the need for both sides, which are gone, too.
  const Actions lost = job.OnSessionLost(kFirst, {});
  EXPECT_EQ(StagesOf(lost), (std::vector<std::int32_t>{kRows, kSmall}));
  const Actions again = EndAll(job, lost, SessionId{3});
  EXPECT_EQ(StagesOf(again), (std::vector<std::int32_t>{kJoined}));
  EXPECT_EQ(StagesOf(EndAll(job, again, SessionId{3})), (std::vector<std::int32_t>{kTotals}));
}

TEST_F(StagesTest, AnOutputThatDiffersRevokesWhatWasMadeOfItAndThatIfItDiffersInItsTurn) {
  Job job(key_, kWith, {.workers = 2, .slots = 2});
  const Actions maps = ToMaps(job, JoinPlan("shuffle", 2000, 1000));
  const Actions joined = EndAll(job, maps);
  const Actions totals = EndAll(job, joined);
  Report report = Failure(Outcome::kFailed);
  report.stage = ReduceResult{.lost_maps = {{kJoined, 0}}};
  Actions lost = job.OnEnded(totals.start.at(0).id, report, kFirst, "w", {});
  ASSERT_EQ(lost.start.at(0).id, (StageTaskId{kJoined, 0}));
  // To make it again, one of the rows has to be made again as well, and is not what it was.
  Report deeper = Failure(Outcome::kFailed);
  deeper.stage = ReduceResult{.lost_maps = {{kRows, 1}}};
  lost = job.OnEnded(lost.start[0].id, deeper, kFirst, "w", {});
  ASSERT_EQ(lost.start.size(), 1U);
  ASSERT_EQ(lost.start[0].id, (StageTaskId{kRows, 1}));
  const Actions again = End(job, lost.start[0], Map(lost.start[0], kFirst, "other"));
  EXPECT_EQ(again.start.size(), joined.start.size()) << "all of the join";
  const Actions then = EndAll(job, again);
  EXPECT_EQ(StagesOf(then), (std::vector<std::int32_t>{kTotals})) << "which came out as before, so the rest stands";
  EXPECT_EQ(then.start.size(), totals.start.size());
}

TEST_F(StagesTest, RangesOfASortAreCutFromTheSampleAndKeptOverARestart) {
  JobPlan plan;
  plan.mode = "distributed";
  plan.stages = {
      {.name = "rows", .inputs = {"rows"}, .exchange = Exchange::kScatter, .order = "v"},
      {.name = "sorted.ranges", .reads = {{.view = "rows", .stage = 0}}, .exchange = Exchange::kRange, .order = "v", .partitions = 4},
      {.name = "sorted", .reads = {{.view = "rows", .stage = 1}}, .ordered = true},
  };
  plan.splits = {{.input = "rows", .path = "r0", .bytes = 1000}};
  Job job(key_, kWith, {.workers = 1, .slots = 1});
  const Actions maps = ToMaps(job, plan);
  MapResult result = Map(maps.start.at(0), kFirst);
  for (char a = '0'; a <= '9'; ++a) result.sample.push_back(std::string("4") + a);
  const Actions ranges = End(job, maps.start[0], result);
  ASSERT_EQ(StagesOf(ranges), (std::vector<std::int32_t>{1}));
  const StageTaskWork& work = WorkOf(ranges.start[0]);
  EXPECT_EQ(work.partitions, 4);
  ASSERT_EQ(work.bounds.size(), 3U);
  EXPECT_LT(work.bounds[0], work.bounds[1]);
  EXPECT_EQ(work.bounds[0].size(), 1U) << "bytes, not their hex";
}

TEST_F(JobTest, TheReportNamesWhatWasPublished) {
  Job job(key_, kWith, {.workers = 1, .slots = 1});
  const Actions fused = ToMaps(job, Plan(1, 0, "fused"));
  const Actions publish = End(job, fused.start.at(0), Reduce(fused.start[0]));
  (void)End(job, publish.start.at(0), PublishResult{.path = "/root/out", .files = {{.path = "part-0", .bytes = 5, .rows = 2}}});
  const Value output = *ParseJson(job.ReportJson())->Find("output");
  EXPECT_EQ(output.Find("path")->as_string(), "/root/out");
  EXPECT_EQ(output.Find("files")->as_list().at(0).Find("rows")->as_int(), 2);
}

}  // namespace
}  // namespace millrace::jobs
