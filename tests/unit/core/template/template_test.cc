#include "core/template/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core/template/sample.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Error(std::string_view text) {
  const StatusOr<std::string> rendered = RenderText(text, MakeRunContext(SampleFacts()));
  return rendered.ok() ? "rendered: " + *rendered : rendered.status().message();
}

std::vector<std::string> Checked(std::string_view text) {
  std::vector<std::string> shown;
  for (const TemplateProblem& problem :
       CheckTemplate(text, SampleRunContext("flights", "delays", {"threshold", "states"}))) {
    shown.push_back(std::to_string(problem.line) + ":" + std::to_string(problem.column) + " " +
                    problem.message + (problem.suggestion.empty() ? "" : "; " + problem.suggestion));
  }
  return shown;
}

TEST(TemplateErrorTest, AnUndefinedNameIsAnErrorWithItsPlaceAndTheNearestName) {
  EXPECT_EQ(Error("{{ ds }}\n  {{ ds_nodsh }}"),
            "template, line 2, column 6: 'ds_nodsh' is undefined; did you mean 'ds_nodash'?");
  EXPECT_EQ(Error("{{ params.treshold }}"),
            "template, line 1, column 11: 'params' has no 'treshold'; did you mean 'threshold'?");
  EXPECT_EQ(Error("{{ logical_date.strtime('%Y') }}"),
            "template, line 1, column 17: a datetime has no 'strtime'; did you mean 'strftime'?");
  EXPECT_EQ(Error("{{ ds | uper }}"),
            "template, line 1, column 9: no filter named 'uper'; did you mean 'upper'?");
  EXPECT_THAT(Error("{{ xyzzy_plugh }}"), HasSubstr("'xyzzy_plugh' is undefined"));
}

TEST(TemplateErrorTest, SyntaxErrorsSayWhatWasExpected) {
  EXPECT_EQ(Error("{{ ds"), "template, line 1, column 1: the expression is not closed; end it with }}");
  EXPECT_EQ(Error("a {% if true %} b"),
            "template, line 1, column 3: the block is not closed; end it with {% endif %}");
  EXPECT_THAT(Error("{{ ds ds }}"), HasSubstr("expected '}}', found 'ds'"));
  EXPECT_THAT(Error("{{ }}"), HasSubstr("expected an expression, found '}}'"));
  EXPECT_THAT(Error("{% iff x %}"), HasSubstr("did you mean 'if'?"));
  EXPECT_THAT(Error("{% include 'x' %}"), HasSubstr("is not supported"));
  EXPECT_THAT(Error("{% endif %}"), HasSubstr("closes nothing"));
  EXPECT_THAT(Error("{{ 99999999999999999999 }}"), HasSubstr("does not fit 64 bits"));
  EXPECT_THAT(Error("{{ dag.dag_id.upper }}"), HasSubstr("is a function; call it"));
}

TEST(TemplateErrorTest, WithoutALogicalDateItsNamesAreUndefined) {
  RunFacts facts = SampleFacts();
  facts.logical_date = facts.interval_start = facts.interval_end = std::nullopt;
  const TemplateContext context = MakeRunContext(facts);
  EXPECT_FALSE(RenderText("{{ ds }}", context).ok());
  EXPECT_EQ(*RenderText("{{ ds | default('none') }} {{ task_instance_key_str }}", context),
            "none flights__delays__scheduled__2001-03-01T02:00:00+00:00");
}

TEST(TemplateCheckTest, EveryUndefinedNameIsFoundWithoutValues) {
  EXPECT_THAT(Checked("{{ dss }} {% if prams.threshold %}{{ params.treshold }}{% endif %}\n{{ dag.id }} {{ "
                      "params['state'] }}"),
              ElementsAre("1:4 'dss' is undefined; did you mean 'ds'?",
                          "1:17 'prams' is undefined; did you mean 'params'?",
                          "1:45 'params' has no 'treshold'; did you mean 'threshold'?",
                          "2:8 'dag' has no 'id'", "2:23 'params' has no 'state'; did you mean 'states'?"));
  EXPECT_THAT(Checked("{{ data_interval_start | dss }}"),
              ElementsAre("1:26 no filter named 'dss'; did you mean 'ds'?"));
  EXPECT_THAT(Checked("{{ macros.ds_ad(ds, 1) }}"),
              ElementsAre("1:11 'macros' has no 'ds_ad'; did you mean 'ds_add'?"));
}

TEST(TemplateCheckTest, WhatMayBeDefinedIsNoProblem) {
  for (const char* text :
       {"{{ missing | default('x') }}", "{{ missing is defined }}",
        "{{ missing if missing is defined else ds }}",
        "{% for s in params.states %}{{ s.x }} {{ loop.index }}{% endfor %}", "{% set x = ds %}{{ x }}",
        "{{ dag_run.conf.anything.at.all }}", "{{ params.threshold.real }}", "{{ params.states[0].x }}",
        "{{ macros.ds_add(ds, -1) }} {{ range(3) }}",
        "{{ logical_date.add(days=1) | ds }} {{ ti.try_number }} {{ run_id }} {{ dag_run.run_id }}"}) {
    EXPECT_THAT(Checked(text), IsEmpty()) << text;
  }
}

