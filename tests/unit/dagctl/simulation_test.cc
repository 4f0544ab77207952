#include "dagctl/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/calendar/format.h"
#include "platform/zones.h"
#include "tests/support/dag_builder.h"

namespace millrace::dagctl {
namespace {

using test::DagBuilder;
using ::testing::ElementsAre;

class SimulationTest : public ::testing::Test {
 protected:
  static WallTime T(const char* text) { return *ParseTimeUtc(text); }

  static DagPtr Daily(const std::function<void(Dag&)>& tweak = nullptr) {
    DagBuilder builder("daily");
    builder.Add("a").Add("b", {"a"},
                         [](Task& task) { task.retry = {.retries = 1, .delay = std::chrono::minutes(5)}; });
    builder.With([&](Dag& dag) {
      dag.schedule.kind = ScheduleKind::kCronTrigger;
      dag.schedule.expression = dag.schedule.written = "@daily";
      dag.schedule.start = T("2001-03-01");
      if (tweak) tweak(dag);
    });
    return builder.Build();
  }

  SimulationOptions Days(int days) {
    SimulationOptions options;
    options.dag_id = "daily";
    options.start = T("2001-03-01");
    options.end = options.start + std::chrono::hours(24 * days);
    return options;
  }

  std::vector<SimulatedRun> Play(const std::vector<DagPtr>& dags, SimulationOptions options) {
    Simulation simulation(dags, std::move(options), zones_);
    StatusOr<std::vector<SimulatedRun>> runs = simulation.Play();
    EXPECT_TRUE(runs.ok()) << runs.status().ToString();
    skipped_ = simulation.skipped();
    return runs.ok() ? *runs : std::vector<SimulatedRun>();
  }

  static std::vector<std::string> Starts(const std::vector<SimulatedRun>& runs) {
    std::vector<std::string> starts;
    for (const SimulatedRun& run : runs)
      starts.push_back(FormatTime(run.run.started_at.value_or(WallTime())));
    return starts;
  }

  platform::TzdbZones zones_;
  int skipped_ = 0;
};

TEST_F(SimulationTest, AYearHasARunADayAndEachEndsWell) {
  const std::vector<SimulatedRun> runs = Play({Daily()}, Days(365));
  ASSERT_EQ(runs.size(), 365U);
  for (const SimulatedRun& run : runs) {
    EXPECT_EQ(run.run.state, RunState::kSuccess);
    EXPECT_EQ(run.attempts, 2);
  }
  EXPECT_EQ(runs.back().run.logical_date, T("2002-02-28"));
}

TEST_F(SimulationTest, AnIntervalRunsWhenItIsOverAlsoTheLast) {
  const std::vector<SimulatedRun> runs =
      Play({Daily([](Dag& dag) { dag.schedule.kind = ScheduleKind::kCronInterval; })}, Days(3));
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0].run.logical_date, T("2001-03-01"));
  EXPECT_EQ(runs[2].run.run_after, T("2001-03-04"));
}

TEST_F(SimulationTest, AttemptsTakeAsLongAsTheyAreSaidToAndFailAsOften) {
  SimulationOptions options = Days(1);
  options.length = std::chrono::minutes(10);
  options.tasks["b"].length = std::chrono::minutes(30);
  options.tasks["b"].failures = 1;
  const std::vector<SimulatedRun> runs = Play({Daily()}, options);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].run.state, RunState::kSuccess);
  EXPECT_EQ(runs[0].attempts, 3);
  EXPECT_EQ(runs[0].run.ended_at, T("2001-03-01T01:15:00Z"));  // 10 + 30 + a delay of 5 + 30 minutes
  options.tasks["b"].failures = 2;
  const std::vector<SimulatedRun> failed = Play({Daily()}, options);
  EXPECT_EQ(failed[0].run.state, RunState::kFailed);
  EXPECT_EQ(failed[0].states[static_cast<std::size_t>(TaskState::kFailed)], 1);
}

TEST_F(SimulationTest, AnAttemptThatIsLongerThanItsTimeoutFailsThen) {
  SimulationOptions options = Days(1);
  options.length = std::chrono::hours(2);
  DagBuilder builder("daily");
  builder.Add("a", {}, [](Task& task) { task.execution_timeout = std::chrono::hours(1); });
  builder.With([](Dag& dag) { dag.schedule = Daily()->schedule; });
  const std::vector<SimulatedRun> runs = Play({builder.Build()}, options);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].run.state, RunState::kFailed);
  EXPECT_EQ(runs[0].run.ended_at, T("2001-03-01T01:00:00Z"));
}

