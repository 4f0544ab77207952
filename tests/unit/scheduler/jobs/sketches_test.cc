// What a run leaves of its keys, and what the next one of the task makes of it.
#include "scheduler/jobs/sketches.h"

#include <gmock/gmock.h>

#include "tests/unit/scheduler/jobs/job_fixture.h"

namespace millrace::jobs {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kMb = 1'000'000;

class SketchesTest : public JobTest {
 protected:
  static JobPlan Aggregation() {
    JobPlan plan = Plan(2, 0);
    plan.stages[0].salt.partitions = -1;
    plan.stages[0].partitions = 4;
    plan.stages[1].steps = {{.name = "merge", .view = "merged", .code = {.sql = "FROM states"}}};
    plan.stages[1].cut = {.views = {"states"}, .partial = {{.name = "merge", .view = "fewer", .code = {.sql = "FROM states"}}}};
    return plan;
  }
  static const StageTaskWork& WorkOf(const Start& start) { return std::get<StageTaskWork>(start.work->work); }
  // The whole job, whose maps tell of these keys; what it leaves.
  std::string Run(Job& job, const JobPlan& plan, const std::vector<HeavyKey>& heavy) {
    std::vector<Start> todo = job.Begin({}, {}).start;
    while (!todo.empty()) {
      const Start start = todo.back();
      todo.pop_back();
      StageResult result = PublishResult{.path = "out/"};
      if (start.id.stage == kPlanStage) {
        result = PlanResult{.plan = plan, .decisions = {}};
      } else if (const auto* work = std::get_if<StageTaskWork>(&start.work->work)) {
        if (work->plan.exchange == Exchange::kFiles) {
          result = Reduce(start);
        } else {
          MapResult map = Map(start, kFirst);
          for (PartitionSize& size : map.partitions) size.bytes = 25 * kMb;
          map.heavy = heavy;
          result = map;
        }
      }
      const Actions actions = End(job, start, std::move(result));
      if (actions.finish) return actions.finish->sketches;
      todo.insert(todo.end(), actions.start.begin(), actions.start.end());
    }
    ADD_FAILURE() << "the job did not end: " << job.ReportJson();
    return "";
  }
};

TEST_F(SketchesTest, AKeyThatWasHeavyIsSpreadByTheFirstMapsOfTheNextRun) {
  Job first(key_, kWith, {.workers = 2, .slots = 4});
  const std::string left = Run(first, Aggregation(), {{.hash = ~std::uint64_t{8}, .bytes = 60 * kMb, .text = "k=7"}, {.hash = 9, .bytes = kMb, .text = "k=9"}});
  ASSERT_THAT(left, HasSubstr("k=7"));
  EXPECT_EQ(left.find("k=9"), std::string::npos) << "not worth it";

  Job second(key_, kWith, {.workers = 2, .slots = 4});
  const std::vector<Start> plan = second.Begin({}, {}).start;
  second.Know(left);
  const Actions maps = End(second, plan.at(0), PlanResult{.plan = Aggregation(), .decisions = {}});
  ASSERT_EQ(maps.start.size(), 2U);
  for (const Start& start : maps.start) {
    ASSERT_EQ(WorkOf(start).salts.size(), 1U);
    EXPECT_EQ(WorkOf(start).salts[0].hash, ~std::uint64_t{8});
    EXPECT_GE(WorkOf(start).salts[0].count, 2);
    EXPECT_EQ(WorkOf(start).partitions, 4 + WorkOf(start).salts[0].count);
  }
  EXPECT_THAT(second.ReportJson(), HasSubstr("k=7 has 60.0 % of 200.0 MB that the last run shuffled"));
}

TEST_F(SketchesTest, WhatIsLightOrOfAnotherStageOrForbiddenOrSampledOrLateOrNonsenseChangesNothing) {
  Job light(key_, kWith, {.workers = 2, .slots = 4});
  EXPECT_THAT(Run(light, Aggregation(), {{.hash = 9, .bytes = kMb, .text = "k=9"}}), IsEmpty());
  Job heavy(key_, kWith, {.workers = 2, .slots = 4});
  const std::string left = Run(heavy, Aggregation(), {{.hash = 8, .bytes = 60 * kMb, .text = "k=7"}});
  const auto salts = [&](const std::string& known, const JobPlan& plan, bool late = false) {
    Job job(key_, kWith, {.workers = 2, .slots = 4});
    const std::vector<Start> start = job.Begin({}, {}).start;
    if (!late) job.Know(known);
    const Actions maps = End(job, start.at(0), PlanResult{.plan = plan, .decisions = {}});
    if (late) job.Know(known);
    return WorkOf(maps.start.at(0)).salts.size();
  };
  EXPECT_EQ(salts(left, Aggregation()), 1U);
  EXPECT_EQ(salts(left, Aggregation(), true), 0U);
  EXPECT_EQ(salts("[{\"stage\": 1, \"keys\": [3]}]", Aggregation()), 0U);
  EXPECT_EQ(salts("no JSON", Aggregation()), 0U);
  JobPlan other = Aggregation();
  other.stages[0].hash = "hash(CAST(k AS DOUBLE))";
  EXPECT_EQ(salts(left, other), 0U);
  JobPlan never = Aggregation();
  never.stages[0].salt.partitions = 0;
  EXPECT_EQ(salts(left, never), 0U);
  JobPlan sampled = Aggregation();
  sampled.stages[0].salt.sampled_bytes = 1000;
  EXPECT_EQ(salts(left, sampled), 0U) << "the sample is of these rows";
}

}  // namespace
}  // namespace millrace::jobs
