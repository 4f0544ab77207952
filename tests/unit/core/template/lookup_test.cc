#include "core/template/lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/template/template.h"
#include "tests/unit/core/template/sample.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = TemplateNeed::Kind;

TemplateNeed XCom(std::string task, std::string key = "return_value") {
  return {Kind::kXCom, std::move(task), std::move(key), std::nullopt};
}
TemplateNeed Variable(std::string name) { return {Kind::kVariable, std::move(name), "", std::nullopt}; }
TemplateNeed Connection(std::string name) { return {Kind::kConnection, std::move(name), "", std::nullopt}; }
const TemplateNeed kPreviousSuccess{Kind::kPreviousSuccess, "", "", std::nullopt};

TemplateAnswers SampleAnswers() {
  TemplateAnswers answers;
  answers.Set(XCom("extract"), *ParseJson(R"({"rows": 12, "files": ["a", "b"]})"));
  answers.Set(XCom("count"), Value(7));
  answers.Set(XCom("delays"), Value("mine"));
  answers.SetNone(XCom("count", "other"));
  answers.Set({Kind::kXCom, "count", "return_value", 2}, Value("third"));
  answers.Set(Variable("bucket"), Value("s3://lake"));
  answers.Set(Variable("limits"), Value(R"({"rows": 5, "names": ["x"]})"));
  answers.SetNone(Variable("none"));
  answers.SetNone(Connection("none"));
  answers.Set(Connection("db"),
              *ParseJson(R"({"conn_type": "postgres", "host": "h", "login": "l", "password": "p",
      "port": 5432, "extra": "{\"a\": 1}"})"));
  answers.Set(
      kPreviousSuccess,
      *ParseJson(
          R"({"data_interval_start": "2001-02-27T02:00:00Z", "data_interval_end": "2001-02-28T02:00:00Z",
                             "start_date": "2001-02-28T02:00:01Z"})"));
  return answers;
}

StatusOr<std::string> Rendered(std::string_view text, TemplateLookup& lookup) {
  TemplateContext context = MakeRunContext(SampleFacts());
  context.SetLookup(&lookup);
  return RenderText(text, context);
}

TEST(LookupTest, XComsVariablesConnectionsAndPreviousDatesAreLookedUp) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ ti.xcom_pull('extract').rows + 1 }}", "13"},
      {"{{ ti.xcom_pull(task_ids='extract')['files'] | join('-') }}", "a-b"},
      {"{{ task_instance.xcom_pull(['extract', 'count'], key='return_value')[1] }}", "7"},
      {"{{ ti.xcom_pull() }}", "mine"},
      {"{{ ti.xcom_pull('count', key='other') }}", "None"},
      {"{{ ti.xcom_pull('count', key='other', default='x') }}", "x"},
      {"{{ ti.xcom_pull('count', map_indexes=2) }}", "third"},
      {"{{ var.value.bucket }}/{{ var.value['bucket'] }}/{{ var.value.get('bucket') }}",
       "s3://lake/s3://lake/s3://lake"},
      {"{{ var.json.limits.rows }}{{ var.json['limits']['names'][0] }}{{ var.json.get('limits').rows }}",
       "5x5"},
      {"{{ var.value.get('none', 'fallback') }} {{ var.value.none | default('d') }} {{ var.value.none is "
       "defined }}",
       "fallback d False"},
      {"{{ conn.db.host }}:{{ conn.db.port }} {{ conn.get('db').login }} {{ conn['db'].extra_dejson.a }} "
       "{{ conn.db.schema }} {{ conn.db.conn_id }}",
       "h:5432 l 1 None db"},
      {"{{ prev_data_interval_start_success | ds }} {{ prev_data_interval_end_success | ts }} "
       "{{ prev_start_date_success.second }} {{ prev_end_date_success }}",
       "2001-02-27 2001-02-28T02:00:00+00:00 1 None"},
  };
  for (const auto& [text, expected] : cases) {
    TemplateAnswers answers = SampleAnswers();
    const StatusOr<std::string> rendered = Rendered(text, answers);
    ASSERT_TRUE(rendered.ok()) << text << "\n" << rendered.status().message();
    EXPECT_EQ(*rendered, expected) << text;
    EXPECT_THAT(answers.missing(), IsEmpty());
  }
}

TEST(LookupTest, WhatIsNotKnownYetEndsRenderingAndIsRemembered) {
  TemplateAnswers answers = SampleAnswers();
  const StatusOr<std::string> rendered =
      Rendered("{{ ds }} {{ ti.xcom_pull('later') | default('x') }}", answers);
  EXPECT_EQ(rendered.status().code(), Code::kUnavailable);
  EXPECT_THAT(answers.missing(), ElementsAre(XCom("later")));
  answers.Set(XCom("later"), Value(1));
  EXPECT_EQ(*Rendered("{{ ti.xcom_pull('later') }}", answers), "1");
}

