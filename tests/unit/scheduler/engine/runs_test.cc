// A run from its trigger to its end, with workers that behave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/dag_builder.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DagPtr Chain() { return DagBuilder("etl").Add("extract").Add("load", {"extract"}).Build(); }

TEST(EngineRuns, a_triggered_run_goes_through_its_tasks_in_order_and_succeeds) {
  EngineDriver driver;
  driver.LoadDag(Chain());
  driver.Join("w1");
  const std::string run = driver.Trigger("etl", "first");
  EXPECT_EQ(driver.StateOf("extract"), TaskState::kQueued);
  EXPECT_EQ(driver.StateOf("load"), TaskState::kNone);
  driver.Start("extract");
  EXPECT_EQ(driver.StateOf("extract"), TaskState::kRunning);
  driver.End("extract", Outcome::kSuccess, "", R"({"rows":3})");
  EXPECT_EQ(driver.StateOf("load"), TaskState::kQueued);
  EXPECT_EQ(driver.rows.xcoms.at({driver.KeyOf("extract"), kReturnValue}).json, R"({"rows":3})");
  driver.Start("load");
  driver.End("load");
  EXPECT_EQ(driver.StateOf("load"), TaskState::kSuccess);
  EXPECT_EQ(driver.StateOfRun(run), RunState::kSuccess);
}

TEST(EngineRuns, a_failed_task_fails_what_needs_it_and_the_run) {
  EngineDriver driver;
  driver.LoadDag(Chain());
  driver.Join("w1");
  driver.Trigger("etl", "first");
  driver.End("extract", Outcome::kFailFinal, "no such table: flights");
  EXPECT_EQ(driver.StateOf("extract"), TaskState::kFailed);
  EXPECT_EQ(driver.InstanceOf("extract").reason, "no such table: flights");
  EXPECT_EQ(driver.StateOf("load"), TaskState::kUpstreamFailed);
  EXPECT_EQ(driver.StateOfRun("first"), RunState::kFailed);
}

TEST(EngineRuns, an_assignment_tells_the_attempt_its_ids_and_dates) {
  EngineDriver driver;
  driver.LoadDag(
      DagBuilder("etl").Add("a", {}, [](Task& t) { t.execution_timeout = std::chrono::minutes(2); }).Build());
  driver.Join("w1");
  driver.Trigger("etl", "first");
  const Assignment& assignment = driver.Assigned("a")->assignment;
  EXPECT_EQ(assignment.timeout, std::chrono::minutes(2));
  EXPECT_EQ(assignment.fence, (Fence{1, 1}));
  const std::pair<std::string, std::string> ds("MILLRACE_DS", "2001-03-01");
  const std::pair<std::string, std::string> fence("MILLRACE_FENCE", "1.1");
  const std::pair<std::string, std::string> date("MILLRACE_LOGICAL_DATE", "2001-03-01T00:00:00+00:00");
  EXPECT_THAT(assignment.environment, Contains(ds));
  EXPECT_THAT(assignment.environment, Contains(fence));
  EXPECT_THAT(assignment.environment, Contains(date));
}

TEST(EngineRuns, a_run_of_a_thousand_and_one_tasks_is_created_over_several_commits) {
  DagBuilder builder("wide");
  for (int i = 0; i < 2500; ++i) builder.Add("t" + std::to_string(i));
  EngineDriver driver;
  driver.LoadDag(builder.With([](Dag& dag) { dag.max_active_tasks = 5; }).Build());
  driver.Trigger("wide", "first");
  EXPECT_EQ(driver.rows.instances.size(), 2500u);
  for (const Batch& batch : driver.batches) EXPECT_LE(batch.task_instances.size(), 1000u);
}

TEST(EngineRuns, a_row_that_changes_twice_in_one_batch_stands_in_it_once) {
  EngineDriver driver;
  driver.LoadDag(DagBuilder("one").Add("a").Build());
  const SessionId session = driver.Join("w1");
  driver.Trigger("one", "first");
  const Fence fence = driver.Assigned("a")->assignment.fence;
  engine::Output output;
  driver.engine().Apply(Reported{session, {Report{.sequence = 1, .fence = fence}}}, driver.now(), output);
  driver.engine().Apply(Reported{session, {Report{.sequence = 2, .fence = fence, .ended = true}}},
                        driver.now(), output);
  EXPECT_EQ(output.batch.task_instances.size(), 1u);
  EXPECT_EQ(output.batch.task_instances[0].state, TaskState::kSuccess);
  EXPECT_EQ(output.batch.transitions.size(), 3u);  // queued, running, success; and the run's
  int acknowledgements = 0;
  for (const Effect& effect : output.effects) {
    if (const auto* ack = std::get_if<AckReports>(&effect)) {
      ++acknowledgements;
      EXPECT_EQ(ack->sequence, 2u);
    }
  }
  EXPECT_EQ(acknowledgements, 1);
}

