// What an author may write about a task beside its kind's fields, read well and refused well.
#include "core/model/json.h"
#include "core/template/template.h"
#include "scheduler/dagbag/marked_values.h"
#include "tests/unit/scheduler/dagbag/authoring_fixture.h"

namespace millrace::dagbag {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(AuthoringTest, TasksTakeWhatTheyExtendAndTheirOwnFieldsWin) {
  const DagPtr dag = Read(R"y(  - {id: x, extends: [base, slow], with: {command: mine}}
  - {id: y, extends: base, retries: 1}
)y",
                          R"y(templates:
  base: {uses: shell, retries: 3, with: {command: theirs, env: {A: "1"}}}
  slow: {retries: 5, execution_timeout: 1h}
)y");
  EXPECT_EQ(Of(dag, "x").retry.retries, 5);
  EXPECT_EQ(Of(dag, "x").execution_timeout, std::chrono::hours(1));
  EXPECT_EQ(ToJson(Of(dag, "x").with), R"({"command":"mine","env":{"A":"1"}})");
  EXPECT_EQ(Of(dag, "y").retry.retries, 1);
  EXPECT_EQ(ToJson(Of(dag, "y").with), R"({"command":"theirs","env":{"A":"1"}})");
}

TEST_F(AuthoringTest, WhatIsWrongInATemplateIsToldOnceAndInItsPlace) {
  const std::string told = Told(R"y(  - {id: x, extends: bas, uses: empty}
  - {id: y, extends: base}
  - {id: z, extends: base}
)y",
                                R"y(templates:
  base: {uses: empty, retrys: 3}
)y");
  EXPECT_THAT(
      told,
      HasSubstr("5:22: task 'x' extends 'bas', which is none of the DAG's templates (did you mean 'base'?)"));
  EXPECT_THAT(told,
              HasSubstr("3:23: DAG 'a', templates.base: unknown field 'retrys' (did you mean 'retries'?)"));
  EXPECT_THAT(told, Not(HasSubstr("task 'y'")));
}

TEST_F(AuthoringTest, GroupsNestPrefixTheirTasksAndStandForThemAsNeeds) {
  const DagPtr dag = Read(R"y(  - {id: start, uses: empty}
  - group: stage
    tooltip: Everything that is staged
    needs: start
    default_args: {retries: 2, pool: small}
    tasks:
      - {id: a, uses: empty}
      - {id: b, uses: empty, needs: [a], retries: 0}
      - group: inner
        needs: [a]
        default_args: {retries: 7}
        tasks:
          - {id: a, uses: empty}
          - {id: c, uses: empty, needs: [a, start]}
  - {id: end, uses: empty, needs: [stage]}
  - {id: other, uses: empty, needs: [stage.inner]}
)y",
                          "default_args: {retries: 1, owner: ana}\n");
  ASSERT_EQ(dag->groups.size(), 2u);
  EXPECT_EQ(dag->groups[0].id, "stage");
  EXPECT_EQ(dag->groups[0].tooltip, "Everything that is staged");
  EXPECT_EQ(dag->groups[1].id, "stage.inner");
  EXPECT_EQ(dag->groups[1].parent, 0);
  EXPECT_THAT(UpstreamOf(dag, "stage.a"), ElementsAre("start"));
  EXPECT_THAT(UpstreamOf(dag, "stage.b"), ElementsAre("stage.a"));
  EXPECT_THAT(UpstreamOf(dag, "stage.inner.a"), ElementsAre("stage.a"));
  EXPECT_THAT(UpstreamOf(dag, "stage.inner.c"), ElementsAre("start", "stage.inner.a"));
  EXPECT_THAT(UpstreamOf(dag, "end"), ElementsAre("stage.b", "stage.inner.c"));
  EXPECT_THAT(UpstreamOf(dag, "other"), ElementsAre("stage.inner.c"));
  EXPECT_EQ(Of(dag, "start").retry.retries, 1);
  EXPECT_EQ(Of(dag, "stage.a").retry.retries, 2);
  EXPECT_EQ(Of(dag, "stage.a").pool, "small");
  EXPECT_EQ(Of(dag, "stage.a").owner, "ana");
  EXPECT_EQ(Of(dag, "stage.b").retry.retries, 0);
  EXPECT_EQ(Of(dag, "stage.inner.c").retry.retries, 7);
  EXPECT_EQ(Of(dag, "stage.inner.c").group, 1);
}

