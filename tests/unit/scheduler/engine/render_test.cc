// What a worker is told: templates filled in from the run, and what happens when one cannot be.
#include "scheduler/engine/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/dag_builder.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

DagPtr Shell(const std::string& command) {
  return DagBuilder("etl")
      .Add("a", {},
           [&](Task& task) {
             task.kind = "shell";
             task.retry.retries = 3;
             task.with.Set("command", Value(command).At({12, 9}));
           })
      .With([](Dag& dag) {
        dag.file = "etl.yaml";
        dag.params.push_back({"name", "string", Value("nobody"), Value(), ""});
      })
      .Build();
}

TEST(EngineRender, dates_and_ids_of_the_run_stand_where_templates_name_them) {
  EngineDriver driver;
  driver.LoadDag(Shell("load --day {{ ds }} --task {{ task.task_id }}"));
  driver.Join("w1");
  driver.Trigger("etl", "first");
  EXPECT_EQ(driver.Assigned("a")->assignment.with, R"({"command":"load --day 2001-03-01 --task a"})");
}

TEST(EngineRender, what_a_user_sets_never_becomes_shell_text) {
  EngineDriver driver;
  driver.LoadDag(Shell("greet {{ params.name }}"));
  driver.Join("w1");
  driver.Trigger("etl", "first", R"({"name": "; rm -rf /"})");
  const Assignment& assignment = driver.Assigned("a")->assignment;
  EXPECT_THAT(assignment.with, Not(HasSubstr("rm -rf")));
  EXPECT_THAT(assignment.with, HasSubstr("MILLRACE_V1"));
  const std::pair<std::string, std::string> variable("MILLRACE_V1", "; rm -rf /");
  EXPECT_THAT(assignment.environment, Contains(variable));
}

TEST(EngineRender, a_template_that_does_not_render_fails_the_attempt_for_good_and_names_the_place) {
  EngineDriver driver;
  driver.LoadDag(Shell("load {{ dss }}"));
  driver.Join("w1");
  driver.Trigger("etl", "first");
  EXPECT_EQ(driver.StateOf("a"), TaskState::kFailed);
  EXPECT_THAT(driver.InstanceOf("a").reason, HasSubstr("task 'a', etl.yaml:12:9"));
  EXPECT_THAT(driver.InstanceOf("a").reason, HasSubstr("dss"));
  EXPECT_EQ(driver.StateOfRun("first"), RunState::kFailed);
  EXPECT_EQ(driver.Assigned("a"), nullptr);
}

TEST(EngineRender, an_assignment_that_is_sent_again_is_the_same_to_the_letter) {
  EngineDriver driver;
  driver.LoadDag(Shell("greet {{ params.name }} on {{ ds }}"));
  const SessionId session = driver.Join("w1");
  driver.Trigger("etl", "first", R"({"name": "ana"})");
  const Assignment first = driver.Assigned("a")->assignment;
  driver.Apply(WorkerDisconnected{session});
  driver.Restart();
  driver.Rejoin("w1", session, {});
  ASSERT_EQ(driver.Effects<Assign>().size(), 1u);
  const Assignment again = driver.Effects<Assign>()[0].assignment;
  EXPECT_EQ(again.fence, first.fence);
  EXPECT_EQ(again.with, first.with);
  EXPECT_EQ(again.environment, first.environment);
}

TEST(EngineRender, what_a_task_will_look_up_is_known_before_it_is_rendered) {
  const DagPtr dag = Shell("a {{ ti.xcom_pull('a') }} {{ var.value.v }} {{ ti.xcom_pull('a').x }} {{ ds }}");
  const TemplateNeed xcom{TemplateNeed::Kind::kXCom, "a", "return_value", std::nullopt};
  const TemplateNeed variable{TemplateNeed::Kind::kVariable, "v", "", std::nullopt};
  EXPECT_THAT(engine::NeedsOf(dag->tasks[0]), ElementsAre(xcom, variable));

  TemplateAnswers answers;
  const StatusOr<Assignment> early = engine::Render({}, *dag, dag->tasks[0], {}, {}, &answers);
  EXPECT_EQ(early.status().code(), Code::kUnavailable);
  EXPECT_THAT(answers.missing(), ElementsAre(xcom));
  const Value map = Value::Map{{"x", 1}};
  answers.Set(xcom, map);
  answers.Set(variable, Value("w"));
  millrace::Run run;
  run.logical_date = WallTime(std::chrono::days(1));
  const StatusOr<Assignment> rendered = engine::Render(run, *dag, dag->tasks[0], {}, {}, &answers);
  ASSERT_TRUE(rendered.ok()) << rendered.status().message();
  EXPECT_THAT(rendered->with, HasSubstr("MILLRACE_V3}\\\" 1970-01-02"));
}

}  // namespace
}  // namespace millrace::test
