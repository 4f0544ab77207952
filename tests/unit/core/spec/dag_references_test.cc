#include "core/spec/dag_references.h"

#include <gmock/gmock.h>

#include <utility>

namespace millrace {
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

TEST(DagReferencesTest, TasksNameTheDagsThatTheyStartAndThoseThatTheyWaitFor) {
  Dag dag;
  dag.tasks = {
      WithKind("go", "trigger_dag", Value(Value::Map{{"dag", "mail"}})),
      WithKind("other", "shell", Value(Value::Map{{"dag", "mail"}})),
      WithKind("run", "sensor_external_task", Value(Value::Map{{"external_dag_id", "load"}})),
      WithKind("tasks", "sensor_external_task",
               Value(Value::Map{{"external_dag_id", "load"}, {"external_task_ids", Value::List{"a", "b"}}}))};
  const std::vector<DagReference> found = ReferencesOf(dag);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].kind, DagReference::Kind::kTriggers);
  EXPECT_EQ(found[0].task_id, "go");
  EXPECT_EQ(found[0].dag_id, "mail");
  EXPECT_EQ(found[1].kind, DagReference::Kind::kWaitsFor);
  EXPECT_THAT(found[1].waits_for, IsEmpty()) << "it waits for the run";
  EXPECT_THAT(found[2].waits_for, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace millrace