TEST_F(AuthoringTest, GroupsThatMakeNoSenseAreToldWithTheirPlace) {
  const std::string told = Told(R"y(  - {id: x, uses: empty}
  - group: g
    neds: [x]
    needs: [y]
    tasks:
      - {id: a, uses: empty, needs: [g]}
      - {id: b, uses: empty, needs: [gone]}
  - {group: x, tasks: [{id: c, uses: empty}]}
  - {group: h, tasks: []}
  - {group: "no id", tasks: [{id: c, uses: empty}]}
)y");
  for (const char* line : {
           "5:5: group 'g': unknown field 'neds' (did you mean 'needs'?)",
           "6:13: group 'g' needs 'y', which does not exist",
           "8:38: task 'g.a' needs 'g', a group that it is in itself",
           "9:38: task 'g.b' needs 'gone', which does not exist",
           "3:10: task 'x' exists already, at line 10",
           "11:23: 'tasks' is empty",
           "12:13: group 'no id': not an id",
       }) {
    EXPECT_THAT(told, HasSubstr(line));
  }
}

TEST_F(AuthoringTest, ACycleThroughAGroupIsNamed) {
  EXPECT_THAT(Told(R"y(  - {id: x, uses: empty, needs: [g]}
  - {group: g, needs: [x], tasks: [{id: a, uses: empty}]}
)y"),
              HasSubstr("tasks wait for each other: x -> g.a -> x"));
}

TEST_F(AuthoringTest, ReadsLimitsWeightsAndThePast) {
  const DagPtr dag = Read(
      R"y(  - {id: x, uses: empty, max_active_tis_per_dag: 3, max_active_tis_per_dagrun: 2, depends_on_past: true}
  - {id: y, uses: empty, needs: [x], priority_weight: 10}
  - {id: z, uses: empty, needs: [y], priority_weight: 5, weight_rule: upstream}
  - {id: w, uses: empty, needs: [y], weight_rule: absolute, wait_for_downstream: true}
)y",
      "dagrun_timeout: 2h\nfail_fast: true\n");
  EXPECT_EQ(dag->run_timeout, std::chrono::hours(2));
  EXPECT_TRUE(dag->fail_fast);
  EXPECT_EQ(Of(dag, "x").max_active_tis_per_dag, 3);
  EXPECT_EQ(Of(dag, "x").max_active_tis_per_dagrun, 2);
  EXPECT_TRUE(Of(dag, "x").depends_on_past);
  EXPECT_FALSE(Of(dag, "x").wait_for_downstream);
  EXPECT_TRUE(Of(dag, "w").depends_on_past) << "waiting for what is behind is waiting for itself";
  EXPECT_EQ(Of(dag, "x").priority_weight, 1 + 10 + 5 + 1);
  EXPECT_EQ(Of(dag, "y").priority_weight, 10 + 5 + 1);
  EXPECT_EQ(Of(dag, "z").priority_weight, 5 + 10 + 1);
  EXPECT_EQ(Of(dag, "w").priority_weight, 1);
}

TEST_F(AuthoringTest, ReadsRetryRulesAndRefusesThoseThatCannotFit) {
  const DagPtr dag = Read(R"y(  - id: x
    uses: shell
    retries: 2
    retry_jitter: 0.25
    retry_rules:
      - {exit_codes: [2, 3], action: fail}
      - {exceptions: TimeoutError, message: refused, retry_delay: 1s}
      - {exceptions: Throttled, action: reschedule, max_reschedules: 5, reschedule_timeout: 2h}
    with: {command: x}
)y");
  const RetryPolicy& retry = Of(dag, "x").retry;
  EXPECT_EQ(retry.jitter, 0.25);
  ASSERT_EQ(retry.rules.size(), 3u);
  EXPECT_FALSE(retry.rules[1].reschedule);
  EXPECT_TRUE(retry.rules[2].reschedule);
  EXPECT_TRUE(retry.rules[2].retry);
  EXPECT_EQ(retry.rules[2].max_reschedules, 5);
  EXPECT_EQ(retry.rules[2].reschedule_timeout, std::chrono::hours(2));
  EXPECT_THAT(retry.rules[0].exit_codes, ElementsAre(2, 3));
  EXPECT_FALSE(retry.rules[0].retry);
  EXPECT_THAT(retry.rules[1].error_classes, ElementsAre("TimeoutError"));
  EXPECT_EQ(retry.rules[1].match, "refused");
  EXPECT_EQ(retry.rules[1].delay, std::chrono::seconds(1));

  const std::string told = Told(R"y(  - id: x
    uses: empty
    retry_jitter: 2
    retry_rules:
      - {exit_codes: [big], action: stop}
      - {action: fail, retry_delay: 1s, exitcodes: [1]}
      - {max_reschedules: 0, reschedule_timeout: 1h}
)y");
  for (const char* line : {
           "5:19: task 'x': 'retry_jitter' must be a number from 0 to 1",
           "7:23: task 'x', retry_rules: 'exit_codes' are integers from 0 to 255",
           "'action' must be one of retry, fail, reschedule, not 'stop'",
           "8:24: task 'x', retry_rules: a rule that fails has no delay",
           "unknown field 'exitcodes' (did you mean 'exit_codes'?)",
           "9:10: task 'x', retry_rules: 'max_reschedules' is for action: reschedule",
           "9:30: task 'x', retry_rules: 'reschedule_timeout' is for action: reschedule",
       }) {
    EXPECT_THAT(told, HasSubstr(line));
  }
}

