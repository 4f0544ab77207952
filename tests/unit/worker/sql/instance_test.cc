#include "worker/sql/instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace millrace::sql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Sql : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "millrace-sql-" + std::to_string(::getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_ + "/temp");
    Open({.threads = 2, .temp_folder = folder_ + "/temp", .folders = {folder_}});
  }
  void TearDown() override {
    connection_.reset();
    instance_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open(const InstanceOptions& options) {
    connection_.reset();
    auto instance = Instance::Open(options);
    ASSERT_TRUE(instance.ok()) << instance.status().ToString();
    instance_ = std::move(*instance);
    auto connection = instance_->Connect();
    ASSERT_TRUE(connection.ok());
    connection_ = std::move(*connection);
  }
  Result Run(const std::string& sql) {
    auto result = connection_->Run(sql);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return std::move(*result);
  }

  std::string folder_;
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(Sql, ValuesAreReadByColumnAndRow) {
  const Result result = Run(
      "SELECT i, i / 2.0 AS half, CASE WHEN i % 2 = 0 THEN 'row ' || i || ' with a long text' END AS text, "
      "1.25::DECIMAL(9,2) AS price, true AS yes, 170141183460469231731687303715884105727::HUGEINT AS huge "
      "FROM range(5000) t(i) ORDER BY i");
  ASSERT_EQ(result.row_count(), 5000u);
  EXPECT_EQ(result.columns()[3], (Column{"price", "DECIMAL(9,2)"}));
  EXPECT_EQ(result.Integer(0, 4999), 4999);
  EXPECT_EQ(result.Real(1, 3001), 1500.5);
  EXPECT_EQ(result.Text(2, 4998), "row 4998 with a long text");
  EXPECT_TRUE(result.IsNull(2, 4999));
  EXPECT_EQ(result.Text(2, 4999), "");
  EXPECT_EQ(result.Real(3, 0), 1.25);
  EXPECT_EQ(result.Integer(4, 0), 1);
  EXPECT_EQ(result.Integer(5, 0), INT64_MAX);
}

TEST_F(Sql, RowsThatChangedAreCounted) {
  Run("CREATE TABLE t(a INTEGER)");
  EXPECT_EQ(Run("INSERT INTO t FROM range(7)").rows_changed(), 7u);
  EXPECT_EQ(Run("DELETE FROM t WHERE a < 3").rows_changed(), 3u);
}

TEST_F(Sql, RowsBecomeJson) {
  const auto rows =
      connection_->JsonRows("SELECT i AS a, NULL AS b, 'x\"y' AS c FROM range(9) t(i) ORDER BY i", 2);
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  EXPECT_EQ(*rows, R"([{"a":0,"b":null,"c":"x\"y"},{"a":1,"b":null,"c":"x\"y"}])");
  EXPECT_EQ(connection_->JsonRows("SELECT 1 AS a WHERE false", 5).value(), "[]");
}

