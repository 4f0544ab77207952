#include "core/spec/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/model/json.h"

namespace millrace {
namespace {

std::string Wrong(const std::string& value, const std::string& schema) {
  std::string all;
  for (const std::string& problem : CheckValue(*ParseJson(value), *ParseJson(schema)))
    all += (all.empty() ? "" : "; ") + problem;
  return all;
}

TEST(JsonSchemaOfParams, EveryWordAcceptsAndRefuses) {
  struct Row {
    const char* schema;
    const char* good;
    const char* bad;
    const char* why;
  };
  for (const Row& row : {
           Row{R"({"type": "integer"})", "3", "3.5", "must be of type integer, not number"},
           Row{R"({"type": "integer"})", "3.0", "null", "needs a value (integer)"},
           Row{R"({"type": ["string", "null"]})", "null", "1", "must be of type string or null, not integer"},
           Row{R"({"enum": [1, "a"]})", "1.0", "2", R"(must be one of 1, "a")"},
           Row{R"({"const": "a"})", R"("a")", R"("b")", R"(must be "a")"},
           Row{R"({"minimum": 2})", "2", "1", "must be at least 2"},
           Row{R"({"maximum": 2})", "2", "3", "must be at most 2"},
           Row{R"({"exclusiveMinimum": 2})", "3", "2", "must be more than 2"},
           Row{R"({"exclusiveMaximum": 2})", "1", "2", "must be less than 2"},
           Row{R"({"multipleOf": 0.1})", "0.7", "0.75", "must be a multiple of 0.1"},
           Row{R"({"minLength": 2})", "\"\xc3\xa4\xc3\xb6\"", "\"\xc3\xa4\"",
               "must have at least 2 characters"},
           Row{R"({"maxLength": 1})", R"("a")", R"("ab")", "must have at most 1 characters"},
           Row{R"({"pattern": "^a+$"})", R"("aaa")", R"("ab")", "must match the pattern ^a+$"},
           Row{R"({"format": "date"})", R"("2001-02-28")", R"("2001-02-30")", "must be a date"},
           Row{R"({"format": "date-time"})", R"("2001-02-28T00:00:00Z")", R"("2001-02-28")",
               "must be a date-time"},
           Row{R"({"format": "time"})", R"("23:59")", R"("24:00")", "must be a time"},
           Row{R"({"format": "email"})", R"("a@b.org")", R"("a@b")", "must be a email"},
           Row{R"({"items": {"type": "string"}})", R"(["a"])", R"(["a", 1])",
               "[1] must be of type string, not integer"},
           Row{R"({"minItems": 1})", "[1]", "[]", "must have at least 1 items"},
           Row{R"({"maxItems": 1})", "[1]", "[1, 2]", "must have at most 1 items"},
           Row{R"({"uniqueItems": true})", "[1, 2]", "[1, 1.0]", "has an item twice: 1.0"},
           Row{R"({"required": ["a"]})", R"({"a": 1})", "{}", "a is missing"},
           Row{R"({"properties": {"a": {"properties": {"b": {"type": "string"}}}}})", R"({"a": {"b": "x"}})",
               R"({"a": {"b": 1}})", "a.b must be of type string, not integer"},
           Row{R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"a": 1})", R"({"b": 1})",
               "b must not be there"},
           Row{R"({"anyOf": [{"type": "string"}, {"minimum": 5}]})", "5", "4",
               "fits none of its schemas (anyOf)"},
           Row{R"({"oneOf": [{"minimum": 1}, {"minimum": 5}]})", "4", "6",
               "must fit exactly one of its schemas (oneOf)"},
           Row{R"({"allOf": [{"minimum": 1}, {"maximum": 5}]})", "4", "6", "must be at most 5"},
           Row{R"({"not": {"const": 0}})", "1", "0", "must not fit its schema 'not'"},
       }) {
    EXPECT_EQ(Wrong(row.good, row.schema), "") << row.schema;
    EXPECT_EQ(Wrong(row.bad, row.schema), row.why) << row.schema;
  }
}

TEST(JsonSchemaOfParams, APatternThatWouldBacktrackForEverEnds) {
  EXPECT_EQ(Wrong('"' + std::string(20'000, 'a') + "b\"", R"({"pattern": "^(a+)+$"})"),
            "must match the pattern ^(a+)+$");
}

TEST(JsonSchemaOfParams, ASchemaWithoutEndIsCutOff) {
  std::string schema = R"({"type": "integer"})";
  for (int i = 0; i < 30; ++i) schema = R"({"not": )" + schema + "}";
  EXPECT_EQ(CheckValue(Value(1), *ParseJson(schema)).size(), 0u);
}

}  // namespace
}  // namespace millrace