TEST(TemplateBoundsTest, NoTemplateRunsAwayWithTimeStackOrMemory) {
  const std::string deep(100'000, '(');
  const std::string chain = [] {
    std::string text = "1";
    for (int i = 0; i < 100'000; ++i) text += "+1";
    return text;
  }();
  const std::string nots = [] {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += "not ";
    return text + "1";
  }();
  std::string ifs;
  for (int i = 0; i < 1'000; ++i) ifs += "{% if true %}";
  std::string doubling = "{% set a = [1] %}";
  for (int i = 0; i < 100; ++i) doubling += "{% set a = [a, a] %}";
  std::string nesting = "{% set a = [1] %}";
  for (int i = 0; i < 10'000; ++i) nesting += "{% set a = [a] %}";
  const std::string texts[] = {
      "{{ " + deep + " }}",
      "{{ " + chain + " }}",
      "{{ " + nots + " }}",
      "{{ ds" +
          [] {
            std::string s;
            for (int i = 0; i < 10'000; ++i) s += "|upper";
            return s;
          }() +
          " }}",
      ifs,
      doubling + "{{ a }}",
      nesting + "{{ a }}",
      "{{ 'a' * 1000000000 }}",
      "{{ [1] * 1000000000 }}",
      "{{ 'aaaaaaaaaa' | replace('', 'b' * 1000000) }}",
      "{{ (['a' * 100000] * 1000) | join }}",
      "{{ '%1000000000d' | format(1) }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ 'x'.center(1000000000) }}",
      "{{ range(1000000000) }}",
      "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor "
      "%}{% endfor %}",
      "{% for a in range(1000) %}{{ 'x' * 10000 }}{% endfor %}",
      "{% for a in range(1000) %}{{ (range(10000) | list) == (range(10000) | list) }}{% endfor %}",
      "{{ [1] | batch(100000000, 'x') }}",
      "{{ 2 ** 100 }}",
      "{{ 9223372036854775807 + 1 }}",
      "{{ -9223372036854775807 - 2 }}",
      "{{ logical_date + macros.timedelta(days=3650000) }}",
      "{{ logical_date.add(years=9000) }}",
      "{{ macros.timedelta(days=1e300) }}",
      std::string((1 << 20) + 1, 'x'),
  };
  for (const std::string& text : texts) {
    const StatusOr<std::string> rendered = RenderText(text, MakeRunContext(SampleFacts()));
    EXPECT_FALSE(rendered.ok()) << text.substr(0, 100);
    CheckTemplate(text, SampleRunContext("d", "t", {}));
  }
}

TEST(TemplateBoundsTest, RandomTextIsRenderedOrRefused) {
  std::mt19937 random(11);
  const std::string_view parts[] = {"{{",
                                    "}}",
                                    "{%",
                                    "%}",
                                    "{#",
                                    "#}",
                                    " ",
                                    "ds",
                                    "params",
                                    ".",
                                    "[",
                                    "]",
                                    "(",
                                    ")",
                                    "'",
                                    "\"",
                                    "|",
                                    "upper",
                                    "join",
                                    "if",
                                    "else",
                                    "elif",
                                    "endif",
                                    "for",
                                    "in",
                                    "endfor",
                                    "set",
                                    "=",
                                    "x",
                                    "1",
                                    "-",
                                    "+",
                                    "*",
                                    "%",
                                    "~",
                                    "not",
                                    "is",
                                    "defined",
                                    ",",
                                    ":",
                                    "{",
                                    "}",
                                    "\\",
                                    "\n",
                                    "raw",
                                    "endraw",
                                    "logical_date",
                                    "tojson",
                                    "\xff",
                                    "é",
                                    "range",
                                    "0",
                                    "threshold"};
  const TemplateContext context = MakeRunContext(SampleFacts());
  int rendered = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::string text = random() % 2 == 0 ? "{{ ds " : "";
    const int length = static_cast<int>(random() % 12);
    for (int part = 0; part < length; ++part) text += parts[random() % std::size(parts)];
    if (random() % 2 == 0) text += " }}";
    ShellEnvironment environment;
    const StatusOr<Template> parsed = Template::Parse(text);
    if (!parsed.ok()) continue;
    const StatusOr<std::string> plain = parsed->Render(context);
    const StatusOr<std::string> shell = parsed->RenderShell(context, environment);
    parsed->Check(context);
    if (plain.ok()) ++rendered;
    EXPECT_TRUE(plain.ok() || !shell.ok()) << text;
  }
  EXPECT_GT(rendered, 500);
}

TEST(TemplateValueTest, EveryStringOfATreeIsRenderedInItsPlace) {
  Value tree = *ParseJson(
      R"({"sql": "SELECT {{ params.threshold }}", "to": ["lake/{{ ds }}/", 4, null], "{{ ds }}": {"x": "y"}})");
  const TemplateContext context = MakeRunContext(SampleFacts());
  EXPECT_EQ(ToJson(*RenderValue(tree, context)),
            R"({"sql":"SELECT 15","to":["lake/2001-03-01/",4,null],"{{ ds }}":{"x":"y"}})");
  const Value broken = *ParseJson(R"({"a": [{"b": "{{ dss }}"}]})");
  EXPECT_EQ(RenderValue(broken, context).status().message(),
            "a[0].b: template, line 1, column 4: 'dss' is undefined; did you mean 'ds'?");
}

TEST(TemplateValueTest, TextWithoutTagsIsNoTemplate) {
  EXPECT_FALSE(IsTemplate("a { b } {c}"));
  EXPECT_TRUE(IsTemplate("a {{ b"));
  EXPECT_TRUE(IsTemplate("{{{"));
  EXPECT_TRUE(IsTemplate("{%"));
  EXPECT_TRUE(IsTemplate("{#"));
}

}  // namespace
}  // namespace millrace
