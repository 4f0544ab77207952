// What once differed from Jinja: each expected text is what Jinja 3.1.6 renders.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "core/template/template.h"
#include "tests/unit/core/template/sample.h"

namespace millrace {
namespace {

struct Row {
  std::string text;
  std::optional<std::string> expected;  // nothing: Jinja raises
};

void Expect(const std::vector<Row>& rows) {
  const TemplateContext context = MakeRunContext(SampleFacts());
  for (const Row& row : rows) {
    const StatusOr<std::string> rendered = RenderText(row.text, context);
    ASSERT_EQ(rendered.ok(), row.expected.has_value())
        << row.text << "\n"
        << (rendered.ok() ? *rendered : rendered.status().message());
    if (rendered.ok()) {
      EXPECT_EQ(*rendered, *row.expected) << row.text;
    }
  }
}

TEST(DifferencesTest, letters_of_other_scripts_have_their_cases) {
  Expect({
      {R"({{ 'Zürich straße' | upper }} {{ 'ÀÉÎŠ' | lower }} {{ 'élan vital' | title }} {{ 'ΟΔΟΣ' | lower }} {{ 'привет' | capitalize }})",
       R"(ZÜRICH STRASSE àéîš Élan Vital οδος Привет)"},
      {R"({{ 'éÉ'.swapcase() }} {{ 'éa'.title() }} {{ 'ßa'.capitalize() }} {{ 'ÉA' is upper }} {{ 'é✈Z' is upper }} {{ 'ÿŸ'.lower() }})",
       R"(Éé Éa Ssa True False ÿÿ)"},
      {R"({{ 'éÉ'.isalpha() }} {{ 'é1'.isalnum() }} {{ '中文'.isalpha() }} {{ 'é✈Z' | wordcount }} {{ 'Straße'.casefold() }})",
       R"(True True True 2 strasse)"},
  });
}

TEST(DifferencesTest, methods_of_text_take_the_parts_that_python_gives_them) {
  Expect({
      {R"({{ 'abcab'.find('a', 1) }} {{ 'abcab'.rfind('b', 0, 4) }} {{ 'abcab'.count('a', 1) }} {{ 'abc'.find('', 9) }} {{ 'a'.rindex('a') }})",
       R"(3 1 1 -1 0)"},
      {R"({{ 'abcab'.startswith('b', 1) }} {{ 'abcab'.endswith('a', 0, 4) }} {{ 'abc'.startswith('', 4) }} {{ 'abc'.startswith(('x', 'b'), -2) }})",
       R"(True True False True)"},
      {R"({{ ' Ab bA '.split(none, 1) }} {{ ' Ab bA c '.rsplit(none, 1) }} {{ 'a\nb\r\nc'.splitlines(true) }} {{ 'a b'.rsplit(none, 5) }})",
       R"(['Ab', 'bA '] [' Ab bA', 'c'] ['a\n', 'b\r\n', 'c'] ['a', 'b'])"},
      {R"({{ 'a\tbc\td'.expandtabs(4) }}|{{ 'ab'.isidentifier() }} {{ '1a'.isidentifier() }} {{ ''.isascii() }} {{ '5'.isdecimal() }} {{ 'Title Case'.istitle() }} {{ 'a\n'.isprintable() }})",
       R"(a   bc  d|True False True True True False)"},
  });
}

TEST(DifferencesTest, formats_are_as_strict_and_as_rich_as_in_python) {
  Expect({
      {R"({{ '{:_}'.format(1234567) }} {{ '{:_x}'.format(1234567) }} {{ '{:c}'.format(65) }} {{ '{:n}'.format(2.5) }} {{ '%c%c' | format(72, 'i') }})",
       R"(1_234_567 12_d687 A 2.5 Hi)"},
      {R"({{ '{:10.3}'.format(100.0) }} {{ '{:.3}'.format(10.0) }} {{ '{:.1}'.format(5.0) }} {{ '{:<5}|'.format(true) }} {{ '{!s:>5}'.format(none) }})",
       R"(     1e+02 10.0 5e+00 1    |  None)"},
      {R"({{ '{} {1}'.format(1, 2) }})", std::nullopt},
      {R"({{ '{:.2}'.format(7) }})", std::nullopt},
      {R"({{ '{:>5}'.format(none) }})", std::nullopt},
      {R"({{ '%x' | format(3.5) }})", std::nullopt},
      {R"({{ '{:,x}'.format(10) }})", std::nullopt},
      {R"({{ '' % [1, 2] }})", R"()"},
      {R"({{ '' % 1 }})", std::nullopt},
  });
}

TEST(DifferencesTest, times_without_a_zone_and_spans_show_as_in_python) {
  Expect({
      {R"({{ macros.ds_format(ds, '%Y-%m-%d', '%z|%Z|%d') }})", R"(||01)"},
      {R"({{ [macros.timedelta(days=1, hours=2), macros.timedelta(0), macros.timedelta(seconds=-1.5)] }})",
       R"([datetime.timedelta(days=1, seconds=7200), datetime.timedelta(0), datetime.timedelta(days=-1, seconds=86398, microseconds=500000)])"},
      {R"({{ macros.timedelta(hours=1) * 2.5 }} {{ macros.timedelta(hours=5) // 2 }} {{ macros.timedelta(hours=5) / macros.timedelta(hours=2) }} {{ macros.timedelta(hours=5) % macros.timedelta(hours=2) }} {{ macros.timedelta(hours=-1) | abs }})",
       R"(2:30:00 2:30:00 2.5 1:00:00 1:00:00)"},
      {R"({{ logical_date * 2.5 }})", std::nullopt},
      {R"({{ 2.5 * macros.timedelta(days=1) }})", R"(2 days, 12:00:00)"},
  });
}

TEST(DifferencesTest, filters_take_and_refuse_what_they_do_in_jinja) {
  Expect({
      {R"({{ none | map('upper') | list }} {{ 0 | select | list }} {{ '' | rejectattr('x') | list }})",
       R"([] [] [])"},
      {R"({{ ['a'] | selectattr('n') | list }})", std::nullopt},
      {R"({{ 5 | indent }})", std::nullopt},
      {R"({{ 5 | truncate(3) }})", std::nullopt},
      {R"({{ [1, 2] | truncate(3) }})", R"([1, 2])"},
      {R"({{ 5 | wordwrap }})", std::nullopt},
      {R"({{ 'x' | filesizeformat }})", std::nullopt},
      {R"({{ '1500' | filesizeformat }})", R"(1.5 kB)"},
      {R"({{ 3.0 is odd }} {{ 2.5 is even }} {{ true is odd }})", R"(True False True)"},
      {R"({{ [{'k': 1, 'n': 2}] | urlencode }})", R"(k=n)"},
      {R"({{ 0 ** -1 }})", std::nullopt},
  });
}

std::string Told(const std::string& text) {
  return RenderText(text, MakeRunContext(SampleFacts())).status().message();
}

TEST(MacrosTest, times_are_made_and_read_without_a_zone_as_python_does) {
  Expect({
      {R"({{ macros.datetime(2020, 2, 29, 12, 30, 5, 250).isoformat() }} {{ [macros.datetime(2020, 2, 29, 7)] }})",
       R"(2020-02-29T12:30:05.000250 [datetime.datetime(2020, 2, 29, 7, 0)])"},
      {R"({{ (macros.datetime.strptime(ds, '%Y-%m-%d') + macros.timedelta(days=7)).strftime('%Y%m%d') }})",
       R"(20010308)"},
      {R"({{ macros.datetime.fromisoformat('2020-02-29T01:02:03') }} {{ macros.datetime.fromisoformat('2020-02-29T01:02:03+01:00') }})",
       R"(2020-02-29 01:02:03 2020-02-29 00:02:03+00:00)"},
      {R"({{ macros.datetime(2021, 2, 29) }})", std::nullopt},
      {R"({{ macros.datetime(2021, 1, 1) < logical_date }})", std::nullopt},
      {R"({{ logical_date - macros.datetime(2021, 1, 1) }})", std::nullopt},
      {R"({{ macros.json.dumps({'b': 1, 'a': [none, true, 'é']}) }} {{ macros.json.loads('{"a": [1, 2.5]}').a[1] }})",
       R"({"b": 1, "a": [null, true, "\u00e9"]} 2.5)"},
      {R"({% for g in params.rows | groupby('k') %}{{ g.grouper }}={{ g.list | length }};{% endfor %})",
       "a=1;b=2;"},
  });
}

TEST(MacrosTest, what_a_template_cannot_have_is_told_with_what_to_write_instead) {
  EXPECT_NE(Told("{{ macros.datetime.now() }}").find("a template has no clock; use data_interval_end"),
            std::string::npos);
  EXPECT_NE(Told("{{ macros.uuid.uuid4() }}").find("run_id and task_instance_key_str are unique"),
            std::string::npos);
  EXPECT_NE(Told("{{ macros.dateutil.parser.parse('4 March') }}").find("a template has no clock"), std::string::npos);
  EXPECT_NE(Told("{{ macros.dateutil.parser.parse('3/4/01') }}").find("its year must have four digits"),
            std::string::npos);
  const auto problems = CheckTemplate(
      "{{ macros.datetime.utcnow() }}{{ macros.relativedelta }}{{ macros.datetime.strptime(ds, '%Y') }}",
      MakeRunContext(SampleFacts()));
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_NE(problems[0].message.find("a template has no clock"), std::string::npos) << problems[0].message;
  EXPECT_NE(problems[1].message.find("macros.dateutil.relativedelta.relativedelta(months=1)"), std::string::npos) << problems[1].message;
}

TEST(MacrosTest, random_numbers_are_the_same_in_every_attempt_and_others_in_other_runs) {
  const std::string text =
      "{{ range(100000) | random }} {{ macros.random() < 1 }} {{ range(100000) | random }}";
  RunFacts facts = SampleFacts();
  const std::string first = *RenderText(text, MakeRunContext(facts));
  facts.try_number = 7;
  EXPECT_EQ(*RenderText(text, MakeRunContext(facts)), first);
  EXPECT_NE(first.substr(0, first.find(' ')), first.substr(first.rfind(' ') + 1));
  facts.run_id = "another";
  EXPECT_NE(*RenderText(text, MakeRunContext(facts)), first);
  EXPECT_FALSE(RenderText("{{ [] | random }}", MakeRunContext(facts)).ok());
}

}  // namespace
}  // namespace millrace
