#include "worker/mapreduce/csv_input.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/unit/worker/mapreduce/local_job.h"
#include "worker/mapreduce/inputs.h"
#include "worker/readers/boundaries.h"

namespace millrace::mapreduce {
namespace {

using testing::HasSubstr;

class CsvInput : public LocalJob {
 protected:
  StatusOr<InputFacts> Find(const InputSpec& spec) { return FindInput(*connection_, root_, spec); }
  InputFacts Found(const std::string& path) {
    const auto facts = Find({.name = "rows", .path = path});
    EXPECT_TRUE(facts.ok()) << facts.status().ToString();
    return facts.ok() ? *facts : InputFacts{};
  }
  // The view `rows`, cut so that each split has about so many bytes.
  InputViews View(const InputFacts& facts, std::uint64_t split_bytes) {
    std::vector<Split> splits;
    for (const std::string& path : facts.paths) {
      if (!facts.own_reader) {
        splits.push_back({facts.name, path, 0, 0, 0});
        continue;
      }
      const auto pieces = readers::CutFile(ReaderDialect(facts), path, split_bytes);
      EXPECT_TRUE(pieces.ok()) << pieces.status().ToString();
      for (const auto& piece : *pieces) {
        splits.push_back({facts.name, path, static_cast<std::int64_t>(piece.begin), static_cast<std::int64_t>(piece.end), 0});
      }
    }
    InputViews views;
    const Status made = CreateInputView(*connection_, {.name = facts.name}, facts, splits, views);
    EXPECT_TRUE(made.ok()) << made.ToString();
    return views;
  }
  std::string DuckDb(const std::string& path) const { return "FROM read_csv(" + sql::QuoteText(Path(path)) + ")"; }
};

// Files as programs write them: each with its own delimiter, line ends, quoting, header, types and holes.
class RandomCsv {
 public:
  explicit RandomCsv(unsigned seed) : random_(seed) {}
  unsigned Below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  std::string Make() {
    const char delimiter = ",;|\t"[Below(4)];
    const std::string newline = Below(3) == 0 ? "\r\n" : "\n";
    const bool header = Below(4) != 0;
    const unsigned columns = 2 + Below(5);
    quote_all_ = Below(4) == 0;
    holes_ = Below(3) * 5;
    std::vector<unsigned> kinds;
    for (unsigned i = 0; i < columns; ++i) kinds.push_back(i == 0 ? 0 : Below(9));
    std::string text = Below(8) == 0 ? "\xef\xbb\xbf" : "";
    for (unsigned i = 0; header && i < columns; ++i) text += (i == 0 ? "" : std::string(1, delimiter)) + "name" + std::to_string(i);
    if (header) text += newline;
    const unsigned rows = 3 + Below(200);
    for (unsigned row = 0; row < rows; ++row) {
      for (unsigned i = 0; i < columns; ++i) {
        if (i != 0) text += delimiter;
        if (i == 0 || Below(100) >= holes_) text += Field(kinds[i], delimiter);
      }
      if (row + 1 < rows || Below(2) == 0) text += newline;
    }
    return text;
  }

