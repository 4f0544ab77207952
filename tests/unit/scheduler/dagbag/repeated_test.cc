// Tasks that run more than once in a run: mapped ones and loops, read well and refused well.
#include "core/model/json.h"
#include "tests/unit/scheduler/dagbag/authoring_fixture.h"

namespace millrace::dagbag {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RepeatedTest : public AuthoringTest {};

TEST_F(RepeatedTest, ReadsEveryFormOfExpand) {
  const DagPtr dag = Read(R"y(  - {id: list, uses: empty}
  - {id: a, uses: shell, expand: {command: [x, y]}}
  - {id: b, uses: shell, expand: {n: "{{ params.ns }}", m: {p: 1}}, expand_mode: zip, expand_fill: null, with: {command: "{{ map.n }} {{ map.m.key }}"}}
  - {id: c, uses: shell, expand_kwargs: {$x: {task: list, key: rows}}, with: {command: "{{ map.any }}"}}
  - {id: d, uses: python, expand: {n: {$x: list}}, with: {file: f.py}}
  - group: g
    expand: {name: "{{ ti.xcom_pull('list') }}"}
    expand_mode: zip
    expand_fill: [none]
    tasks:
      - {id: e, uses: shell, with: {command: "{{ map.name }}"}}
)y",
                          "params: {ns: [1, 2]}\n");
  EXPECT_TRUE(Of(dag, "a").mapped());
  EXPECT_FALSE(Of(dag, "list").mapped());
  EXPECT_TRUE(Of(dag, "b").zip);
  EXPECT_TRUE(Of(dag, "b").zip_fills);
  EXPECT_TRUE(Of(dag, "b").zip_fill.is_null());
  EXPECT_FALSE(Of(dag, "a").zip_fills);
  EXPECT_TRUE(dag->groups[0].zip_fills);
  EXPECT_EQ(ToJson(dag->groups[0].zip_fill), R"(["none"])");
  ASSERT_EQ(Of(dag, "b").expand.size(), 2u);
  EXPECT_EQ(Of(dag, "b").expand[0].name, "n");
  EXPECT_THAT(UpstreamOf(dag, "c"), ElementsAre("list"));
  const std::int32_t list = dag->FindTask("list");
  EXPECT_THAT(Of(dag, "c").expand_pulls, ElementsAre(XComRef{list, "rows"}));
  EXPECT_THAT(UpstreamOf(dag, "d"), ElementsAre("list"));
  EXPECT_THAT(Of(dag, "d").expand_pulls, ElementsAre(XComRef{list, "return_value"}));
  EXPECT_EQ(Of(dag, "g.e").mapped_group, 0);
  EXPECT_THAT(Of(dag, "g.e").expand_pulls, ElementsAre(XComRef{list, "return_value"}));
  EXPECT_THAT(UpstreamOf(dag, "g.e"), ElementsAre("list"));
}

TEST_F(RepeatedTest, RefusesWhatCannotBeExpanded) {
  const std::string told = Told(R"y(  - {id: a, uses: shell, expand: {command: words}, with: {command: x}}
  - {id: b, uses: shell, expand: {command: [{a: 1}]}}
  - {id: c, uses: python, expand: {file: [f.py]}}
  - {id: d, uses: empty, expand: {"no name": [1]}}
  - {id: e, uses: empty, expand: {n: {$x: gone}}}
  - {id: f, uses: shell, expand: {n: [1]}, with: {command: "{{ map.m }}"}}
  - {id: h, uses: shell, expand: {n: "{{ nothing }}"}, expand_mode: both, with: {command: x}}
  - {id: i, uses: empty, expand_kwargs: [1], expand_mode: zip}
  - {group: g, expand: {n: [1]}, tasks: [{id: j, uses: empty, expand: {m: [1]}}]}
  - {id: k, uses: empty, expand: {n: [1]}, expand_fill: 0}
)y");
  for (const char* line : {
           "3:44: task 'a': 'expand': 'command' must be a list, a map, a template of one or {$x: task}, not "
           "'words'",
           "4:45: task 'b': 'command' must be a list of strings, not a map",
           "5:42: task 'c': 'file' cannot be mapped (files belong to the DAG's version; map another field)",
           "6:35: task 'd': 'expand': 'no name' is no name",
           "7:38: task 'e' needs 'gone', which does not exist",
           "task 'f': in a template: ",
           "task 'h': in a template: ",
           "'expand_mode' must be one of product, zip, not 'both'",
           "10:42: task 'i': an item of 'expand_kwargs' must be a map of names to values, not integer",
           "10:46: task 'i': 'expand_mode' without 'expand'",
           "task 'g.j' is mapped, and so is group 'g' around it",
           "12:44: task 'k': 'expand_fill' is for 'expand_mode: zip' (expand_mode: zip)",
       }) {
    EXPECT_THAT(told, HasSubstr(line));
  }
}

