#include "core/spec/check_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/json.h"
#include "tests/unit/core/spec/told.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CheckSpec Good(const Value& text) {
  std::vector<Problem> problems;
  std::optional<CheckSpec> check = ParseCheck(text, SpecPhase::kRendered, problems);
  for (const Problem& problem : problems)
    ADD_FAILURE() << problem.message << " (" << problem.suggestion << ")";
  return check.value_or(CheckSpec{});
}

Problem Bad(const Value& text) {
  std::vector<Problem> problems;
  EXPECT_FALSE(ParseCheck(text, SpecPhase::kRendered, problems).has_value());
  EXPECT_EQ(problems.size(), 1u);
  return problems.empty() ? Problem{} : problems[0];
}

TEST(CheckSpec, ReadsARowCount) {
  const CheckSpec check = Good("row_count > 0");
  EXPECT_EQ(check.type, CheckType::kRowCount);
  EXPECT_THAT(check.bounds, ElementsAre(Bound{Comparison::kGreater, 0}));
  EXPECT_EQ(check.name, "row_count > 0");
}

TEST(CheckSpec, ReadsColumnsValuesAndNumbersInEveryForm) {
  EXPECT_THAT(Good("not_null(state)").columns, ElementsAre("state"));
  EXPECT_THAT(Good("unique( a,\"b \"\"c\" )").columns, ElementsAre("a", "b \"c"));
  EXPECT_THAT(Good("null_rate(x) <= 1%").bounds, ElementsAre(Bound{Comparison::kLessEqual, 0.01}));
  EXPECT_THAT(Good("accepted_values(x, ['a', 'it''s', 3, true])").values,
              ElementsAre(Value("a"), Value("it's"), Value(3), Value(true)));
  EXPECT_THAT(Good("accepted_values(x, 'a', 'b')").values, ElementsAre(Value("a"), Value("b")));
  const CheckSpec range = Good("range(delay, -100, 2000.5)");
  EXPECT_EQ(range.min, Value(-100));
  EXPECT_EQ(range.max, Value(2000.5));
  EXPECT_EQ(Good("range(day, '2001-01-01', null)").min, Value("2001-01-01"));
  const CheckSpec related = Good("relationships(origin, airports.iata)");
  EXPECT_EQ(related.reference_input, "airports");
  EXPECT_EQ(related.reference_column, "iata");
  EXPECT_EQ(Good("freshness(at) < 24h").max_age, std::chrono::hours(24));
  EXPECT_EQ(Good("avg(delay) != 1e3").aggregate, "avg");
  EXPECT_EQ(Good("regex(origin, '[A-Z]{3}')").pattern, "[A-Z]{3}");
}

TEST(CheckSpec, ReadsAMapWithOptions) {
  const CheckSpec check = Good(Json(
      R"j({"check": "not_null(a)", "severity": "warn", "threshold": "5%", "filter": "b > 1", "name": "A is there"})j"));
  EXPECT_EQ(check.severity, Severity::kWarn);
  EXPECT_DOUBLE_EQ(check.allowed_share, 0.05);
  EXPECT_EQ(check.filter, "b > 1");
  EXPECT_EQ(check.name, "A is there");
  const CheckSpec typed = Good(Json(R"j({"type": "row_count", "min": 1, "max": 9, "threshold": 3})j"));
  EXPECT_THAT(typed.bounds,
              ElementsAre(Bound{Comparison::kGreaterEqual, 1}, Bound{Comparison::kLessEqual, 9}));
  EXPECT_EQ(typed.allowed_rows, 3);
  EXPECT_EQ(Good(Json(R"j({"type": "relationships", "column": "o", "references": "airports.iata"})j"))
                .reference_column,
            "iata");
  EXPECT_EQ(Good(Json(R"j({"type": "schema", "columns": {"day": "date"}})j")).schema[0].type, "DATE");
  EXPECT_EQ(Good(Json(R"j({"type": "sql", "sql": "SELECT 1"})j")).sql, "SELECT 1");
}

TEST(CheckSpec, SuggestsTheCheckThatWasMeant) {
  EXPECT_EQ(Bad("not_nul(a)").suggestion, "did you mean 'not_null'?");
  EXPECT_THAT(Bad("wibble(a)").suggestion, HasSubstr("row_count"));
  EXPECT_EQ(Bad(Json(R"j({"check": "row_count > 0", "severty": "warn"})j")).suggestion,
            "did you mean 'severity'?");
}