TEST(LookupTest, ErrorsNameTheThingAndItsPlace) {
  TemplateAnswers answers = SampleAnswers();
  const auto error = [&answers](std::string_view text) { return Rendered(text, answers).status().message(); };
  EXPECT_EQ(error("{{ var.value.none }}"), "template, line 1, column 14: there is no variable 'none'");
  EXPECT_EQ(error("{{ conn.none.host }}"), "template, line 1, column 9: there is no connection 'none'");
  EXPECT_THAT(error("{{ var.json.bucket }}"), HasSubstr("the variable 'bucket' is no JSON"));
  EXPECT_THAT(error("{{ ti.xcom_pull('a', dag_id='other') }}"),
              HasSubstr("of its own DAG only, not of 'other'"));
  EXPECT_THAT(error("{{ ti.xcom_pull('a', include_prior_dates=true) }}"), HasSubstr("earlier runs"));
  EXPECT_THAT(error("{{ ti.xcom_pull('a', keys='b') }}"), HasSubstr("does not know 'keys'"));
  EXPECT_THAT(error("{{ ti.xcom_pull(3) }}"), HasSubstr("task_ids must be"));
  EXPECT_EQ(RenderText("{{ var.value.x }}", MakeRunContext(SampleFacts())).status().message(),
            "template, line 1, column 14: the variable 'x' is not available here");
}

TEST(LookupTest, InShellTextWhatWasLookedUpIsAQuotedReference) {
  TemplateAnswers answers = SampleAnswers();
  answers.Set(XCom("evil"), Value("$(rm -rf /)"));
  TemplateContext context = MakeRunContext(SampleFacts());
  context.SetLookup(&answers);
  const StatusOr<Template> parsed = Template::Parse(
      "a {{ ti.xcom_pull('evil') }} {{ var.value.bucket | upper }} {{ conn.db.password }} "
      "{{ ti.xcom_pull(['evil'])[0] }} {{ ds }}");
  ASSERT_TRUE(parsed.ok());
  ShellEnvironment environment;
  const StatusOr<std::string> text = parsed->RenderShell(context, environment);
  ASSERT_TRUE(text.ok()) << text.status().message();
  EXPECT_EQ(*text,
            "a \"${MILLRACE_V1}\" \"${MILLRACE_V2}\" \"${MILLRACE_V3}\" \"${MILLRACE_V4}\" 2001-03-01");
  EXPECT_EQ(environment.variables[0].second, "$(rm -rf /)");
}

std::vector<std::string> Referenced(std::string_view text) {
  std::vector<std::string> shown;
  for (const TemplateReference& reference : References(text, "own")) {
    shown.push_back(std::to_string(reference.line) + ":" + std::to_string(reference.column) + " " +
                    ToString(reference.need));
  }
  return shown;
}

TEST(ReferencesTest, WhatATemplateWillAskForIsKnownFromItsText) {
  EXPECT_THAT(
      Referenced("{{ ti.xcom_pull('a') }}\n{% if task_instance.xcom_pull(task_ids=['b', 'c'], key='k') %}"
                 "{{ ti.xcom_pull('d', map_indexes=3).x }}{% endif %}"),
      ElementsAre("1:17 the XCom 'return_value' of task 'a'", "2:41 the XCom 'k' of task 'b'",
                  "2:46 the XCom 'k' of task 'c'", "2:79 the XCom 'return_value' of task 'd', map index 3"));
  EXPECT_THAT(
      Referenced("{% for x in var.json.list %}{{ var.value['v'] ~ var.value.get('w', 1) }}{% endfor %}"),
      ElementsAre("1:22 the variable 'list'", "1:41 the variable 'v'", "1:59 the variable 'w'"));
  EXPECT_THAT(Referenced("{{ conn.db.host }} {{ conn.get('other').login }} {{ prev_end_date_success | ds }}"),
              ElementsAre("1:9 the connection 'db'", "1:28 the connection 'other'",
                          "1:53 the last successful run before this one"));
  EXPECT_THAT(Referenced("{{ ti.xcom_pull() }}"), ElementsAre("1:7 the XCom 'return_value' of task 'own'"));
  EXPECT_THAT(Referenced("{{ ti.xcom_pull(params.task) }} {{ x.value.y }} {{ ds }} {{ broken"), IsEmpty());
}

}  // namespace
}  // namespace millrace
