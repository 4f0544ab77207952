// What operations do to runs that scenarios cannot write down: mapped tasks.
#include <gtest/gtest.h>

#include "tests/support/dag_builder.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

DagPtr Mapped(const std::string& version, int instances, bool with_more) {
  DagBuilder builder("etl");
  builder.Version(version);
  if (with_more) builder.Add("before");
  builder.Add("each", {}, [instances](Task& task) {
    Value::List numbers;
    for (int i = 0; i < instances; ++i) numbers.emplace_back(i);
    task.expand = {{"n", Value(std::move(numbers))}};
  });
  builder.Add("after", {"each"});
  return builder.Build();
}

class EngineOperations : public testing::Test {
 protected:
  EngineOperations() {
    driver_.LoadDag(Mapped("v1", 4, false));
    driver_.Join("w1", 8);
    TriggerRun trigger;
    trigger.dag_id = "etl";
    trigger.run_id = "r";
    EXPECT_TRUE(driver_.Do(trigger).ok());
  }

  // Ends whatever workers were given, until nothing is left.
  void Work() {
    for (int round = 0; round < 20; ++round) {
      std::vector<Assign> given;
      for (const auto& [key, assign] : driver_.assigned) {
        const auto row = driver_.rows.instances.find(key);
        if (row != driver_.rows.instances.end() && HasAttempt(row->second.state)) given.push_back(assign);
      }
      for (const Assign& one : given) driver_.Report(one.session, one.assignment.fence, true, Outcome::kSuccess);
    }
  }

  CommandReply Newest() {
    ClearTasks clear;
    clear.dag_id = "etl";
    clear.run_id = "r";
    clear.latest_version = true;
    return driver_.Do(clear);
  }

  RunState StateOf() const { return driver_.rows.runs.begin()->second.state; }

  EngineDriver driver_;
};

TEST_F(EngineOperations, a_run_with_mapped_tasks_goes_to_a_version_that_maps_to_fewer) {
  Work();
  ASSERT_EQ(StateOf(), RunState::kSuccess);
  ASSERT_EQ(driver_.rows.instances.size(), 5U);  // each x 4, after
  driver_.LoadDag(Mapped("v2", 2, true));
  ASSERT_TRUE(Newest().ok());
  Work();
  EXPECT_EQ(StateOf(), RunState::kSuccess);
  EXPECT_EQ(driver_.rows.instances.size(), 4U);  // before, each x 2, after
  std::set<std::int32_t> indices;
  for (const auto& [key, row] : driver_.rows.instances) {
    EXPECT_EQ(row.state, TaskState::kSuccess) << key.index;
    EXPECT_GE(row.try_number, 1);
    indices.insert(row.map_index);
  }
  EXPECT_EQ(indices, (std::set<std::int32_t>{-1, 0, 1}));
  driver_.Restart();
  EXPECT_EQ(driver_.rows.instances.size(), 4U);
}

TEST_F(EngineOperations, tries_count_on_so_that_no_log_is_taken_for_anothers) {
  Work();
  driver_.LoadDag(Mapped("v2", 6, false));
  ASSERT_TRUE(Newest().ok());
  Work();
  EXPECT_EQ(StateOf(), RunState::kSuccess);
  EXPECT_EQ(driver_.rows.instances.size(), 7U);
  for (const auto& [key, row] : driver_.rows.instances) EXPECT_EQ(row.try_number, 2) << key.index;
}

TEST_F(EngineOperations, one_instance_of_a_mapped_task_is_marked_and_cleared_alone) {
  Work();
  ClearTasks clear;
  clear.dag_id = "etl";
  clear.run_id = "r";
  clear.task_ids = {"each"};
  clear.map_index = 2;
  clear.downstream = false;
  clear.dry_run = true;
  const CommandReply preview = driver_.Do(clear);
  ASSERT_TRUE(preview.ok());
  ASSERT_EQ(preview->instances.size(), 1U);
  EXPECT_EQ(driver_.rows.instances.at(preview->instances[0]).map_index, 2);
  clear.dry_run = false;
  EXPECT_EQ(driver_.Do(clear)->instances, preview->instances);
  Work();
  MarkTask mark{"etl", "r", "each", TaskState::kFailed, "ana", 3};
  ASSERT_EQ(driver_.Do(mark)->instances.size(), 1U);
  EXPECT_EQ(StateOf(), RunState::kSuccess);  // what stands behind it has succeeded
}

}  // namespace
}  // namespace millrace::test
