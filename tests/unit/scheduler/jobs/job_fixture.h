// A Job, and the answers that workers would give it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>

#include "core/model/json.h"
#include "scheduler/jobs/job.h"

namespace millrace::jobs {

constexpr const char* kWith = R"json({"inputs": {"rows": {"path": "in/"}}, "map": "SELECT k, v FROM rows",
  "aggregate": {"by": ["k"], "select": {"n": "count(*)"}}, "output": {"path": "out/"}})json";
constexpr std::int32_t kMapStage = 0;
constexpr std::int32_t kReduceStage = 1;
constexpr SessionId kFirst{1};
constexpr SessionId kSecond{2};

// Drives a Job as the engine does: every start becomes an attempt with a fence of its own.
class JobTest : public testing::Test {
 protected:
  static JobPlan Plan(int splits, int partitions, std::string mode = "distributed") {
    JobPlan plan;
    plan.stages = {{.name = "map", .inputs = {"rows"}, .exchange = Exchange::kHash, .keys = {"k"}, .partitions = partitions},
                   {.name = "reduce", .reads = {{.view = "states", .stage = 0}}}};
    plan.fused = {{.name = "map", .view = "mapped", .code = {.sql = "SELECT k FROM rows"}}};
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
    const auto& work = std::get<StageTaskWork>(start.work->work);
    MapResult result;
    result.output.map_index = work.index;
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

}  // namespace millrace::jobs