TEST_F(AuthoringTest, KnowsWhoSteersAndWhatTheEngineRuns) {
  const DagPtr dag = Read(R"y(  - {id: a, uses: branch, with: {choose: "{{ 'b' }}"}}
  - {id: b, uses: shell, decides: short_circuit, needs: [a], with: {command: x}}
  - {id: c, uses: airflow.providers.standard.operators.python.BranchPythonOperator, with: {python_callable: f.main}}
  - {id: d, uses: latest_only}
  - {id: e, uses: short_circuit, with: {condition: "{{ params.n > 1 }}"}}
)y",
                          "params: {n: 1}\n");
  EXPECT_EQ(Of(dag, "a").steering, Steering::kBranch);
  EXPECT_TRUE(Of(dag, "a").in_engine);
  EXPECT_EQ(Of(dag, "b").steering, Steering::kShortCircuit);
  EXPECT_FALSE(Of(dag, "b").in_engine);
  EXPECT_EQ(Of(dag, "c").steering, Steering::kBranch);
  EXPECT_EQ(Of(dag, "c").kind, "python");
  EXPECT_EQ(Of(dag, "d").steering, Steering::kLatestOnly);
  EXPECT_EQ(Of(dag, "e").steering, Steering::kShortCircuit);
  const std::string told = Told(R"y(  - {id: a, uses: branch, decides: branch, with: {chose: b}}
  - {id: b, uses: empty, decides: branches}
)y");
  for (const char* line : {
           "3:27: task 'a': 'branch' decides by itself",
           "3:51: task 'a': unknown field 'chose' (did you mean 'choose'?)",
           "4:35: task 'b': 'decides' must be one of branch, short_circuit, not 'branches' (did you mean "
           "'branch'?)",
       }) {
    EXPECT_THAT(told, HasSubstr(line));
  }
}

TEST_F(AuthoringTest, ASetupsScopeEndsAtItsTeardown) {
  const DagPtr dag = Read(R"y(  - {id: create, uses: empty, setup: true}
  - {id: work, uses: empty, needs: [create]}
  - {id: delete, uses: empty, needs: [work], teardown: [create], on_failure_fail_dagrun: true}
  - {id: after, uses: empty, needs: [delete]}
  - {id: aside, uses: empty}
)y");
  const std::int32_t create = dag->FindTask("create");
  EXPECT_EQ(Of(dag, "create").role, TaskRole::kSetup);
  EXPECT_EQ(Of(dag, "delete").role, TaskRole::kTeardown);
  EXPECT_TRUE(Of(dag, "delete").on_failure_fail_dagrun);
  EXPECT_EQ(Of(dag, "delete").trigger_rule, TriggerRule::kAllDoneSetupSuccess);
  EXPECT_THAT(UpstreamOf(dag, "delete"), ElementsAre("create", "work"));
  EXPECT_THAT(Of(dag, "work").setups, ElementsAre(create));
  EXPECT_THAT(Of(dag, "delete").setups, ElementsAre(create));
  EXPECT_THAT(Of(dag, "after").setups, IsEmpty());
  EXPECT_THAT(Of(dag, "aside").setups, IsEmpty());
  const std::string told = Told(R"y(  - {id: a, uses: empty, setup: true, teardown: true}
  - {id: b, uses: empty, teardown: [c], trigger_rule: all_done}
  - {id: c, uses: empty, on_failure_fail_dagrun: true}
)y");
  for (const char* line : {
           "3:39: task 'a': a task is a setup or a teardown, not both",
           "4:37: task 'b' takes down 'c', which is no setup (say setup: true there)",
           "4:41: task 'b': a teardown has no trigger rule of its own",
           "5:26: task 'c': 'on_failure_fail_dagrun' is for teardowns",
       }) {
    EXPECT_THAT(told, HasSubstr(line));
  }
}

