// When lineage is told: one START and one terminal event of every run that started and of every attempt that began, each
// in the commit of what it tells, whatever happened between them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/model/json.h"
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

engine::EngineOptions Told(std::size_t most_waiting = 20'000) {
  engine::EngineOptions options;
  options.lineage.url = "http://lineage.example/api/v1/lineage";
  options.lineage.most_waiting = most_waiting;
  return options;
}

class LineageRows : public ::testing::Test {
 protected:
  explicit LineageRows(engine::EngineOptions options = Told()) : driver_(std::move(options)) {}

  class NoFiles final : public dagbag::FileReader {
   public:
    StatusOr<std::string> Read(std::string_view path) const override { return NotFound(std::string(path)); }
  };
  void Load(const std::string& text) {
    const platform::TzdbZones zones;
    const NoFiles files;
    const dagbag::LoadResult loaded = dagbag::LoadDagFile("a.yaml", text, files, zones);
    for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.message;
    for (const DagPtr& dag : loaded.dags) driver_.LoadDag(dag);
  }
  // The run r of the DAG a, whose task x has begun, on the worker that this gives.
  SessionId Begin(const std::string& text) {
    Load(text);
    const SessionId worker = driver_.Join("w1");
    driver_.Trigger("a", "r");
    driver_.Start("x");
    return worker;
  }
  // The worker comes back with all that it had.
  void RestartUnder(SessionId worker) {
    std::vector<Fence> held = {driver_.Assigned("x")->assignment.fence};
    for (const auto& [id, assign] : driver_.deliveries) held.push_back(assign.assignment.fence);
    driver_.Restart();
    driver_.Rejoin("w1", worker, held);
  }
  void Pass(SessionId worker, Duration by) {
    for (; by > Duration(0); by -= std::chrono::seconds(10)) {
      driver_.Heartbeat(worker);
      driver_.Advance(std::min<Duration>(by, std::chrono::seconds(10)));
    }
  }
  std::vector<Value> Events() const {
    std::vector<Value> events;
    for (const auto& [id, row] : driver_.rows.notifications) {
      if (row.cause != CallbackCause::kLineage || row.state == NotificationState::kSuppressed) continue;
      events.push_back(*ParseJson(row.delivery.with).value().Find("body"));
    }
    return events;
  }
  // "START a.x", in the order in which they were told.
  std::vector<std::string> What() const {
    std::vector<std::string> what;
    for (const Value& event : Events())
      what.push_back(TextOf(event, "eventType") + " " + TextOf(*event.Find("job"), "name"));
    return what;
  }
  // Each runId has one START, and then one other event.
  void ExpectPairs() const {
    std::map<std::string, std::vector<std::string>> by_run;
    for (const Value& event : Events())
      by_run[TextOf(*event.Find("run"), "runId")].push_back(TextOf(event, "eventType"));
    for (const auto& [run, types] : by_run) {
      ASSERT_EQ(types.size(), 2U) << run;
      EXPECT_EQ(types[0], "START") << run;
      EXPECT_NE(types[1], "START") << run;
    }
  }

  EngineDriver driver_;
};

const std::string kShell = "uses: shell, with: {command: date}";

TEST_F(LineageRows, RunsAndEachAttemptAreToldInTheCommitOfTheirTransition) {
  Load("dag_id: a\ntasks:\n  - {id: x, retries: 1, " + kShell + "}\n  - {id: y, needs: x, " + kShell + "}\n");
  const SessionId worker = driver_.Join("w1");
  driver_.Trigger("a", "r");
  EXPECT_THAT(What(), ElementsAre("START a"));
  driver_.Start("x");
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x"));
  driver_.End("x", Outcome::kFailed, "boom");
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "FAIL a.x"));
  const Batch& batch = driver_.batches.back();
  ASSERT_EQ(batch.notifications.size(), 1U);
  EXPECT_EQ(batch.notifications[0].task_id, "x");
  EXPECT_EQ(batch.notifications[0].try_number, 1);
  EXPECT_EQ(batch.transitions.back().to, static_cast<std::uint8_t>(TaskState::kUpForRetry));
  EXPECT_EQ(TextOf(*Events()[2].Find("run")->Find("facets")->Find("errorMessage"), "message"), "boom");
  Pass(worker, std::chrono::minutes(5));
  driver_.Start("x");
  driver_.End("x", Outcome::kFailed, "boom again");
  // y never began.
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "FAIL a.x", "START a.x", "FAIL a.x", "FAIL a"));
  EXPECT_EQ(TextOf(*Events()[5].Find("run")->Find("facets")->Find("errorMessage"), "message"), "task x: boom again");
  ExpectPairs();
}

