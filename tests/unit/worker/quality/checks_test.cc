#include "worker/quality/checks.h"

#include <gtest/gtest.h>

#include "core/model/json.h"

namespace millrace::quality {
namespace {

class ChecksTest : public testing::Test {
 protected:
  ChecksTest() {
    instance_ = *sql::Instance::Open({});
    connection_ = *instance_->Connect();
    EXPECT_TRUE(
        connection_
            ->Run(
                "CREATE VIEW rows AS SELECT * FROM (VALUES (1, 'a', TIMESTAMP '2001-03-01'), (2, 'b', NULL), "
                "(2, 'zz', NULL), (NULL, NULL, NULL)) t(n, s, t); CREATE VIEW known AS SELECT 'a' AS code")
            .ok());
    target_.relation = "rows";
    target_.columns = *connection_->Describe("SELECT * FROM rows");
    target_.now = WallFromMicros(983'404'800'000'000);  // 2001-03-01
  }

  CheckOutcome Run(const std::string& check) {
    const StatusOr<Value> value = ParseJson(check[0] == '{' ? check : "\"" + check + "\"");
    const StatusOr<std::vector<CheckSpec>> specs = ParseRenderedChecks(Value(Value::List{*value}));
    EXPECT_TRUE(specs.ok()) << specs.status().message();
    if (!specs.ok()) return {};
    return RunChecks(*connection_, target_, *specs)->at(0);
  }

  std::unique_ptr<sql::Instance> instance_;
  std::unique_ptr<sql::Connection> connection_;
  CheckTarget target_;
};

TEST_F(ChecksTest, EachKindPassesOnGoodRowsAndFailsOnBadOnes) {
  struct Row {
    const char* check;
    bool passed;
    double value;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"row_count > 3", true, 4},
           {"row_count > 4", false, 4},
           {"not_null(n)", false, 1},
           {"null_rate(n) < 0.3", true, 0.25},
           {"null_rate(n) < 0.2", false, 0.25},
           {"unique(n)", false, 1},
           {"unique(n, s)", true, 0},
           {"accepted_values(s, ['a', 'b', 'zz'])", true, 0},
           {"accepted_values(s, ['a'])", false, 2},
           {"range(n, 1, 2)", true, 0},
           {"range(n, 2, 9)", false, 1},
           {"regex(s, '[ab]')", false, 1},
           {"length(s, 1, 1)", false, 1},
           {"relationships(s, known.code)", false, 2},
           {"freshness(t) < 1h", true, 0},
           {"sum(n) < 6", true, 5},
           {"max(n) < 2", false, 2},
       }) {
    const CheckOutcome outcome = Run(row.check);
    EXPECT_EQ(outcome.passed, row.passed) << row.check << ": " << outcome.message;
    EXPECT_DOUBLE_EQ(outcome.value, row.value) << row.check;
  }
}

TEST_F(ChecksTest, FailingRowsAreShown) {
  const CheckOutcome outcome = Run("not_null(n)");
  ASSERT_EQ(outcome.sample.as_list().size(), 1U);
  EXPECT_EQ(outcome.message, "1 of 4 rows fail");
  EXPECT_NE(ToText({outcome}).find("FAILED: not_null(n)"), std::string::npos);
}

TEST_F(ChecksTest, AWarningDoesNotFailTheWhole) {
  const CheckOutcome outcome = Run(R"json({"check": "not_null(n)", "severity": "warn"})json");
  EXPECT_FALSE(outcome.passed);
  EXPECT_TRUE(Passed({outcome}));
  EXPECT_FALSE(Passed({Run("not_null(n)")}));
}

TEST_F(ChecksTest, AnUnknownColumnFailsItsCheckWithTheReason) {
  const CheckOutcome outcome = Run("not_null(nope)");
  EXPECT_FALSE(outcome.passed);
  EXPECT_NE(outcome.message.find("nope"), std::string::npos);
}

}  // namespace
}  // namespace millrace::quality
