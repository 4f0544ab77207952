#include "core/model/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/model/json.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

Value Good(std::string_view text) {
  YamlText yaml = ParseYaml(text);
  for (const Problem& problem : yaml.problems) ADD_FAILURE() << problem.message;
  EXPECT_EQ(yaml.documents.size(), 1u);
  return yaml.documents.empty() ? Value() : yaml.documents[0];
}

Problem Bad(std::string_view text) {
  const YamlText yaml = ParseYaml(text);
  EXPECT_FALSE(yaml.problems.empty());
  return yaml.problems.empty() ? Problem{} : yaml.problems[0];
}

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Yaml, ReadsScalarsAsYaml12Does) {
  EXPECT_EQ(
      ToJson(Good(
          "[1, -2, 0x1f, 1.5, 1e3, true, False, ~, null, '3', \"true\", yes, on, 2001-01-01, 12:30, 1.2.3]")),
      R"([1,-2,31,1.5,1000.0,true,false,null,null,"3","true","yes","on","2001-01-01","12:30","1.2.3"])");
  EXPECT_EQ(ToJson(Good("a: |\n  x\n  y\nb: >\n  x\n  y\nc:\n")), R"({"a":"x\ny\n","b":"x y\n","c":null})");
  EXPECT_EQ(ToJson(Good("[9223372036854775807, 9223372036854775808, .inf, -, 1., 0x-1]")),
            R"([9223372036854775807,9.223372036854776e+18,".inf","-",1.0,"0x-1"])");
}

TEST(Yaml, ReadsJsonAlsoWithTabs) {
  EXPECT_EQ(ToJson(Good("{\n\t\"a\": [1, {\"b\": \"x\\ny\\u00e9\\/\"}],\n\t\"c\": null\n}\n")),
            R"({"a":[1,{"b":"x\nyé/"}],"c":null})");
}

TEST(Yaml, EveryNodeKnowsItsPlace) {
  const Value value = Good("a: 1\nb:\n  - c: x\n    dd: [1, 2]\n");
  const Value& item = value.Find("b")->as_list()[0];
  EXPECT_EQ(value.Find("b")->key_position(), (Position{2, 1}));
  EXPECT_EQ(item.position(), (Position{3, 5}));
  EXPECT_EQ(item.Find("dd")->key_position(), (Position{4, 5}));
  EXPECT_EQ(item.Find("dd")->as_list()[1].position(), (Position{4, 13}));
}

TEST(Yaml, ReadsSeveralDocuments) {
  EXPECT_EQ(ParseYaml("a: 1\n---\nb: 2\n---\n# nothing\n").documents.size(), 2u);
  EXPECT_EQ(ParseYaml("").documents.size(), 0u);
  EXPECT_TRUE(ParseYaml("").problems.empty());
}

TEST(Yaml, ABlockOfTextMayHoldAnOpenQuote) { EXPECT_EQ(ToJson(Good("a: |\n  it's\n")), R"({"a":"it's\n"})"); }

TEST(Yaml, RefusesWhatGrowsOrHides) {
  EXPECT_THAT(Bad("a: &x 1\nb: *x\n").message, HasSubstr("anchors"));
  EXPECT_EQ(Bad("a: 1\nb: &x [1]\n").where, (Position{2, 4}));
  EXPECT_THAT(Bad("a: !python/object x\n").message, HasSubstr("tags"));
  EXPECT_THAT(Bad("a: 1\na: 2\n").message, HasSubstr("'a' stands twice"));
  EXPECT_EQ(Bad("a: 1\nb: 2\na: 3\n").where, (Position{3, 1}));
  EXPECT_THAT(Bad("{[a]: 1}").message, HasSubstr("cannot be a name"));
  EXPECT_THAT(Bad("a: \xff").message, HasSubstr("not UTF-8"));
  EXPECT_THAT(Bad(std::string("a: \0b", 5)).message, HasSubstr("not UTF-8"));
  EXPECT_THAT(Bad(std::string(kMaxYamlBytes + 1, 'x')).message, HasSubstr("larger than 1 MiB"));
}

TEST(Yaml, RefusesABombOfAliases) {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  EXPECT_THAT(Bad(bomb).message, HasSubstr("anchors"));
}

TEST(Yaml, RefusesAHundredThousandLevels) {
  for (const char* opening : {"[", "{\"a\":", "- ", "? ", "[[{a: ", "a: {", "- - ["}) {
    EXPECT_FALSE(ParseYaml(Repeat(opening, 100'000)).problems.empty()) << opening;
  }
  std::string indented;
  for (int i = 0; i < 1000; ++i) indented += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_THAT(Bad(indented).message, HasSubstr("nested deeper than 64"));
}

TEST(Yaml, SaysWhereTheSyntaxBreaksAndWhatToDo) {
  const Problem tab = Bad("a:\n\tb: 1\n");
  EXPECT_EQ(tab.where.line, 2);
  EXPECT_THAT(tab.suggestion, HasSubstr("tabs"));
  EXPECT_THAT(Bad("a: {{ ds }}/x\n").suggestion, HasSubstr("quotes"));
  EXPECT_THAT(Bad("a: [1, 2\nb: 3\n").message, HasSubstr("not valid YAML"));
  EXPECT_THAT(Bad("a: \"x\n").message, HasSubstr("closing quote"));
  EXPECT_THAT(Bad("a: 'it''s\nb: 1").message, HasSubstr("not valid YAML"));
  EXPECT_EQ(ToJson(Good("a: 'it''s'")), R"({"a":"it's"})");
  EXPECT_EQ(ToJson(Good(R"(a: "x\"y\\")")), R"({"a":"x\"y\\"})");
  EXPECT_THAT(Bad(",a: 1").message, HasSubstr("not valid YAML"));
}

TEST(Yaml, NoTruncationOrDamageOfAGoodFileCrashes) {
  const std::string good =
      "dag_id: a\nschedule: \"0 2 * * *\"\nparams: {n: {type: integer, default: 15}}\ntasks:\n  - id: x\n    "
      "uses: shell\n"
      "    with:\n      command: |\n        echo 'a' \"b\" {{ ds }}\n      env: {A: [1, 2, {b: c}], ? d : "
      "e}\n---\n[\"\\u00e9\\x41\", 'it''s']\n";
  for (std::size_t length = 0; length <= good.size(); ++length) ParseYaml(good.substr(0, length));
  std::mt19937 random(20010301);
  const std::string signs = "[]{}:,-?&*!|>'\"%@` \t\n#\\~x0";
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = good;
    for (int edits = 0; edits < 4; ++edits) {
      damaged[random() % damaged.size()] = signs[random() % signs.size()];
    }
    ParseYaml(damaged);
  }
}

}  // namespace
}  // namespace millrace