TEST_F(AuthoringTest, LabelsStandAtDependencies) {
  const DagPtr dag = Read(R"y(  - {id: a, uses: empty}
  - {group: g, tasks: [{id: b, uses: empty}, {id: c, uses: empty}]}
  - {id: d, uses: empty, needs: [a, g], labels: {a: always, g: staged}}
)y");
  ASSERT_EQ(dag->labels.size(), 3u);
  EXPECT_EQ(dag->labels[0].text, "always");
  EXPECT_EQ(dag->labels[0].from, dag->FindTask("a"));
  EXPECT_EQ(dag->labels[0].to, dag->FindTask("d"));
  EXPECT_EQ(dag->labels[2].text, "staged");
  EXPECT_THAT(Told(R"y(  - {id: a, uses: empty}
  - {id: b, uses: empty, labels: {a: x}}
)y"),
              HasSubstr("4:35: task 'b' labels 'a', which it does not need"));
}

TEST_F(AuthoringTest, AirflowsMarksSayWhatIsATemplate) {
  const std::string tasks = R"y(  - {id: list, uses: empty}
  - id: x
    uses: airflow.providers.standard.operators.python.PythonOperator
    with:
      python_callable: f.main
      op_kwargs: {rows: {$x: list}, day: {$t: "{{ ds }}"}, text: "{{ ds }}", raw: {$const: "{{ ts }}"}}
)y";
  const DagPtr ours = Read(tasks);
  EXPECT_THAT(UpstreamOf(ours, "x"), ElementsAre("list"));
  EXPECT_THAT(Of(ours, "x").pulls, ElementsAre(XComRef{ours->FindTask("list"), "return_value"}));
  EXPECT_EQ(
      ToJson(*Of(ours, "x").with.Find("args")),
      R"({"rows":{"$x":"list"},"day":"{{ ds }}","text":"{{ ds }}","raw":"{% raw %}{{ ts }}{% endraw %}"})");
  const DagPtr theirs = Read(tasks, "$schema: https://airflow.apache.org/schemas/dag/2026-10-30.json\n");
  EXPECT_EQ(Of(theirs, "x").with.Find("args")->Find("text")->as_string(), "{% raw %}{{ ds }}{% endraw %}");
  EXPECT_EQ(Of(theirs, "x").with.Find("args")->Find("day")->as_string(), "{{ ds }}");
}

TEST_F(AuthoringTest, ParamsAreHeldToTheirSchemas) {
  EXPECT_NE(Read("  - {id: x, uses: empty}\n",
                 "params: {names: {type: array, items: {type: string}, default: [a]}, when: {type: string, "
                 "format: date, "
                 "default: 2001-03-01}}\n"),
            nullptr);
  const std::string told = Told("  - {id: x, uses: empty}\n", R"y(params:
  names: {type: array, items: {type: strng}, default: [a]}
  n: {type: integer, multipleOf: 5, default: 7}
  when: {type: string, format: date, default: soon}
  code: {type: string, pattern: "(", default: x}
)y");
  for (const char* line : {
           "3:38: param 'names': unknown type 'strng' (did you mean 'string'?)",
           "4:46: param 'n': its default must be a multiple of 5",
           "5:47: param 'when': its default must be a date",
           "6:33: param 'code': 'pattern' is no regular expression",
       }) {
    EXPECT_THAT(told, HasSubstr(line));
  }
}

TEST(Authoring, text_that_is_no_template_is_rendered_as_it_stands_whatever_it_says) {
  for (const char* text : {"{{ ds }}", "{% endraw %}{{ ds }}", "{%- endraw -%} a endraw b {%endraw%}{# c #}", "endrawendraw{{"}) {
    Value with{Value::Map()};
    with.Set("command", Value::Map{{"$const", text}});
    const Value done = WithoutMarks(with, false);
    const StatusOr<std::string> rendered = RenderText(done.Find("command")->as_string(), TemplateContext());
    ASSERT_TRUE(rendered.ok()) << rendered.status().ToString();
    EXPECT_EQ(*rendered, text);
  }
}