TEST_F(SimulationTest, RunsThatAreLongerThanTheirScheduleMeetItsOverlapPolicy) {
  SimulationOptions options = Days(4);
  options.tasks["a"].length = std::chrono::hours(30);
  EXPECT_THAT(Starts(Play({Daily([](Dag& dag) { dag.max_active_runs = 1; })}, options)),
              ElementsAre("2001-03-01T00:00:00Z", "2001-03-02T06:00:00Z", "2001-03-03T12:00:00Z",
                          "2001-03-04T18:00:00Z"));
  EXPECT_THAT(Starts(Play({Daily([](Dag& dag) { dag.schedule.overlap = Overlap::kSkip; })}, options)),
              ElementsAre("2001-03-01T00:00:00Z", "2001-03-03T00:00:00Z"));
  EXPECT_EQ(skipped_, 2);
  const std::vector<SimulatedRun> cancelled =
      Play({Daily([](Dag& dag) { dag.schedule.overlap = Overlap::kCancelOther; })}, options);
  ASSERT_EQ(cancelled.size(), 4U);
  EXPECT_EQ(cancelled[0].run.ended_at, T("2001-03-02"));
  EXPECT_EQ(cancelled[0].run.state, RunState::kFailed);
  EXPECT_EQ(cancelled[3].run.state, RunState::kSuccess);
}

TEST_F(SimulationTest, EarlierDatesCountAsDone) {
  SimulationOptions options = Days(2);
  options.start = T("2001-06-01T12:00:00Z");
  options.end = options.start + std::chrono::hours(48);
  for (const Catchup catchup : {Catchup::kNone, Catchup::kLast, Catchup::kAll}) {
    const std::vector<SimulatedRun> runs =
        Play({Daily([&](Dag& dag) { dag.schedule.catchup = catchup; })}, options);
    EXPECT_THAT(Starts(runs), ElementsAre("2001-06-02T00:00:00Z", "2001-06-03T00:00:00Z"));
  }
}

TEST_F(SimulationTest, ADatasetThatAnotherDagUpdatesMakesRuns) {
  DagBuilder reader("reader");
  reader.Add("r").With([](Dag& dag) {
    DatasetCondition orders;
    orders.dataset = "orders";
    dag.schedule.datasets = orders;
  });
  DagBuilder writer("writer");
  writer.Add("w", {}, [](Task& task) { task.outlets = {"orders"}; });
  writer.With([](Dag& dag) { dag.schedule = Daily()->schedule; });
  SimulationOptions options = Days(3);
  options.dag_id = "reader";
  const std::vector<SimulatedRun> runs = Play({reader.Build(), writer.Build()}, options);
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[1].run.type, RunType::kAssetTriggered);
  EXPECT_EQ(runs[1].run.run_after, T("2001-03-02"));
}

TEST_F(SimulationTest, PartitionsOfARunMakeRunsOfTheDagsThatMapThem) {
  DagBuilder reader("reader");
  reader.Add("r").With([](Dag& dag) {
    DatasetCondition orders;
    orders.dataset = "orders";
    dag.schedule.datasets = orders;
    dag.schedule.partitions.emplace();
    dag.schedule.partitions->mapper.kind = PartitionMapper::Kind::kMonth;
  });
  DagBuilder writer("writer");
  writer.Add("w", {}, [](Task& task) { task.outlets = {"orders"}; });
  writer.With([](Dag& dag) {
    dag.schedule = Daily()->schedule;
    dag.schedule.partitions.emplace();
    dag.schedule.partitions->key_format = "%Y-%m-%dT%H:%M:%S";
    dag.schedule.partitions->run_offset = -1;
  });
  SimulationOptions options = Days(2);
  options.dag_id = "writer";
  const std::vector<SimulatedRun> writers = Play({reader.Build(), writer.Build()}, options);
  ASSERT_EQ(writers.size(), 2U);
  EXPECT_EQ(writers[0].run.partition_key, "2001-02-28T00:00:00");
  EXPECT_EQ(writers[1].run.partition_key, "2001-03-01T00:00:00");
  options.dag_id = "reader";
  const std::vector<SimulatedRun> readers = Play({reader.Build(), writer.Build()}, options);
  ASSERT_EQ(readers.size(), 2U);
  EXPECT_EQ(readers[0].run.partition_key, "2001-02");
  EXPECT_EQ(readers[1].run.partition_key, "2001-03");
}

