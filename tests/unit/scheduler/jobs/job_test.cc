#include "scheduler/jobs/job.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/model/json.h"

namespace millrace::jobs {
namespace {

constexpr const char* kWith = R"json({"inputs": {"rows": {"path": "in/"}}, "map": "SELECT k, v FROM rows",
  "aggregate": {"by": ["k"], "select": {"n": "count(*)"}}, "output": {"path": "out/"}})json";
constexpr SessionId kFirst{1};
constexpr SessionId kSecond{2};

// Drives a Job as the engine does: every start becomes an attempt with a fence of its own.
class JobTest : public testing::Test {
 protected:
  static JobPlan Plan(int splits, int partitions, std::string mode = "distributed") {
    JobPlan plan;
    plan.keys = {"k"};
    plan.partitions = partitions;
    plan.mode = std::move(mode);
    plan.input_bytes = splits * 1000;
    for (int i = 0; i < splits; ++i) plan.splits.push_back({.input = "rows", .path = "in/" + std::to_string(i), .bytes = 1000});
    return plan;
  }

  Report Success(StageResult result) {
    Report report;
    report.fence = {1, ++fences_};
    report.ended = true;
    report.stage = std::move(result);
    return report;
  }
  Report Failure(Outcome outcome) {
    Report report = Success({});
    report.outcome = outcome;
    report.message = "it broke";
    return report;
  }
  static MapResult Map(const Start& start, SessionId session, std::string digest = "d") {
    const MapWork& work = std::get<MapWork>(start.work->work);
    MapResult result;
    result.output.map_index = work.map_index;
    result.output.session = session;
    result.partitions.assign(static_cast<std::size_t>(work.partitions), {.bytes = 10, .rows = 1});
    result.digest = std::move(digest);
    return result;
  }
  static ReduceResult Reduce(const Start& start) {
    return {.files = {{.path = "part-" + std::to_string(start.id.index), .bytes = 5, .rows = 2}}, .check_state = "s"};
  }
  Actions End(Job& job, const Start& start, StageResult result, SessionId session = kFirst) {
    return job.OnEnded(start.id, Success(std::move(result)), session, "w", {});
  }
  // Plan done; the map tasks' starts.
  Actions ToMaps(Job& job, JobPlan plan) { return End(job, job.Begin({}, {}).start.at(0), PlanResult{.plan = std::move(plan)}); }
  // All maps done on `session`; what came of the last.
  Actions RunMaps(Job& job, const Actions& maps, SessionId session = kFirst) {
    Actions last;
    for (const Start& start : maps.start) last = End(job, start, Map(start, session), session);
    return last;
  }

  JobKey key_{{RunKey{7}, 3}, 1};
  std::uint64_t fences_ = 0;
};

TEST_F(JobTest, PlansMapsReducesAndPublishesInOrder) {
  Job job(key_, kWith, {.workers = 2, .slots = 4});
  const Actions maps = ToMaps(job, Plan(4, 8));
  ASSERT_EQ(maps.start.size(), 4U);
  EXPECT_EQ(maps.winners.size(), 1U) << "the plan is durable before maps start";
  const Actions reduces = RunMaps(job, maps);
  ASSERT_EQ(reduces.start.size(), 8U) << "a number of partitions is never coalesced";
  const ReduceWork& work = std::get<ReduceWork>(reduces.start[3].work->work);
  EXPECT_EQ(work.partition_begin, 3);
  EXPECT_EQ(work.partition_end, 4);
  EXPECT_EQ(work.sources.size(), 4U);
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
    report.stage = ReduceResult{.lost_maps = {0}};
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
  EXPECT_EQ(std::get<MapWork>(again.start[1].work->work).splits.at(0).path, "in/3");
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
  plan.map.sql = "SELECT k FROM rows";
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