TEST(CheckSpec, SaysWhereTextStopsMakingSense) {
  EXPECT_THAT(Bad("row_count >").message, HasSubstr("a number"));
  EXPECT_THAT(Bad("row_count > 5 5").message, HasSubstr("character 15"));
  EXPECT_THAT(Bad("unique(a").suggestion, HasSubstr("quotes"));
  EXPECT_THAT(Bad("range(a, 1)").suggestion, HasSubstr("range(delay, -100, 2000)"));
  EXPECT_THAT(Bad("regex(a, 'x").message, HasSubstr("closing '"));
  for (const char* text :
       {"", "(", "row_count", "not_null", "null_rate(a)", "freshness(a) > 3h", "freshness(a) < soon",
        "accepted_values(a)", "relationships(a, b)", "length(a, x, y)", "5 > 3", "not_null(a.b)",
        "row_count > abc", "sum(a, b) > 1", "unique(a) > 3", "range(a, 1, 2, 3)"}) {
    EXPECT_NE(Bad(text).message, "") << text;
  }
}

TEST(CheckSpec, LeavesATemplatedCheckForTheWorker) {
  std::vector<Problem> problems;
  EXPECT_FALSE(ParseCheck("row_count > {{ params.n }}", SpecPhase::kWritten, problems).has_value());
  EXPECT_TRUE(problems.empty());
}

TEST(CheckSpec, ReadsAContractAndAsksForEverythingInIt) {
  const StatusOr<Contract> contract = ParseRenderedContract(Json(R"j({
      "name": "flights", "version": 2, "owner": "data", "sla": {"freshness": "26h", "column": "date"},
      "schema": [{"name": "date", "type": "timestamp", "nullable": false}, {"name": "id", "type": "BIGINT", "unique": true}],
      "quality": ["row_count > 0", {"check": "null_rate(id) < 0.01", "severity": "warn"}]})j"));
  ASSERT_TRUE(contract.ok()) << contract.status().message();
  EXPECT_EQ(contract->version, "2");
  std::vector<std::string> names;
  for (const CheckSpec& check : contract->Checks()) names.push_back(check.name);
  EXPECT_THAT(names, ElementsAre("schema", "not_null(date)", "unique(id)", "freshness(date) < 1d2h",
                                 "row_count > 0", "null_rate(id) < 0.01"));
  EXPECT_EQ(contract->Checks()[0].schema[0].type, "TIMESTAMP");
}

TEST(CheckSpec, TellsEveryProblemOfAContract) {
  std::vector<Problem> problems;
  ParseContract(Json(R"j({"nam": "x", "schema": [{"type": "INT"}], "quality": ["row_cout > 0"]})j"),
                problems);
  std::string all;
  for (const Problem& problem : problems) all += problem.message + "|" + problem.suggestion + "\n";
  EXPECT_THAT(all, HasSubstr("unknown field 'nam'|did you mean 'name'?"));
  EXPECT_THAT(all, HasSubstr("field 'name' is missing"));
  EXPECT_THAT(all, HasSubstr("unknown check 'row_cout'"));
  ParseContract(Value(3), problems);
  EXPECT_FALSE(problems.empty());
}

TEST(CheckSpec, ReadsTheFieldsOfACheckTask) {
  const StatusOr<CheckTaskSpec> spec = ParseCheckTask(
      Json(R"j({"input": "lake/", "checks": ["row_count > 0"], "references": {"a": "a.csv"}})j"));
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->references[0].second, "a.csv");
  EXPECT_FALSE(ParseCheckTask(Json(R"j({"input": "lake/"})j")).ok());
  EXPECT_FALSE(ParseCheckTask(Json(R"j({"checks": ["row_count > 0"]})j")).ok());
}

TEST(CheckSpec, BoundsHold) {
  EXPECT_TRUE(Holds(1, {Comparison::kLess, 2}));
  EXPECT_FALSE(Holds(2, {Comparison::kLess, 2}));
  EXPECT_TRUE(Holds(2, {Comparison::kGreaterEqual, 2}));
  EXPECT_TRUE(Holds(3, {Comparison::kNotEqual, 2}));
}

}  // namespace
}  // namespace millrace