 private:
  std::string Field(unsigned kind, char delimiter) {
    const std::string number = std::to_string(Below(100'000));
    const auto two = [this](unsigned limit) { return std::to_string(10 + Below(limit)); };
    const std::string date = std::to_string(1950 + Below(100)) + "-0" + std::to_string(1 + Below(9)) + "-" + two(18);
    switch (kind) {
      case 0: return Plain(number);
      case 1: return Plain((Below(2) == 0 ? "-" : "") + number + "." + std::to_string(Below(1000)));
      case 2: return Plain(Below(2) == 0 ? "true" : "false");
      case 3: return Plain(date);
      case 4: return Plain(date + " " + two(13) + ":" + two(49) + ":" + two(49));
      case 5: return Plain(number + number + number);
      case 6: return Plain(two(13) + ":" + two(49) + ":" + two(49));
      case 7: return Plain("word" + number);
      default: return Quoted(delimiter);
    }
  }
  std::string Plain(const std::string& text) const { return quote_all_ ? "\"" + text + "\"" : text; }
  std::string Quoted(char delimiter) {
    const std::string parts[] = {"a", std::string(1, delimiter), "\n", "\"\"", " ", "é€", "some longer text than twelve", "7"};
    std::string field = "\"x";
    for (unsigned i = Below(5); i > 0; --i) field += parts[Below(std::size(parts))];
    return field + "\"";
  }
  std::mt19937 random_;
  bool quote_all_ = false;
  unsigned holes_ = 0;  // of a hundred
};

TEST_F(CsvInput, HasTheColumnsAndRowsOfDuckDbsReaderHoweverTheFileIsWrittenAndCut) {
  int own = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    RandomCsv random(seed);
    const std::string text = random.Make();
    Write("rows.csv", text);
    const auto read = connection_->Run("CREATE OR REPLACE TEMP TABLE theirs AS " + DuckDb("rows.csv"));
    if (!read.ok()) {  // its sniffer finds no dialect
      EXPECT_FALSE(Find({.name = "rows", .path = "rows.csv"}).ok()) << "seed " << seed;
      continue;
    }
    const InputFacts facts = Found("rows.csv");
    ASSERT_EQ(facts.columns, connection_->Describe("FROM theirs").value()) << "seed " << seed;
    own += facts.own_reader ? 1 : 0;
    for (const std::uint64_t bytes : {std::uint64_t{1} << 30, std::uint64_t{random.Below(300) + 20}}) {
      const InputViews views = View(facts, bytes);
      ASSERT_EQ(Difference("FROM rows", "FROM theirs"), 0) << "seed " << seed << ", splits of " << bytes << "\n" << text;
    }
  }
  EXPECT_GT(own, 50);
}

TEST_F(CsvInput, TheAuthorsHeaderNullAndTypesAreFollowed) {
  Write("a.csv", "1;NA;x\n2;5;NA\n");
  const auto facts =
      Find({.name = "rows", .path = "a.csv", .header = false, .delimiter = ";", .null_text = "NA", .columns = {{"column0", "VARCHAR"}}});
  ASSERT_TRUE(facts.ok()) << facts.status().ToString();
  EXPECT_TRUE(facts->own_reader);
  EXPECT_EQ(facts->columns, (std::vector<Column>{{"column0", "VARCHAR"}, {"column1", "BIGINT"}, {"column2", "VARCHAR"}}));
  const InputViews views = View(*facts, 4);
  EXPECT_EQ(Sql("SELECT count(*) FILTER (column1 IS NULL AND column2 = 'x') + 10 * count(*) FILTER (column1 = 5 AND column2 IS NULL) FROM rows")
                .Integer(0, 0),
            11);
}

TEST_F(CsvInput, QuotesFarBehindTheSampleAreQuotes) {
  std::string text = "k,v\n";
  for (int i = 0; i < 30'000; ++i) text += std::to_string(i) + ",plain\n";
  Write("a.csv", text + "30000,\"a,\"\"b\"\"\n\"\n");
  for (const std::uint64_t bytes : {std::uint64_t{1} << 30, std::uint64_t{50'000}}) {
    const InputViews views = View(Found("a.csv"), bytes);
    EXPECT_EQ(Sql("SELECT v FROM rows WHERE k = 30000").Text(0, 0), "a,\"b\"\n");
  }
}

TEST_F(CsvInput, WhereQuotesInTheSampleAreLettersTheyStayLetters) {
  std::string text = "k,v\n";
  for (int i = 0; i < 100; ++i) text += std::to_string(i) + ",\"half\n";
  Write("a.csv", text);
  const InputFacts facts = Found("a.csv");
  EXPECT_TRUE(facts.own_reader);
  const InputViews views = View(facts, 50);
  EXPECT_EQ(Difference("FROM rows", DuckDb("a.csv")), 0);
  EXPECT_EQ(Sql("SELECT count(*) FROM rows WHERE v = '\"half'").Integer(0, 0), 100);
}

TEST_F(CsvInput, WhatOurReaderDoesNotDoDuckDbsDoesAndTheReasonIsTold) {
  struct Case {
    std::string text;
    std::string reason;
  };
  std::string escaped = "k,v\n";
  std::string comments = "k,v\n";
  std::string dates = "k,d\n";
  for (int i = 10; i < 28; ++i) {
    escaped += std::to_string(i) + ",\"a\\\"b,c\"\n";
    comments += std::to_string(i) + ",x\n# a remark\n";
    dates += std::to_string(i) + "," + std::to_string(i) + "/03/2001\n";
  }
  const Case cases[] = {{escaped, "quotes are escaped by \\"},
                        {comments, "it has comments"},
                        {dates, "dates are written as %d/%m/%Y"},
                        {"k,v\r1,x\r2,y\r", "lines end with carriage returns alone"},
                        {"a title, without\nmeaning\n\nk,v,w\n1,2,3\n4,5,6\n7,8,9\n", "lines before the first record are skipped"}};
  for (const Case& one : cases) {
    Write("a.csv", one.text);
    const InputFacts facts = Found("a.csv");
    EXPECT_FALSE(facts.own_reader) << one.text;
    EXPECT_EQ(facts.reader_reason, one.reason);
    const InputViews views = View(facts, 100);
    EXPECT_EQ(Difference("FROM rows", DuckDb("a.csv")), 0) << one.text;
  }
}

TEST_F(CsvInput, FilesOfOneInputMustHaveTheSameHeader) {
  Write("in/a.csv", "k,v\n1,2\n");
  Write("in/b.csv", "\"k\",v\r\n3,4\r\n");
  Write("in/c.csv", "");
  const InputViews views = View(Found("in/"), 100);
  EXPECT_EQ(Sql("SELECT sum(k * 10 + v)::BIGINT FROM rows").Integer(0, 0), 46);
  Write("in/b.csv", "v,k\n3,4\n");
  const auto facts = Find({.name = "rows", .path = "in/"});
  EXPECT_EQ(facts.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(facts.status().message(), HasSubstr("b.csv: column 1 is called 'v', but 'k' in "));
}

TEST_F(CsvInput, ABadRowIsAnErrorThatNamesFileLineAndReason) {
  std::string text = "k,v\n";
  for (int i = 0; i < 30'000; ++i) text += std::to_string(i) + ",1\n";
  Write("a.csv", text + "30000,one\n");
  const char* const job = R"json({"inputs": {"rows": {"path": "a.csv"}}, "map": "SELECT k % 10 AS g, v FROM rows",
    "aggregate": {"by": ["g"], "select": {"total": "sum(v)"}}, "output": {"path": "out/"}})json";
  const JobPlan plan = Plan(job);
  const auto fused = RunFusedTask(MakeSite(job), {.plan = plan});
  ASSERT_FALSE(fused.ok());
  EXPECT_THAT(fused.status().message(), HasSubstr(Path("a.csv") + ": line 30002, byte "));
  EXPECT_THAT(fused.status().message(), HasSubstr("column \"v\" (BIGINT): 'one' is no such value"));
  Write("a.csv", text + "30000\n");
  const auto short_row = RunFusedTask(MakeSite(job), {.plan = Plan(job)});
  ASSERT_FALSE(short_row.ok());
  EXPECT_THAT(short_row.status().message(), HasSubstr("line 30002, byte " + std::to_string(text.size()) + ": a record with 1 fields"));
}

TEST_F(CsvInput, BadRowsAtTheHeadOfFilesHideNeitherTheirHeadersNorTheirColumns) {
  const char* const first[] = {"0,none\n", "1\n", "2,1,2\n", "x3,1\n"};
  for (int file = 0; file < 4; ++file) {
    std::string text = std::string("k,v\n") + first[file];
    for (int i = 4 + file; i < 4000; i += 4) text += i % 40 < 4 ? first[file] : std::to_string(i) + ",1\n";
    Write("in/" + std::to_string(file) + ".csv", text);
  }
  for (const char* columns : {R"(, "columns": {"k": "BIGINT", "v": "BIGINT"})", ""}) {
    if (*columns == '\0') std::filesystem::remove(Path("in/0.csv")), std::filesystem::remove(Path("in/3.csv"));  // a guess would be text
    RunDistributed(R"json({"inputs": {"rows": {"path": "in/", "bad_rows": {"limit": 400, "path": "bad/"})json" + std::string(columns) + R"json(}},
      "map": "SELECT k % 4 AS g, v FROM rows", "aggregate": {"by": ["g"], "select": {"n": "count(*)", "total": "sum(v)"}}, "output": {"path": "out/"}})json", 2);
    EXPECT_EQ(Difference(Published("out/"), std::string("SELECT i % 4 AS g, count(*) AS n, sum(1) AS total FROM range(4, 4000) t(i) WHERE i % 40 >= 4") +
                                                (*columns == '\0' ? " AND i % 4 IN (1, 2)" : "") + " GROUP BY g"), 0) << columns;
  }
  Write("in/2.csv", "k\n1,1\n2,1\n");
  EXPECT_THAT(PlanError(R"json({"inputs": {"rows": {"path": "in/", "header": true, "bad_rows": {"limit": 9, "path": "bad/"}}}, "map": "SELECT k FROM rows",
                        "output": {"path": "out/"}})json").message(), HasSubstr("2.csv: the header is a record with 1 fields instead of 2"));
}

TEST_F(CsvInput, TextIsReadByLinesInSplits) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "line \"" + std::to_string(i) + (i % 3 == 0 ? "\r\n" : "\n");
  Write("a.txt", text + "\n\nlast");
  const InputFacts facts = Found("a.txt");
  EXPECT_TRUE(facts.own_reader);
  const InputViews views = View(facts, 333);
  EXPECT_EQ(Sql("SELECT count(*) FROM rows").Integer(0, 0), 1003);
  EXPECT_EQ(Sql("SELECT count(*) FROM rows WHERE line IN ('line \"0', 'line \"999', 'last') OR line = ''").Integer(0, 0), 5);
}

TEST_F(CsvInput, AJobReadsItsCsvInManySplitsOnceEach) {
  Sql("COPY (SELECT i AS k, i % 7 AS g, 'text, ' || i AS s FROM range(300000) t(i)) TO " + sql::QuoteText(Path("big.csv")));
  Write("names.csv", "g,name\n0,zero\n1,\"one, or so\"\n");
  const std::string job = R"json({"inputs": {"rows": {"path": "big.csv"}, "names": {"path": "names.csv"}},
    "map": "SELECT name, k, s FROM rows JOIN names USING (g)",
    "aggregate": {"by": ["name"], "select": {"n": "count(*)", "total": "sum(k)", "most": "max(s)"}}, "output": {"path": "out/"}})json";
  EXPECT_GT(Plan(job).splits.size(), 3u);
  const std::string expected = "SELECT name, count(*) AS n, sum(k) AS total, max(s) AS most FROM read_csv(" + sql::QuoteText(Path("big.csv")) +
                               ") JOIN read_csv(" + sql::QuoteText(Path("names.csv")) + ") USING (g) GROUP BY name";
  RunDistributed(job, 3);
  EXPECT_EQ(Difference(Published("out/"), expected), 0);
  RunFused(job);
  EXPECT_EQ(Difference(Published("out/"), expected), 0);
}

}  // namespace
}  // namespace millrace::mapreduce