TEST_F(AuthoringTest, ConditionsAreTemplatesThatReadWhatTheTaskReads) {
  const DagPtr dag = Read(
      "  - {id: count, uses: shell, with: {command: date}}\n"
      "  - id: load\n"
      "    uses: shell\n"
      "    needs: [count]\n"
      "    run_if: \"{{ ti.xcom_pull('count') }}\"\n"
      "    skip_if: {condition: \"{{ var.value.holiday }}\", message: nobody works today}\n"
      "    map_index_template: \"{{ map.day }}\"\n"
      "    expand: {day: [1, 2]}\n"
      "    with: {command: date}\n"
      "  - {id: never, uses: shell, run_if: false, with: {command: date}}\n");
  const Task& load = Of(dag, "load");
  EXPECT_EQ(load.run_if->condition.as_string(), "{{ ti.xcom_pull('count') }}");
  EXPECT_EQ(load.skip_if->message, "nobody works today");
  EXPECT_EQ(load.map_index_template->as_string(), "{{ map.day }}");
  ASSERT_EQ(load.pulls.size(), 1U);
  EXPECT_EQ(load.pulls[0].task, dag->FindTask("count"));
  EXPECT_THAT(load.lookups, ElementsAre(LookupRef{LookupRef::Kind::kVariable, "holiday"}));
  EXPECT_EQ(Of(dag, "never").run_if->condition.as_string(), "false");
}

TEST_F(AuthoringTest, WhatIsWrongWithAConditionHasItsPlace) {
  const std::string told = Told(
      "  - {id: a, uses: shell, run_if: \"{{ nothing }}\", with: {command: date}}\n"
      "  - {id: b, uses: shell, skip_if: {condition: \"{{ ti.xcom_pull('c') }}\", mesage: x}, with: {command: date}}\n"
      "  - {id: d, uses: shell, run_if: [1], with: {command: date}}\n"
      "  - {id: e, uses: shell, run_if: {message: x}, with: {command: date}}\n"
      "  - {id: f, uses: shell, map_index_template: \"{{ conn.x.password }}\", expand: {n: [1]}, with: {command: date}}\n");
  EXPECT_THAT(told, HasSubstr("3:38: task 'a': in a template: "));
  EXPECT_THAT(told, HasSubstr("xcom_pull of 'c', which is no task"));
  EXPECT_THAT(told, HasSubstr("mesage"));
  EXPECT_THAT(told, HasSubstr("task 'd': 'run_if' must be a template, not a list"));
  EXPECT_THAT(told, HasSubstr("task 'e': 'run_if'"));
  EXPECT_THAT(told, HasSubstr("may hold a secret, and what an instance is called is kept in the store"));
}

TEST_F(AuthoringTest, ARunMayBeTriedAgainByItself) {
  const DagPtr dag = Read("  - {id: x, uses: empty}\n",
                          "max_dag_retries: 2\ndag_retry_delay: 30s\ndag_retry_strategy: all_tasks\n");
  EXPECT_EQ(dag->max_dag_retries, 2);
  EXPECT_EQ(dag->dag_retry_delay, std::chrono::seconds(30));
  EXPECT_TRUE(dag->dag_retry_all);
  EXPECT_THAT(Told("  - {id: x, uses: empty}\n", "max_dag_retries: -1\ndag_retry_strategy: some\n"),
              AllOf(HasSubstr("'max_dag_retries' must be 0 to 1000"), HasSubstr("from_failure, all_tasks")));
}

TEST_F(AuthoringTest, AWeightMayBeATemplateThatReadsWhatOthersMay) {
  const DagPtr dag = Read(R"y(  - {id: a, uses: empty}
  - {id: b, uses: shell, needs: [a], priority_weight: 7, with: {command: b},
     weight_rule: "{{ ti.xcom_pull('a') + task.priority_weight - ti.try_number }}"}
)y");
  EXPECT_TRUE(Of(dag, "b").weight.has_value());
  EXPECT_EQ(Of(dag, "b").priority_weight, 7);
  EXPECT_EQ(Of(dag, "b").pulls.size(), 1U);
  EXPECT_FALSE(Of(dag, "a").weight.has_value());
  EXPECT_THAT(Told("  - {id: x, uses: empty, weight_rule: down}\n"), HasSubstr("downstream, upstream, absolute"));
  EXPECT_THAT(Told("  - {id: x, uses: empty, weight_rule: \"{{ nothing }}\"}\n"), HasSubstr("nothing"));
  EXPECT_THAT(Told("  - {id: x, uses: empty, weight_rule: \"{{ conn.lake.port }}\"}\n"), HasSubstr("may hold a secret"));
}

}  // namespace
}  // namespace millrace::dagbag
