#include "worker/sql/file_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace millrace::sql {
namespace {

using testing::HasSubstr;

class FileScan : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "millrace-scan-" + std::to_string(::getpid()) + ".csv";
    instance_ = Instance::Open({.threads = 3, .sandboxed = false}).value();
    connection_ = instance_->Connect().value();
  }
  void TearDown() override {
    connection_.reset();
    instance_.reset();
    std::filesystem::remove(path_);
  }

  void Write(const std::string& bytes) { std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes; }
  std::unique_ptr<FileInput> Open(const std::vector<Column>& columns, std::uint64_t piece_bytes) {
    return OpenFileInput(*connection_, "rows", columns, {.dialect = dialect_}, readers::CutFile(dialect_, path_, piece_bytes).value()).value();
  }
  // DuckDB's own reader of the same file.
  std::string Theirs(const std::vector<Column>& columns) const {
    std::string types;
    for (const Column& column : columns) types += (types.empty() ? "" : ", ") + QuoteText(column.name) + ": " + QuoteText(column.type);
    return "FROM read_csv(" + QuoteText(path_) + ", auto_detect=false, header=true, delim=',', quote='\"', escape='\"', columns={" + types +
           "})";
  }
  std::int64_t Number(const std::string& sql) {
    const auto result = connection_->Run(sql);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? result->Integer(0, 0) : -1;
  }
  std::int64_t Difference(const std::string& a, const std::string& b) {
    return Number("SELECT count(*) FROM ((FROM (" + a + ") EXCEPT ALL FROM (" + b + ")) UNION ALL (FROM (" + b + ") EXCEPT ALL FROM (" +
                  a + ")))");
  }

  std::string path_;
  readers::Dialect dialect_{.header = true, .null_text = {}};
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(FileScan, GivesTheRowsOfDuckDbsReaderForEveryType) {
  connection_
      ->Run("COPY (SELECT i AS b, (i % 100)::TINYINT AS t, CASE WHEN i % 3 <> 0 THEN i::INTEGER END AS n, i / 7.0 AS d, i % 2 = 0 AS f, "
            "DATE '2001-01-01' + (i % 900)::INTEGER AS day, TIMESTAMP '1999-01-01' + INTERVAL (i * 37) SECOND AS at, "
            "(i * 1.255)::DECIMAL(12,3) AS money, CASE WHEN i % 5 <> 0 THEN 'text, \"' || repeat('é' || chr(10), (i % 9)::INTEGER) END AS s, "
            "i::HUGEINT * 1000000007000000 AS h, TIME '00:00:00' + INTERVAL (i) SECOND AS clock FROM range(30000) t(i)) TO " +
            QuoteText(path_) + " (HEADER)")
      .value();
  const std::vector<Column> columns = {{"b", "BIGINT"},       {"t", "TINYINT"},         {"n", "INTEGER"}, {"d", "DOUBLE"},
                                       {"f", "BOOLEAN"},      {"day", "DATE"},          {"at", "TIMESTAMP"}, {"money", "DECIMAL(10,2)"},
                                       {"s", "VARCHAR"},      {"h", "HUGEINT"},         {"clock", "TIME"}};
  dialect_.columns = static_cast<std::uint32_t>(columns.size());
  for (const std::uint64_t piece : {std::uint64_t{10'000}, std::uint64_t{1} << 30}) {
    const auto input = Open(columns, piece);
    EXPECT_EQ(Difference("FROM rows", Theirs(columns)), 0);
    EXPECT_EQ(Difference("SELECT s, b FROM rows", "SELECT s, b " + Theirs(columns)), 0);
    EXPECT_EQ(Number("SELECT count(*) FROM rows"), 30000);
  }
}

TEST_F(FileScan, ReadsRareSpellingsAsDuckDbDoes) {
  Write("b,d,day,at\n 12 ,1e3,2001-1-2,2001-01-02 03:04\n1.5,nan,2001/01/02,2001-01-02T03:04:05Z\n1e3,-inf, 2001-01-02 ,2001-01-02\n"
        "0x10,+1.5,\"2001-01-02\",\"2001-01-02 03:04:05.1234567\"\n1_000,.5,epoch,infinity\n\"7\",\"\",,\n");
  const std::vector<Column> columns = {{"b", "BIGINT"}, {"d", "DOUBLE"}, {"day", "DATE"}, {"at", "TIMESTAMP"}};
  dialect_.columns = 4;
  const auto input = Open(columns, 20);
  EXPECT_EQ(Difference("FROM rows", Theirs(columns)), 0);
}

TEST_F(FileScan, ABadValueIsAnErrorThatSaysWhere) {
  Write("k,v\n1,2\n3,four\n");
  dialect_.columns = 2;
  const auto input = Open({{"k", "BIGINT"}, {"v", "BIGINT"}}, 1 << 20);
  EXPECT_EQ(Number("SELECT sum(k)::BIGINT FROM rows"), 4);  // the column that nobody reads may hold anything
  const auto result = connection_->Run("SELECT sum(v) FROM rows");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.status().message(), HasSubstr(path_ + ": line 3, byte 10: column \"v\" (BIGINT): 'four' is no such value"));
}

}  // namespace
}  // namespace millrace::sql