TEST_F(SimulationTest, ARollUpsRunsComeWhenTheirWeeksAreFull) {
  DagBuilder reader("reader");
  reader.Add("r").With([](Dag& dag) {
    PartitionMapper weekly;
    weekly.kind = PartitionMapper::Kind::kWeek;
    dag.schedule.datasets = DatasetCondition{DatasetCondition::Op::kDataset, "orders", {}};
    PartitionMapper& mapper = dag.schedule.partitions.emplace().mapper;
    mapper.kind = PartitionMapper::Kind::kRollup;
    mapper.parts = {weekly};
    mapper.window = PartitionWindow{.kind = PartitionWindow::Kind::kWeek, .segments = {}};
  });
  DagBuilder writer("writer");
  writer.Add("w", {}, [](Task& task) { task.outlets = {"orders"}; });
  writer.With([](Dag& dag) {
    dag.schedule = Daily()->schedule;
    dag.schedule.partitions.emplace().key_format = "%Y-%m-%dT%H:%M:%S";
  });
  SimulationOptions options = Days(20);
  options.dag_id = "reader";
  const std::vector<SimulatedRun> runs = Play({reader.Build(), writer.Build()}, options);
  ASSERT_EQ(runs.size(), 2U) << "the first week was half over";
  EXPECT_EQ(runs[0].run.partition_key, "2001-03-05 (W10)");
  EXPECT_EQ(runs[0].run.run_after, T("2001-03-11"));
  EXPECT_EQ(runs[1].run.partition_key, "2001-03-12 (W11)");
  EXPECT_EQ(runs[1].run.run_after, T("2001-03-18"));
}

TEST_F(SimulationTest, AWatchedDatasetIsNeverSeenToChange) {
  DagBuilder reader("reader");
  reader.Add("r").With([](Dag& dag) {
    dag.schedule.datasets = DatasetCondition{DatasetCondition::Op::kDataset, "seen", {}};
    Dataset seen{.name = "seen", .uri = "seen", .extra = {}};
    seen.watch = Watch{.kind = "sensor_file",
                       .name = "w",
                       .with = Value::Map{{"path", "x"}},
                       .connections = {},
                       .files = {}};
    dag.datasets = {seen};
  });
  SimulationOptions options = Days(3);
  options.dag_id = "reader";
  EXPECT_TRUE(Play({reader.Build()}, options).empty());
}

TEST_F(SimulationTest, AResultThatNamesNoneOfTheTasksOutletsFailsIt) {
  DagBuilder writer("daily");
  writer.Add("w", {}, [](Task& task) { task.outlet_aliases = {"files"}; });
  writer.With([](Dag& dag) { dag.schedule = Daily()->schedule; });
  SimulationOptions options = Days(1);
  for (const auto& [alias, state] :
       {std::pair("files", RunState::kSuccess), std::pair("other", RunState::kFailed)}) {
    options.tasks["w"].results = {std::string(R"({"outlet_events": {")") + alias + R"(": ["f1"]}})"};
    EXPECT_EQ(Play({writer.Build()}, options)[0].run.state, state) << alias;
  }
}

TEST_F(SimulationTest, ATaskThatDependsOnThePastWaitsForItAndStopsWithIt) {
  DagBuilder builder("daily");
  builder.Add("a", {}, [](Task& task) { task.depends_on_past = true; });
  builder.With([](Dag& dag) { dag.schedule = Daily()->schedule; });
  EXPECT_EQ(Play({builder.Build()}, Days(5)).back().run.state, RunState::kSuccess);
  SimulationOptions options = Days(5);
  options.tasks["a"].failures = 1;
  const std::vector<SimulatedRun> runs = Play({builder.Build()}, options);
  EXPECT_EQ(runs[0].run.state, RunState::kFailed);
  EXPECT_EQ(runs[1].run.state, RunState::kRunning);
  EXPECT_EQ(runs[1].attempts, 0);
}

TEST_F(SimulationTest, ATriggeredDagRunsAndIsWaitedFor) {
  DagBuilder parent("daily");
  parent.Add("go", {}, [](Task& task) {
    task.kind = "trigger_dag";
    task.in_engine = true;
    task.with = Value::Map{{"dag", "child"}, {"wait_for_completion", true}};
  });
  parent.With([](Dag& dag) { dag.schedule = Daily()->schedule; });
  DagBuilder child("child");
  child.Add("work");
  SimulationOptions options = Days(3);
  options.length = std::chrono::hours(2);
  const std::vector<SimulatedRun> runs = Play({parent.Build(), child.Build()}, options);
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[2].run.state, RunState::kSuccess);
  EXPECT_EQ(runs[2].run.ended_at, T("2001-03-03T02:00:00Z"));
  options.dag_id = "child";
  const std::vector<SimulatedRun> children = Play({parent.Build(), child.Build()}, options);
  ASSERT_EQ(children.size(), 3U);
  EXPECT_EQ(children[1].run.type, RunType::kOperatorTriggered);
  EXPECT_EQ(children[1].run.triggering_task->task_id, "go");
}

