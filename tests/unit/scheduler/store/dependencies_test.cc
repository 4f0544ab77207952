// What DAGs have to do with each other, on the real store.
#include "scheduler/store/dependencies.h"

#include <gmock/gmock.h>

#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Task WithKind(const std::string& id, const std::string& kind, Value with) {
  Task task;
  task.id = id;
  task.kind = kind;
  task.with = std::move(with);
  return task;
}

class DependenciesTest : public StoreTest {
 protected:
  DependenciesTest() { Open(); }

  static void Add(Batch& batch, const Dag& dag, std::int32_t version = 1) {
    batch.dags.push_back({.dag_id = dag.id, .version = version});
    batch.dag_versions.push_back({.dag_id = dag.id,
                                  .version = version,
                                  .created_at = WallFromMicros(5),
                                  .dag = std::make_shared<const Dag>(dag)});
  }
  static Dag Loader() {
    Dag dag;
    dag.id = "loader";
    dag.tasks = {WithKind("save", "shell", Value(Value::Map())),
                 WithKind("go", "trigger_dag", Value(Value::Map{{"dag", "mail"}}))};
    dag.tasks[0].outlets = {"orders"};
    dag.tasks[0].outlet_aliases = {"files"};
    dag.datasets = {{.name = "orders", .uri = "s3://orders", .extra = {}}};
    dag.aliases = {{"files", "raw"}};
    return dag;
  }
  static Dag Report() {
    Dag dag;
    dag.id = "report";
    dag.schedule.datasets = DatasetCondition{DatasetCondition::Op::kDataset, "orders", {}};
    dag.datasets = {{.name = "orders", .uri = "s3://orders", .extra = {}}};
    return dag;
  }
  DependencyRows Read() {
    StatusOr<DependencyRows> rows = readers_->dependencies().ReadDependencies();
    EXPECT_TRUE(rows.ok()) << rows.status().ToString();
    return rows.ok() ? *std::move(rows) : DependencyRows();
  }
};

TEST_F(DependenciesTest, DagsTellTheirNewestRunAndTheDagsThatTheirTasksName) {
  Batch batch;
  Add(batch, Loader());
  Add(batch, Report());
  batch.dags[1].paused = true;
  for (const std::int64_t key : {1, 2}) {
    millrace::Run run;
    run.key = RunKey{key};
    run.dag_id = "loader";
    run.run_id = "manual__" + std::to_string(key);
    run.type = RunType::kManual;
    run.state = key == 1 ? RunState::kFailed : RunState::kSuccess;
    run.version = 1;
    batch.runs.push_back(run);
  }
  Commit(std::move(batch));
  const DependencyRows rows = Read();
  ASSERT_EQ(rows.dags.size(), 2U);
  EXPECT_EQ(rows.dags[0].last_run_id, "manual__2");
  EXPECT_EQ(rows.dags[0].last_state, RunState::kSuccess);
  ASSERT_EQ(rows.dags[0].references.size(), 1U);
  EXPECT_EQ(rows.dags[0].references[0].dag_id, "mail");
  EXPECT_EQ(rows.dags[1].dag_id, "report");
  EXPECT_TRUE(rows.dags[1].paused);
  EXPECT_FALSE(rows.dags[1].last_state.has_value());
  EXPECT_THAT(rows.dags[1].references, IsEmpty());
}

TEST_F(DependenciesTest, DatasetsTellTheirNewestUpdateAndWhoUsesThem) {
  Batch batch;
  Add(batch, Loader());
  Add(batch, Report());
  Commit(std::move(batch));
  Batch events;
  events.attached = {{"files", "orders"}};
  events.dataset_events = {{.id = 1, .dataset = "orders", .at = WallFromMicros(7), .dag_id = "loader"},
                           {.id = 2, .dataset = "orders", .at = WallFromMicros(9), .dag_id = "loader"}};
  Commit(std::move(events));
  const DependencyRows rows = Read();
  ASSERT_EQ(rows.datasets.size(), 1U);
  EXPECT_EQ(rows.datasets[0].uri, "s3://orders");
  EXPECT_EQ(rows.datasets[0].updated_at, WallFromMicros(9));
  ASSERT_EQ(rows.aliases.size(), 1U);
  EXPECT_EQ(rows.aliases[0].alias.name, "files");
  ASSERT_EQ(rows.attached.size(), 1U);
  EXPECT_EQ(rows.attached[0].dataset, "orders");
  std::vector<std::string> uses;
  for (const DependencyRows::Use& one : rows.uses)
    uses.push_back(one.use.dag_id + " " + one.use.task_id + (one.of_alias ? " alias " : " ") + one.name);
  EXPECT_THAT(uses, ElementsAre("loader save orders", "loader save alias files", "report  orders"));
}

TEST_F(DependenciesTest, ANewVersionIsLookedAtAndADagThatIsGoneIsNotTold) {
  Batch first;
  Add(first, Loader());
  Add(first, Report());
  Commit(std::move(first));
  EXPECT_EQ(Read().dags[0].references.size(), 1U);
  Dag changed = Loader();
  changed.tasks[1] = WithKind("wait", "sensor_external_task", Value(Value::Map{{"external_dag_id", "report"}}));
  Batch second;
  Add(second, changed, 2);
  second.dags.push_back({.dag_id = "report", .version = 1, .stale = true});
  Commit(std::move(second));
  const DependencyRows rows = Read();
  ASSERT_EQ(rows.dags.size(), 1U);
  ASSERT_EQ(rows.dags[0].references.size(), 1U);
  EXPECT_EQ(rows.dags[0].references[0].kind, DagReference::Kind::kWaitsFor);
  for (const DependencyRows::Use& one : rows.uses) EXPECT_EQ(one.use.dag_id, "loader");
}

}  // namespace
}  // namespace millrace::store