TEST_F(Sql, SeveralStatementsRunInOrderAndStopAtTheFirstError) {
  EXPECT_EQ(Run("CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (1), (2); SELECT sum(a)::INTEGER FROM t")
                .Integer(0, 0),
            3);
  EXPECT_FALSE(connection_->Run("INSERT INTO t VALUES (3); SELECT nothing; INSERT INTO t VALUES (4)").ok());
  EXPECT_EQ(Run("SELECT count(*) FROM t").Integer(0, 0), 3);
  EXPECT_EQ(connection_->Run("").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(connection_->Run("-- only a comment").status().code(), Code::kInvalidArgument);
}

TEST_F(Sql, AnErrorSaysInItsFirstLineWhatIsWrong) {
  const Status status = connection_->Run("SELECT colour FROM (SELECT 1 AS color)").status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  const std::string line = status.message().substr(0, status.message().find('\n'));
  EXPECT_THAT(line, HasSubstr("colour"));
  EXPECT_THAT(status.message(), HasSubstr("color"));
  EXPECT_EQ(connection_->Run("SELECT * FROM read_csv('" + folder_ + "/none.csv')").status().code(),
            Code::kNotFound);
}

TEST_F(Sql, OnlyOneSelectPasses) {
  auto facts = connection_->CheckSelect(
      "WITH c AS (SELECT random() AS r FROM flights) SELECT Sum(r + 1), now() FROM c JOIN airports ON true, "
      "range(3); ");
  ASSERT_TRUE(facts.ok()) << facts.status().ToString();
  EXPECT_THAT(facts->functions, testing::IsSupersetOf({"random", "sum", "now"}));
  EXPECT_THAT(facts->functions, testing::Not(testing::Contains("+")));
  EXPECT_THAT(facts->tables, ElementsAre("airports", "c", "flights"));
  EXPECT_THAT(facts->table_functions, ElementsAre("range"));
  EXPECT_FALSE(facts->text.ends_with(";"));
  for (const char* sql : {"SELECT 1; SELECT 2", "DROP TABLE t", "COPY (SELECT 1) TO 'x'", "", "SELEC 1",
                          "SET threads=9", "INSTALL httpfs", "SELECT 1; DROP TABLE t"}) {
    EXPECT_EQ(connection_->CheckSelect(sql).status().code(), Code::kInvalidArgument) << sql;
  }
}

TEST_F(Sql, TheTextOfASelectFitsBetweenParentheses) {
  for (const char* sql : {"SELECT 1 AS a;", "SELECT 1 AS a -- that is all", "SELECT 1 AS a; -- ; that is all",
                          "FROM range(1) SELECT 1 AS a", "VALUES (1)", "SELECT 1 AS a /* that is all */ ; "}) {
    auto facts = connection_->CheckSelect(sql);
    ASSERT_TRUE(facts.ok()) << sql << facts.status().ToString();
    EXPECT_EQ(Run("SELECT * FROM (\n" + facts->text + "\n)").Integer(0, 0), 1) << sql;
  }
}

TEST_F(Sql, ASelectIsBoundAgainstEmptyViews) {
  ASSERT_TRUE(
      connection_->CreateEmptyView("flights", {{"date", "TIMESTAMP"}, {"odd \"name\"", "DECIMAL(12,2)"}})
          .ok());
  auto columns = connection_->Describe(
      "SELECT date::DATE AS day, count(*) AS n, sum(\"odd \"\"name\"\"\") AS s, list(1) AS l, {'a b': 1} AS "
      "st, "
      "map {1: 'x'} AS m, 'a'::ENUM('a', 'it''s') AS e, '{}'::JSON AS j FROM flights GROUP BY 1");
  ASSERT_TRUE(columns.ok()) << columns.status().ToString();
  EXPECT_THAT(*columns,
              ElementsAre(Column{"day", "DATE"}, Column{"n", "BIGINT"}, Column{"s", "DECIMAL(38,2)"},
                          Column{"l", "INTEGER[]"}, Column{"st", "STRUCT(\"a b\" INTEGER)"},
                          Column{"m", "MAP(INTEGER, VARCHAR)"}, Column{"e", "ENUM('a', 'it''s')"},
                          Column{"j", "JSON"}));
  // What is described can be declared.
  ASSERT_TRUE(connection_->CreateEmptyView("again", *columns).ok());
  EXPECT_EQ(connection_->Describe("FROM again").value(), *columns);
  EXPECT_EQ(connection_->Describe("SELECT nothing FROM flights").status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(connection_->Describe("DROP VIEW flights").ok());
}

TEST_F(Sql, TheSandboxKeepsSqlWithinItsFolders) {
  std::ofstream(folder_ + "/in.csv") << "a\n1\n";
  EXPECT_EQ(Run("SELECT a FROM '" + folder_ + "/in.csv'").Integer(0, 0), 1);
  Run("COPY (SELECT 1 AS a) TO '" + folder_ + "/out.parquet' (FORMAT parquet)");
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/out.parquet"));
  for (const std::string& sql : std::vector<std::string>{
           "SELECT * FROM read_text('/etc/passwd')",
           "SELECT * FROM read_text('" + folder_ + "/../../etc/passwd')",
           "COPY (SELECT 1) TO '/tmp/millrace-escaped.csv'", "ATTACH '/tmp/millrace-escaped.db'",
           "SET memory_limit='1GB'", "SET threads=64", "SET enable_external_access=true",
           "SET lock_configuration=false", "LOAD '/tmp/x.duckdb_extension'", "INSTALL httpfs",
           "SELECT * FROM 'http://127.0.0.1:9/x.parquet'"}) {
    EXPECT_FALSE(connection_->Run(sql).ok()) << sql;
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/millrace-escaped.csv"));
}

TEST_F(Sql, ADatabaseFileIsReadAndWrittenInTheSandboxToo) {
  const InstanceOptions options{.path = folder_ + "/w.duckdb", .folders = {folder_ + "/temp"}};
  Open(options);
  Run("CREATE TABLE t AS SELECT range AS a FROM range(100000); CHECKPOINT");
  Open(options);
  EXPECT_EQ(Run("SELECT count(*) FROM t").Integer(0, 0), 100000);
  EXPECT_EQ(Instance::Open({.path = folder_}).status().code(), Code::kFailedPrecondition);
}

TEST_F(Sql, WhatExceedsMemoryGoesToTheTempFolder) {
  Open({.threads = 2, .memory_bytes = 60'000'000, .temp_folder = folder_ + "/temp", .folders = {folder_}});
  EXPECT_EQ(Run("SELECT count(*) FROM (SELECT i, md5(i::VARCHAR) AS m FROM range(1000000) t(i) ORDER BY m)")
                .Integer(0, 0),
            1000000);
}

TEST_F(Sql, AnInterruptEndsAStatementAndTheConnection) {
  Status status;
  {
    std::jthread runner([&] {
      status = connection_->Run("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b")
                   .status();
    });
    connection_->Interrupt();  // before, while or after it starts: once is enough
  }
  EXPECT_EQ(status.code(), Code::kCancelled) << status.ToString();
  EXPECT_EQ(connection_->Run("SELECT 1").status().code(), Code::kCancelled);
}

TEST_F(Sql, ARunningStatementTellsItsProgress) {
  EXPECT_EQ(connection_->Progress(), -1);
  Run("CREATE TABLE t AS SELECT range AS a FROM range(3000000)");
  std::atomic<bool> ended = false;
  std::jthread runner([&] {
    Run("SELECT max(md5(md5(a::VARCHAR))) FROM t");
    ended = true;
  });
  double highest = -1;
  while (!ended) {
    highest = std::max(highest, connection_->Progress());
    std::this_thread::yield();
  }
  EXPECT_GT(highest, 0);
  EXPECT_LE(highest, 1);
}

TEST_F(Sql, TheShuffleFunctionsAreNotForUsers) {
  EXPECT_FALSE(connection_->Run("SELECT * FROM shuffle_scan(1::UBIGINT)").ok());
  EXPECT_FALSE(connection_->Run("COPY (SELECT 1) TO '" + folder_ + "/x' (FORMAT millrace_shuffle)").ok());
  EXPECT_FALSE(
      connection_
          ->Run("COPY (SELECT 1) TO '" + folder_ + "/x' (FORMAT millrace_shuffle, HANDLE 3, WHATEVER 'a')")
          .ok());
}

}  // namespace
}  // namespace millrace::sql