TEST_F(SimulationTest, ADagThatTriggersItselfDoesNotRunForEver) {
  DagBuilder builder("daily");
  builder.Add("again", {}, [](Task& task) {
    task.kind = "trigger_dag";
    task.in_engine = true;
    task.with = Value::Map{{"dag", "daily"}};
  });
  builder.With([](Dag& dag) { dag.schedule = Daily()->schedule; });
  EXPECT_EQ(Play({builder.Build()}, Days(3)).size(), 3U);
}

TEST_F(SimulationTest, PeopleApproveUnlessTheyAreToldToReject) {
  DagBuilder builder("daily");
  builder.Add("ok", {}, [](Task& task) {
    task.kind = "approval";
    task.in_engine = true;
    task.steering = Steering::kShortCircuit;
    task.with = Value::Map{{"subject", "Go?"}};
  });
  builder.Add("after", {"ok"});
  builder.With([](Dag& dag) { dag.schedule = Daily()->schedule; });
  SimulationOptions options = Days(1);
  EXPECT_EQ(Play({builder.Build()}, options)[0].attempts, 2);
  options.tasks["ok"].results = {"false"};
  EXPECT_EQ(Play({builder.Build()}, options)[0].states[static_cast<std::size_t>(TaskState::kSkipped)], 1);
}

TEST_F(SimulationTest, WhatALoopReturnsDecidesWhenItEnds) {
  const DagPtr dag = Daily([](Dag& changed) {
    LoopPolicy loop;
    loop.until = Value("{{ loop.result.error < 0.1 }}");
    loop.max_iterations = 5;
    loop.delay = std::chrono::minutes(10);
    changed.tasks[0].loop = loop;
  });
  SimulationOptions options = Days(1);
  EXPECT_EQ(Play({dag}, options)[0].attempts, 2) << "the first iteration returns what is waited for";
  options.tasks["a"].results = {R"({"error": 0.5})", R"({"error": 0.2})", R"({"error": 0.05})"};
  const SimulatedRun converges = Play({dag}, options)[0];
  EXPECT_EQ(converges.attempts, 4);
  EXPECT_EQ(converges.run.state, RunState::kSuccess);
  EXPECT_EQ(*converges.run.ended_at - *converges.run.started_at, Duration(std::chrono::minutes(20)));
  options.tasks["a"].results = {R"({"error": 0.5})"};
  const SimulatedRun never = Play({dag}, options)[0];
  EXPECT_EQ(never.run.state, RunState::kFailed);
  EXPECT_EQ(never.tasks[0].try_number, 5);
  const DagPtr counts = Daily([](Dag& changed) {
    changed.tasks[0].loop = LoopPolicy{.until = Value("{{ loop.index >= 2 }}"), .max_iterations = 5, .delay = Duration(0)};
  });
  EXPECT_EQ(Play({counts}, Days(1))[0].attempts, 4) << "what looks at no result needs none";
}

TEST_F(SimulationTest, AGroupThatLoopsEndsWithWhatItsLastTaskReturns) {
  const DagPtr dag = Daily([](Dag& changed) {
    changed.groups.push_back({.id = "g"});
    Task gate;
    gate.id = "g.__loop_gate";
    gate.kind = kLoopGate;
    gate.in_engine = true;
    gate.upstream = {1};
    gate.pulls = {{1, "return_value"}};
    gate.loop = LoopPolicy{.until = Value("{{ loop.result == 'done' }}"), .max_iterations = 5, .delay = std::chrono::minutes(10)};
    changed.tasks[1].downstream = {2};
    changed.tasks.push_back(gate);
    for (Task& task : changed.tasks) {
      task.group = 0;
      task.loop_gate = 2;
    }
  });
  SimulationOptions options = Days(1);
  EXPECT_EQ(Play({dag}, options)[0].attempts, 3) << "the first iteration returns what is waited for";
  options.tasks[dag->tasks[1].id].results = {R"("more")", R"("more")", R"("done")"};
  const SimulatedRun converges = Play({dag}, options)[0];
  EXPECT_EQ(converges.attempts, 9);
  EXPECT_EQ(converges.run.state, RunState::kSuccess);
  EXPECT_EQ(*converges.run.ended_at - *converges.run.started_at, Duration(std::chrono::minutes(20)));
  options.tasks[dag->tasks[1].id].results = {R"("more")"};
  EXPECT_EQ(Play({dag}, options)[0].run.state, RunState::kFailed);
}

TEST_F(SimulationTest, ContinuousRunsFollowOneAnotherAsTheyEnd) {
  const DagPtr dag = Daily([](Dag& changed) {
    changed.schedule.kind = ScheduleKind::kContinuous;
    changed.max_active_runs = 1;
  });
  SimulationOptions options = Days(1);
  options.length = std::chrono::hours(1);
  EXPECT_EQ(Play({dag}, options).size(), 12U);
}

}  // namespace
}  // namespace millrace::dagctl