TEST_F(LineageRows, ARunThatSucceedsIsComplete) {
  Load("dag_id: a\ntasks:\n  - {id: x, outlets: [orders], " + kShell + "}\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x", Outcome::kSuccess, "", R"({"rows":3})");  // its start and its end are told by one report
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "COMPLETE a.x", "COMPLETE a"));
  const Value output = Events()[2].Find("outputs")->as_list().at(0);
  EXPECT_EQ(TextOf(output, "name"), "orders");
  EXPECT_EQ(*output.Find("outputFacets")->Find("outputStatistics")->Find("rowCount"), Value(3));
  ExpectPairs();
}

TEST_F(LineageRows, ARestartBetweenThemLosesNothingAndTellsNothingTwice) {
  const SessionId worker = Begin("dag_id: a\ntasks:\n  - {id: x, " + kShell + "}\n");
  RestartUnder(worker);
  driver_.End("x");
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "COMPLETE a.x", "COMPLETE a"));
  ExpectPairs();
}

TEST_F(LineageRows, AnAttemptThatIsLostWithItsWorkerHasFailedAndTheNextIsAnother) {
  Begin("dag_id: a\ntasks:\n  - {id: x, " + kShell + "}\n");
  driver_.Advance(std::chrono::seconds(40));
  driver_.Join("w2");
  driver_.Start("x");
  driver_.End("x");
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "FAIL a.x", "START a.x", "COMPLETE a.x", "COMPLETE a"));
  EXPECT_EQ(driver_.InstanceOf("x").try_number, 1);
  for (const auto& [id, row] : driver_.rows.notifications) EXPECT_EQ(row.try_number, row.task_id.empty() ? 0 : 1) << id;
  ExpectPairs();
}

TEST_F(LineageRows, WhatSomebodyStopsIsAborted) {
  Begin("dag_id: a\ntasks:\n  - {id: x, " + kShell + "}\n  - {id: y, needs: x, " + kShell + "}\n");
  ASSERT_TRUE(driver_.Do(CancelRun{"a", "r", "ana"}).ok());
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "ABORT a", "ABORT a.x"));
  EXPECT_EQ(TextOf(*Events()[3].Find("run")->Find("facets")->Find("errorMessage"), "message"), "cancelled by ana");
  ExpectPairs();
}

TEST_F(LineageRows, WhatIsClearedBeginsAnew) {
  Begin("dag_id: a\ntasks:\n  - {id: x, " + kShell + "}\n");
  ClearTasks clear;
  clear.dag_id = "a";
  clear.run_id = "r";
  clear.user = "ana";
  ASSERT_TRUE(driver_.Do(clear).ok());
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "ABORT a.x"));
  driver_.End("x", Outcome::kKilled, "cleared by ana");
  driver_.Start("x");
  driver_.End("x");
  ASSERT_EQ(driver_.StateOfRun("r"), RunState::kSuccess);
  driver_.Advance(std::chrono::seconds(1));
  ASSERT_TRUE(driver_.Do(clear).ok());
  driver_.Start("x");
  driver_.End("x");
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "ABORT a.x", "START a.x", "COMPLETE a.x", "COMPLETE a", "START a",
                                  "START a.x", "COMPLETE a.x", "COMPLETE a"));
  ExpectPairs();
}

TEST_F(LineageRows, ARunThatIsTriedAgainByItselfHasFailedFirst) {
  Load("dag_id: a\nmax_dag_retries: 1\ndag_retry_delay: 1m\ntasks:\n  - {id: x, " + kShell + "}\n");
  const SessionId worker = driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x", Outcome::kFailed, "boom");
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "FAIL a.x", "FAIL a"));
  Pass(worker, std::chrono::minutes(1));
  driver_.End("x");
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "FAIL a.x", "FAIL a", "START a", "START a.x", "COMPLETE a.x",
                                  "COMPLETE a"));
  ExpectPairs();
}

