// What users can set must reach a shell as data. Real shells are asked too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "core/template/template.h"
#include "tests/unit/core/template/sample.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

constexpr const char* kNasty = "a b'; touch /tmp/millrace-owned; echo \"$(id)`id` \\ * $HOME";

TemplateContext NastyContext() {
  RunFacts facts = SampleFacts();
  facts.params.Set("x", kNasty);
  facts.conf = *ParseJson(R"json({"list": ["a b", "$(id)"]
})json");
  return MakeRunContext(facts);
}

StatusOr<std::string> Rendered(std::string_view text, ShellEnvironment& environment) {
  StatusOr<Template> parsed = Template::Parse(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return parsed->RenderShell(NastyContext(), environment);
}

std::string Text(std::string_view text) {
  ShellEnvironment environment;
  const StatusOr<std::string> rendered = Rendered(text, environment);
  return rendered.ok() ? *rendered : rendered.status().message();
}

TEST(ShellTemplateTest, SystemValuesAreTextAndUserValuesAreReferences) {
  ShellEnvironment environment;
  EXPECT_EQ(*Rendered("run --ds {{ ds }} --x {{ params.x }} --id {{ run_id }} {{ dag_run.logical_date | ds "
                      "}} {{ ti.try_number }}",
                      environment),
            "run --ds 2001-03-01 --x \"${MILLRACE_V1}\" --id \"${MILLRACE_V2}\" 2001-03-01 2");
  ASSERT_EQ(environment.variables.size(), 2U);
  EXPECT_EQ(environment.variables[0], std::pair(std::string("MILLRACE_V1"), std::string(kNasty)));
  EXPECT_EQ(environment.variables[1].second, "scheduled__2001-03-01T02:00:00+00:00");
  EXPECT_EQ(*Rendered("{{ params.x }}", environment), "\"${MILLRACE_V3}\"");
}

TEST(ShellTemplateTest, TheReferenceIsQuotedForItsPlace) {
  EXPECT_EQ(Text("echo {{ params.x }}"), "echo \"${MILLRACE_V1}\"");
  EXPECT_EQ(Text("echo \"a {{ params.x }} b\""), "echo \"a ${MILLRACE_V1} b\"");
  EXPECT_EQ(Text("echo 'a {{ params.x }} b'"), "echo 'a '\"${MILLRACE_V1}\"' b'");
  EXPECT_EQ(Text("echo $'a {{ params.x }} b'"), "echo $'a '\"${MILLRACE_V1}\"$' b'");
  EXPECT_EQ(Text("echo \"$(echo {{ params.x }})\""), "echo \"$(echo \"${MILLRACE_V1}\")\"");
  EXPECT_EQ(Text("echo it\\'s {{ params.x }}"), "echo it\\'s \"${MILLRACE_V1}\"");
  EXPECT_EQ(Text("# don't\necho {{ params.x }}"), "# don't\necho \"${MILLRACE_V1}\"");
  EXPECT_EQ(Text("echo a#'b {{ params.x }}'"), "echo a#'b '\"${MILLRACE_V1}\"''");
  EXPECT_EQ(Text("cat <<E\n{{ params.x }} it's\nE\necho {{ params.x }}"),
            "cat <<E\n${MILLRACE_V1} it's\nE\necho \"${MILLRACE_V2}\"");
  EXPECT_EQ(Text("cat <<-E\n\tx\n\tE\necho '{{ params.x }}'"),
            "cat <<-E\n\tx\n\tE\necho ''\"${MILLRACE_V1}\"''");
  EXPECT_EQ(Text("cat <<< {{ params.x }}"), "cat <<< \"${MILLRACE_V1}\"");
}

TEST(ShellTemplateTest, PlacesThatAShellWouldEvaluateOrNotExpandAreRefused) {
  EXPECT_THAT(Text("cat <<'E'\n{{ params.x }}\nE"), HasSubstr("here-document with a quoted word"));
  EXPECT_THAT(Text("echo $(( {{ params.x }} + 1 ))"), HasSubstr("check that it is a number first"));
  EXPECT_THAT(Text("echo \"$(( {{ params.x }} + 1 ))\""), HasSubstr("check that it is a number first"));
  EXPECT_THAT(Text("((n = {{ params.x }}))"), HasSubstr("check that it is a number first"));
  EXPECT_THAT(Text("echo \\{{ params.x }}"), HasSubstr("a backslash stands before"));
  EXPECT_EQ(Text("echo $(( 1 + 1 )) {{ params.x }}"), "echo $(( 1 + 1 )) \"${MILLRACE_V1}\"");
}

TEST(ShellTemplateTest, WhatIsMadeOfUserValuesIsTheirsToo) {
  for (const char* text :
       {"{{ params.x | upper }}", "{{ 'a' ~ params.x }}", "{{ params.x[0] }}", "{{ params | tojson }}",
        "{{ params['x'].split(' ')[0] }}", "{% set y = params.x %}{{ y }}",
        "{% set y %}{{ params.x }}{% endset %}{{ y }}", "{% for v in [params.x] %}{{ v }}{% endfor %}",
        "{% for k, v in dag_run.conf.items() %}{{ v }}{% endfor %}", "{{ dag_run }}",
        "{{ ds if params.x else ds }}", "{{ ti.run_id }}", "{{ [run_id] | first }}",
        "{{ '%s' | format(params.x) }}", "{{ {'k': params.x}.k }}", "{{ params.keys() | first }}", "{% set y = params.x.split(' ') %}{{ y[0] }}", "{% for a, b in [params.x.split(' ', 1)] %}{{ b }}{% endfor %}",
 "{% set y = {'k': [params.x]} %}{{ y.k[0][1] }}", "{{ (params.x ~ ds)[-4:] }}"}) {
    ShellEnvironment environment;
    const StatusOr<std::string> rendered = Rendered(text, environment);
    ASSERT_TRUE(rendered.ok()) << rendered.status().message();
    EXPECT_EQ(*rendered, "\"${MILLRACE_V1}\"") << text;
  }
  EXPECT_EQ(Text("{% if params.x %}echo {{ ds }}{% endif %}"), "echo 2001-03-01");
  EXPECT_EQ(Text("{% for v in dag_run.conf.list %}{{ loop.index }}={{ v }} {% endfor %}"),
            "1=\"${MILLRACE_V1}\" 2=\"${MILLRACE_V2}\" ");
}

TEST(ShellTemplateTest, RealShellsPrintTheValueByteForByte) {
  for (const char* shell : {"sh", "bash"}) {
    for (const char* text :
         {"printf %s {{ params.x }}", "printf %s \"{{ params.x }}\"", "printf %s '{{ params.x }}'",
          "printf %s \"$(printf %s {{ params.x }})\"", "# it's\nprintf %s {{ params.x }}",
          "v=`printf %s {{ params.x }}`; printf %s \"$v\"", "cat <<E | head -c -1\n{{ params.x }}\nE",
          "x={{ params.x }}; printf %s \"$x\"", "printf %s \"${y:-{{ params.x }}}\""}) {
      ShellEnvironment environment;
      const StatusOr<std::string> rendered = Rendered(text, environment);
      ASSERT_TRUE(rendered.ok()) << rendered.status().message();
      for (const auto& [name, value] : environment.variables)
        ASSERT_EQ(setenv(name.c_str(), value.c_str(), 1), 0);
      ASSERT_EQ(setenv("MILLRACE_TEXT", rendered->c_str(), 1), 0);
      FILE* pipe = popen((std::string(shell) + " -c \"$MILLRACE_TEXT\"").c_str(), "r");
      ASSERT_NE(pipe, nullptr);
      std::array<char, 512> buffer{};
      const std::size_t length = fread(buffer.data(), 1, buffer.size(), pipe);
      EXPECT_EQ(pclose(pipe), 0) << *rendered;
      EXPECT_EQ(std::string(buffer.data(), length), kNasty) << shell << ": " << *rendered;
    }
  }
}

}  // namespace
}  // namespace millrace