TEST(EngineRuns, max_active_runs_keeps_further_runs_queued_until_one_ends) {
  EngineDriver driver;
  driver.LoadDag(DagBuilder("etl").Add("a").With([](Dag& dag) { dag.max_active_runs = 1; }).Build());
  driver.Join("w1");
  driver.Trigger("etl", "first");
  driver.Trigger("etl", "second");
  EXPECT_EQ(driver.StateOfRun("second"), RunState::kQueued);
  EXPECT_THAT(driver.WhyOf("second/a"), ElementsAre(HasSubstr("max_active_runs is 1")));
  driver.End("first/a");
  EXPECT_EQ(driver.StateOfRun("second"), RunState::kRunning);
  EXPECT_EQ(driver.StateOf("second/a"), TaskState::kQueued);
}

TEST(EngineRuns, max_active_tasks_holds_back_ready_tasks_of_a_run) {
  EngineDriver driver;
  driver.LoadDag(
      DagBuilder("etl").Add("a").Add("b").Add("c").With([](Dag& dag) { dag.max_active_tasks = 2; }).Build());
  driver.Join("w1");
  driver.Trigger("etl", "first");
  EXPECT_THAT(driver.TasksIn(TaskState::kQueued), ElementsAre("a", "b"));
  EXPECT_THAT(driver.WhyOf("c"), ElementsAre(HasSubstr("max_active_tasks is 2")));
  driver.End("a");
  EXPECT_THAT(driver.TasksIn(TaskState::kQueued), ElementsAre("b", "c"));
}

TEST(EngineRuns, a_pool_lets_in_as_many_slots_as_it_has_best_priority_first) {
  engine::EngineOptions options;
  options.pools = {{"warehouse", 2}};
  EngineDriver driver(options);
  const auto in_pool = [](int slots, int priority) {
    return [=](Task& task) {
      task.pool = "warehouse";
      task.pool_slots = slots;
      task.priority_weight = priority;
    };
  };
  driver.LoadDag(DagBuilder("etl")
                     .Add("low", {}, in_pool(1, 1))
                     .Add("big", {}, in_pool(2, 5))
                     .Add("mid", {}, in_pool(1, 3))
                     .Build());
  driver.Join("w1");
  driver.Trigger("etl", "first");
  EXPECT_THAT(driver.TasksIn(TaskState::kQueued), ElementsAre("big"));
  EXPECT_THAT(driver.WhyOf("mid"), ElementsAre(HasSubstr("2 of 2 slots are taken")));
  driver.End("big");
  EXPECT_THAT(driver.TasksIn(TaskState::kQueued), ElementsAre("low", "mid"));
}

TEST(EngineRuns, a_pool_that_does_not_exist_is_named_and_blocks_nobody_else) {
  EngineDriver driver;
  driver.LoadDag(DagBuilder("etl").Add("a", {}, [](Task& task) { task.pool = "nowhere"; }).Add("b").Build());
  driver.Join("w1");
  driver.Trigger("etl", "first");
  EXPECT_EQ(driver.StateOf("b"), TaskState::kQueued);
  EXPECT_THAT(driver.WhyOf("a"), ElementsAre(HasSubstr("pool nowhere does not exist")));
}