TEST_F(LineageRows, EachIterationOfALoopIsAnAttemptAndWaitingInTheEngineIsOneToo) {
  const SessionId worker = Begin("dag_id: a\ntasks:\n  - {id: x, loop: {max_iterations: 2, delay: 10s}, " + kShell + "}\n"
                                 "  - {id: y, needs: x, uses: sensor_time, with: {wait: 1m}}\n");
  driver_.End("x");
  Pass(worker, std::chrono::seconds(10));
  driver_.Start("x");
  driver_.End("x");
  Pass(worker, std::chrono::minutes(2));
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "COMPLETE a.x", "START a.x", "COMPLETE a.x", "START a.y",
                                  "COMPLETE a.y", "COMPLETE a"));
  ExpectPairs();
}

TEST_F(LineageRows, WhatIsSkippedBeforeItBeginsIsNotTold) {
  Load("dag_id: a\ntasks:\n  - {id: x, run_if: \"{{ 1 == 2 }}\", " + kShell + "}\n  - {id: y, needs: x, " + kShell + "}\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r");
  ASSERT_EQ(driver_.StateOf("x"), TaskState::kSkipped);
  ASSERT_EQ(driver_.StateOf("y"), TaskState::kSkipped);
  EXPECT_THAT(What(), ElementsAre("START a", "COMPLETE a"));
}

class FewCallbacks : public LineageRows {
 protected:
  static engine::EngineOptions Options() {
    engine::EngineOptions options = Told();
    options.notifications_per_run = 2;
    return options;
  }
  FewCallbacks() : LineageRows(Options()) {}
};

TEST_F(FewCallbacks, LineageUsesUpNothingOfWhatARunMayTellOfItsTasks) {
  const std::string hook = "{notify: webhook, url: \"http://hooks.example/x\"}";
  const std::string hooks = "on_execute_callback: " + hook + ", on_success_callback: " + hook + ", ";
  const SessionId worker = Begin("dag_id: a\ntasks:\n  - {id: x, " + hooks + kShell + "}\n");
  RestartUnder(worker);
  driver_.End("x");
  std::vector<std::string> told;
  for (const auto& [id, row] : driver_.rows.notifications) {
    EXPECT_NE(row.state, NotificationState::kSuppressed);
    if (row.cause != CallbackCause::kLineage) told.emplace_back(ToString(row.cause));
  }
  EXPECT_THAT(told, ElementsAre("on_execute", "on_success"));
}

class FewLineageRows : public LineageRows {
 protected:
  FewLineageRows() : LineageRows(Told(8)) {}
};

TEST_F(FewLineageRows, WhileNobodyTakesThemFurtherEventsAreCountedAndStartsAreTheFirstToGo) {
  Load("dag_id: a\ntasks:\n  - id: x\n    uses: shell\n    with: {command: \"echo {{ map.n }}\"}\n"
       "    expand: {n: [1, 2, 3, 4, 5, 6]}\n");
  driver_.Join("w1", 8);
  driver_.Trigger("a", "r");
  for (int i = 0; i < 6; ++i) driver_.Start("x[" + std::to_string(i) + "]");
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "START a.x", "START a.x"));
  for (int i = 0; i < 6; ++i) driver_.End("x[" + std::to_string(i) + "]");
  // Of eight rows one is what counts: three of six ends have found room.
  EXPECT_THAT(What(), ElementsAre("START a", "START a.x", "START a.x", "START a.x", "COMPLETE a.x", "COMPLETE a.x", "COMPLETE a.x"));
  std::int32_t counted = 0;
  for (const auto& [id, row] : driver_.rows.notifications) {
    if (row.state != NotificationState::kSuppressed) continue;
    EXPECT_EQ(row.cause, CallbackCause::kLineage);
    counted += row.count;
  }
  EXPECT_EQ(counted, 3 + 3 + 1);
}

class WithoutLineage : public LineageRows {
 protected:
  WithoutLineage() : LineageRows(engine::EngineOptions()) {}
};

TEST_F(WithoutLineage, NothingIsToldUnlessItIsAskedFor) {
  Begin("dag_id: a\ntasks:\n  - {id: x, outlets: [orders], " + kShell + "}\n");
  driver_.End("x");
  EXPECT_THAT(driver_.rows.notifications, IsEmpty());
}

}  // namespace
}  // namespace millrace::test