TEST_F(RepeatedTest, ALoopIsReadAndWhatItCannotBeIsRefused) {
  const DagPtr dag = Read(R"y(  - id: x
    uses: shell
    loop: {until: "{{ loop.result.error < 1 and loop.index > params.n }}", max_iterations: 5, delay: 1m}
    with: {command: "go {{ loop.previous.error }} {{ loop.index }}"}
)y",
                          "params: {n: 1}\n");
  ASSERT_TRUE(Of(dag, "x").loop.has_value());
  EXPECT_EQ(Of(dag, "x").loop->max_iterations, 5);
  EXPECT_EQ(Of(dag, "x").loop->delay, std::chrono::minutes(1));
  EXPECT_THAT(Told("  - {id: x, uses: shell, loop: {until: done}, with: {command: a}}\n"),
              AllOf(HasSubstr("'until' must be a template"), HasSubstr("'max_iterations'")));
  EXPECT_THAT(Told("  - {id: x, uses: empty, loop: {max_iterations: 0}}\n"), HasSubstr("max_iterations"));
  EXPECT_THAT(Told("  - {id: x, uses: approval, loop: {max_iterations: 2}, with: {subject: a}}\n"),
              HasSubstr("a worker runs"));
  EXPECT_THAT(Told("  - {id: x, uses: shell, cache: {}, loop: {max_iterations: 2}, with: {command: a}}\n"),
              HasSubstr("'cache'"));
  EXPECT_THAT(Told("  - {id: x, uses: shell, with: {command: \"{{ loop.index }}\"}}\n"), HasSubstr("loop"));
  EXPECT_THAT(Told(R"y(  - {id: x, uses: shell, with: {command: a},
     loop: {until: "{{ ti.xcom_pull('x') }}", max_iterations: 2}}
)y"),
              HasSubstr("'until' reads no"));
}

TEST_F(RepeatedTest, AGroupThatLoopsEndsInAGateThatOthersWaitFor) {
  const DagPtr dag = Read(R"y(  - group: g
    loop: {until: "{{ loop.result.error < 1 }}", max_iterations: 5, delay: 1m}
    default_args: {retries: 2, trigger_rule: all_done, owner: ana}
    tasks:
      - {id: a, uses: shell, with: {command: "{{ loop.index }} {{ loop.previous.error }}"}}
      - group: inner
        tasks:
          - {id: b, uses: shell, needs: [a], expand: {n: "{{ loop.previous or [1] }}"}, with: {command: "{{ map.n }}"}}
      - {id: c, uses: python, needs: [inner], with: {file: f.py}}
  - {id: after, uses: shell, needs: [g], with: {command: "{{ ti.xcom_pull('g.c') }}"}}
)y");
  const Task& gate = Of(dag, "g.__loop_gate");
  EXPECT_EQ(gate.kind, kLoopGate);
  EXPECT_EQ(gate.trigger_rule, TriggerRule::kAllSuccess);
  EXPECT_EQ(gate.retry.retries, 0);
  EXPECT_EQ(gate.owner, "ana");
  EXPECT_EQ(gate.loop->max_iterations, 5);
  EXPECT_EQ(gate.loop->delay, std::chrono::minutes(1));
  EXPECT_THAT(gate.pulls, ElementsAre(XComRef{dag->FindTask("g.c"), "return_value"}));
  EXPECT_THAT(UpstreamOf(dag, "g.__loop_gate"), ElementsAre("g.c"));
  EXPECT_THAT(UpstreamOf(dag, "after"), ElementsAre("g.__loop_gate"));
  for (const char* id : {"g.a", "g.inner.b", "g.c", "g.__loop_gate"})
    EXPECT_EQ(Of(dag, id).loop_gate, dag->FindTask("g.__loop_gate")) << id;
  EXPECT_EQ(Of(dag, "after").loop_gate, -1);
}

TEST_F(RepeatedTest, WhatAGroupThatLoopsCannotBeIsRefused) {
  const auto group = [](const std::string& fields, const std::string& tasks, const std::string& after = "") {
    return "  - group: g\n    loop: {max_iterations: 2}\n" + fields + "    tasks:\n" + tasks + after;
  };
  const std::string one = "      - {id: a, uses: shell, with: {command: a}}\n";
  EXPECT_THAT(Told(group("", one + "      - {id: b, uses: empty}\n")),
              AllOf(HasSubstr("ends with several tasks, g.a, g.b"), HasSubstr("return what the iteration came to")));
  EXPECT_THAT(Told(group("    expand: {n: [1, 2]}\n", one)), HasSubstr("group 'g' loops, and has 'expand'"));
  EXPECT_THAT(Told("  - group: m\n    expand: {n: [1]}\n    tasks:\n      - group: g\n        loop: {max_iterations: 2}\n"
                   "        tasks: [{id: a, uses: empty}]\n"),
              HasSubstr("lies in group 'm', which has 'expand'"));
  EXPECT_THAT(Told(group("", "      - {id: a, uses: shell, loop: {max_iterations: 2}, with: {command: a}}\n")),
              HasSubstr("task 'g.a' loops, and so does group 'g' around it"));
  EXPECT_THAT(Told(group("", "      - group: h\n        loop: {max_iterations: 2}\n        tasks: [{id: a, uses: empty}]\n")),
              HasSubstr("group 'g.h' loops, and so does group 'g' around it"));
  EXPECT_THAT(Told(group("", one, "  - {id: x, uses: empty, needs: [g.a]}\n")),
              AllOf(HasSubstr("needs 'g.a', which runs again as long as group 'g' loops"), HasSubstr("need the group: 'g'")));
  EXPECT_THAT(Told("  - group: g\n    loop: {until: done, max_iterations: 0}\n    tasks: [{id: a, uses: empty}]\n"),
              AllOf(HasSubstr("'until' must be a template"), HasSubstr("max_iterations")));
  EXPECT_THAT(Told("  - group: g\n    loop: {until: \"{{ ti.xcom_pull('g.a') }}\", max_iterations: 2}\n"
                   "    tasks: [{id: a, uses: empty}]\n"),
              HasSubstr("'until' reads no"));
  EXPECT_THAT(Told("  - {id: x, uses: loop_gate}\n"), HasSubstr("unknown task kind 'loop_gate'"));
}

}  // namespace
}  // namespace millrace::dagbag
