#include "dagctl/output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "core/model/json.h"

namespace millrace::dagctl {
namespace {

const std::vector<Field> kFields = {{"name", "NAME"}, {"state", "STATE"}, {"n", "N"}};

std::string Shown(Format format, const Value::List& rows) {
  std::ostringstream stream;
  Output(stream, format, false).Rows(kFields, rows);
  return stream.str();
}

const Value::List kRows = {Value::Map{{"name", "é 日本"}, {"state", "failed"}, {"n", 1}, {"more", true}},
                           Value::Map{{"name", "a"}, {"state", Value()}}};

TEST(OutputTest, TablesAlignByWhatATerminalShows) {
  EXPECT_EQ(Shown(Format::kTable, kRows), "NAME    STATE   N\né 日本  failed  1\na               \n");
}

TEST(OutputTest, ATableLeavesOutAColumnThatNoRowNeeds) {
  const std::vector<Field> fields = {{"name", "NAME"}, {"team_name", "TEAM", true}};
  const auto shown = [&](Format format, const Value::List& rows) {
    std::ostringstream stream;
    Output(stream, format, false).Rows(fields, rows);
    return stream.str();
  };
  const Value::List none = {Value::Map{{"name", "a"}, {"team_name", Value()}}, Value::Map{{"name", "b"}, {"team_name", ""}}};
  const Value::List one = {none[0], Value::Map{{"name", "b"}, {"team_name", "ads"}}};
  EXPECT_EQ(shown(Format::kTable, none).find("TEAM"), std::string::npos);
  EXPECT_NE(shown(Format::kTable, one).find("TEAM"), std::string::npos);
  EXPECT_EQ(shown(Format::kPlain, none), "a\t\nb\t\n") << "programs have it always";
}

TEST(OutputTest, JsonIsAnArrayOfObjectsWithExactlyTheFields) {
  const StatusOr<Value> value = ParseJson(Shown(Format::kJson, kRows));
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->as_list().at(0).as_map().size(), 3U);
  EXPECT_TRUE(value->as_list().at(1).Find("n")->is_null());
  EXPECT_EQ(ToJson(*ParseJson(Shown(Format::kJson, {}))), "[]");
}

TEST(OutputTest, PlainIsTabSeparatedWithoutHeading) { EXPECT_EQ(Shown(Format::kPlain, kRows), "é 日本\tfailed\t1\na\t\t\n"); }

TEST(OutputTest, WidthCountsWideAndCombiningCharacters) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("日本"), 4U);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1U);
}

}  // namespace
}  // namespace millrace::dagctl