TEST(EngineRuns, a_task_waits_for_its_retry_with_growing_delays_up_to_the_longest) {
  EngineDriver driver;
  driver.LoadDag(DagBuilder("etl")
                     .Add("a", {},
                          [](Task& task) {
                            task.retry = {3, std::chrono::minutes(10), 2.0, std::chrono::minutes(25)};
                          })
                     .Build());
  const SessionId session = driver.Join("w1");
  driver.Trigger("etl", "first");
  for (const int minutes : {10, 20, 25}) {
    driver.End("a", Outcome::kFailed, "no");
    EXPECT_EQ(driver.StateOf("a"), TaskState::kUpForRetry);
    EXPECT_EQ(*driver.InstanceOf("a").due_at - driver.now().wall, std::chrono::minutes(minutes));
    EXPECT_THAT(driver.WhyOf("a"), ElementsAre(HasSubstr("failed (no); try ")));
    for (int i = 0; i < minutes * 6 - 1; ++i) {
      driver.Advance(std::chrono::seconds(10));
      driver.Heartbeat(session);
    }
    EXPECT_EQ(driver.StateOf("a"), TaskState::kUpForRetry);
    driver.Advance(std::chrono::seconds(10));
    EXPECT_EQ(driver.StateOf("a"), TaskState::kQueued);
  }
  driver.End("a", Outcome::kFailed, "still no");
  EXPECT_EQ(driver.StateOf("a"), TaskState::kFailed);
  EXPECT_EQ(driver.InstanceOf("a").try_number, 4);
  EXPECT_EQ(driver.rows.attempts.size(), 4u);
  EXPECT_EQ(driver.StateOfRun("first"), RunState::kFailed);
}

TEST(EngineRuns, nothing_is_left_in_memory_of_a_run_that_ended) {
  EngineDriver driver;
  driver.LoadDag(DagBuilder("etl").Add("a").Build());
  driver.Join("w1");
  driver.Trigger("etl", "first");
  driver.End("a");
  EXPECT_THAT(driver.WhyOf("a"), ElementsAre(HasSubstr("NOT_FOUND")));
  EXPECT_THAT(driver.TasksIn(TaskState::kQueued), IsEmpty());
}

TEST(EngineRuns, short_tasks_are_sent_ahead_of_free_slots_and_others_are_not) {
  EngineDriver driver;
  DagBuilder empties("empties");
  DagBuilder shells("shells");
  for (int i = 0; i < 100; ++i) {
    empties.Add("t" + std::to_string(i));
    shells.Add("t" + std::to_string(i), {}, [](Task& task) { task.kind = "shell"; });
  }
  const auto unlimited = [](Dag& dag) { dag.max_active_tasks = 1000; };
  driver.LoadDag(empties.With(unlimited).Build());
  driver.LoadDag(shells.With(unlimited).Build());
  driver.Join("w1", 2);
  driver.Trigger("shells", "s");
  EXPECT_EQ(driver.TasksIn(TaskState::kQueued).size(), 2u);
  ASSERT_TRUE(driver.Do(CancelRun{"shells", "s", "ana"}).ok());
  EXPECT_EQ(driver.Effects<CancelAttempt>().size(), 2u);
  driver.Trigger("empties", "e");
  EXPECT_EQ(driver.TasksIn(TaskState::kQueued).size(), 16u);  // 2 slots still held, 8 ahead for each of 2
}

TEST(EngineRuns, a_version_that_the_file_still_says_is_held_once_after_a_restart) {
  DagPtr stored = Chain();
  const std::weak_ptr<const Dag> watched = stored;
  Image image;
  image.dags.push_back({.dag_id = "etl", .version = 1});
  image.dag_versions.push_back({"etl", 1, WallTime{}, std::move(stored)});
  const platform::TzdbZones zones;
  engine::Engine engine({}, zones);
  engine::Output out;
  engine.Load(std::move(image), Now{}, out);
  EXPECT_FALSE(watched.expired());
  engine.Apply(DagLoaded{Chain()}, Now{}, out);
  EXPECT_TRUE(watched.expired());
  EXPECT_THAT(out.batch.dag_versions, IsEmpty());
}

TEST(EngineRuns, a_dag_that_moves_to_another_bundle_becomes_a_new_version) {
  Image image;
  image.dags.push_back({.dag_id = "etl", .version = 1});
  image.dag_versions.push_back({"etl", 1, WallTime{}, Chain()});
  const platform::TzdbZones zones;
  engine::Engine engine({}, zones);
  engine::Output out;
  engine.Load(std::move(image), Now{}, out);
  auto moved = std::make_shared<Dag>(*Chain());
  moved->bundle = "dags-folder";  // which a version that names none means
  engine.Apply(DagLoaded{moved}, Now{}, out);
  EXPECT_THAT(out.batch.dag_versions, IsEmpty());
  moved = std::make_shared<Dag>(*moved);
  moved->bundle = "sales";
  engine.Apply(DagLoaded{moved}, Now{}, out);
  ASSERT_EQ(out.batch.dag_versions.size(), 1U);
  EXPECT_EQ(out.batch.dag_versions[0].version, 2);
}

}  // namespace
}  // namespace millrace::test
