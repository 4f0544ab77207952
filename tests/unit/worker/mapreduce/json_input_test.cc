#include "worker/mapreduce/json_input.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/unit/worker/mapreduce/local_job.h"
#include "worker/lake/staging.h"
#include "worker/mapreduce/csv_input.h"
#include "worker/mapreduce/inputs.h"
#include "worker/readers/boundaries.h"

namespace millrace::mapreduce {
namespace {

using testing::HasSubstr;

class JsonInput : public LocalJob {
 protected:
  StatusOr<InputFacts> Find(const InputSpec& spec) { return FindInput(*connection_, root_, spec); }
  InputFacts Found(const std::string& path) {
    const auto facts = Find({.name = "rows", .path = path});
    EXPECT_TRUE(facts.ok()) << facts.status().ToString();
    return facts.ok() ? *facts : InputFacts{};
  }
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
  std::string DuckDb(const std::string& path) const {
    return "FROM read_json(" + sql::QuoteText(Path(path)) + ", format='newline_delimited')";
  }
};

// Lines as programs write them: each file with its own members, order, blanks, holes and types, some of them nested.
class RandomJson {
 public:
  explicit RandomJson(unsigned seed) : random_(seed) {}
  unsigned Below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  std::string Make() {
    const unsigned columns = 1 + Below(6);
    std::vector<unsigned> kinds;
    for (unsigned i = 0; i < columns; ++i) kinds.push_back(Below(11));
    blanks_ = Below(3) == 0;
    const unsigned holes = Below(3) * 10;
    const std::string newline = Below(3) == 0 ? "\r\n" : "\n";
    std::string text;
    const unsigned rows = 3 + Below(150);
    for (unsigned row = 0; row < rows; ++row) {
      std::vector<unsigned> order;
      for (unsigned i = 0; i < columns; ++i) order.insert(order.begin() + Below(static_cast<unsigned>(order.size()) + 1), i);
      if (Below(4) != 0) std::sort(order.begin(), order.end());
      std::string line;
      for (const unsigned i : order) {
        if (row > 0 && Below(100) < holes) continue;
        line += (line.empty() ? "" : "," + Blank()) + "\"m" + std::to_string(i) + "\"" + Blank() + ":" + Blank() +
                (row > 0 && Below(100) < holes ? "null" : Value(kinds[i])) + Blank();
      }
      text += Blank() + "{" + line + "}";
      if (row + 1 < rows || Below(2) == 0) text += newline;
      if (Below(20) == 0) text += newline;
    }
    return text;
  }

 private:
  std::string Blank() { return blanks_ && Below(4) == 0 ? " " : ""; }
  std::string Value(unsigned kind) {
    const std::string number = std::to_string(Below(100'000));
    const auto two = [this](unsigned limit) { return std::to_string(10 + Below(limit)); };
    const std::string date = std::to_string(1950 + Below(100)) + "-0" + std::to_string(1 + Below(9)) + "-" + two(18);
    switch (kind) {
      case 0: return (Below(2) == 0 ? "-" : "") + number;
      case 1: return number + "." + std::to_string(Below(1000)) + (Below(5) == 0 ? "e-3" : "");
      case 2: return Below(2) == 0 ? "true" : "false";
      case 3: return "\"" + date + "\"";
      case 4: return "\"" + date + " " + two(13) + ":" + two(49) + ":" + two(49) + "\"";
      case 5: return Below(2) == 0 ? number : number + ".5";
      case 6: return "[" + number + "," + Blank() + number + "]";
      case 7: return "{\"x\":" + Blank() + number + ",\"y\":" + String() + "}";
      case 8: return "[{\"z\":[" + String() + "]}]";
      case 9: return "\"" + two(13) + ":" + two(49) + ":" + two(49) + "\"";
      default: return String();
    }
  }
  std::string String() {
    const std::string parts[] = {"a", "\\\"", "\\n", "\\u00e9", "é€", "some longer text than twelve", "7", "\\\\", "/", " "};
    std::string text = "\"x";
    for (unsigned i = Below(5); i > 0; --i) text += parts[Below(std::size(parts))];
    return text + "\"";
  }
  std::mt19937 random_;
  bool blanks_ = false;
};

TEST_F(JsonInput, HasTheColumnsAndRowsOfDuckDbsReaderHoweverTheFileIsWrittenAndCut) {
  int own = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    RandomJson random(seed);
    const std::string text = random.Make();
    Write("rows.jsonl", text);
    Sql("CREATE OR REPLACE TEMP TABLE theirs AS " + DuckDb("rows.jsonl"));
    const InputFacts facts = Found("rows.jsonl");
    ASSERT_EQ(facts.columns, connection_->Describe("FROM theirs").value()) << "seed " << seed;
    own += facts.own_reader ? 1 : 0;
    for (const std::uint64_t bytes : {std::uint64_t{1} << 30, std::uint64_t{random.Below(300) + 20}}) {
      const InputViews views = View(facts, bytes);
      ASSERT_EQ(Difference("FROM rows", "FROM theirs"), 0) << "seed " << seed << ", splits of " << bytes << "\n" << text;
      ASSERT_TRUE(!facts.own_reader || views.rows() > 0);
    }
  }
  EXPECT_GT(own, 50);
}

TEST_F(JsonInput, TheAuthorsColumnsAreReadAndNoOthers) {
  Write("a.jsonl", "{\"k\":\"7\",\"day\":\"2001-01-02\",\"s\":{\"x\":[1]}}\n{\"k\":8,\"rest\":nonsense}\n");
  const auto facts = Find({.name = "rows", .path = "a.jsonl", .columns = {{"k", "int"}, {"day", "date"}, {"s", "struct(x int[])"}}});
  ASSERT_TRUE(facts.ok()) << facts.status().ToString();
  EXPECT_TRUE(facts->own_reader);
  EXPECT_EQ(facts->columns, (std::vector<Column>{{"k", "INTEGER"}, {"day", "DATE"}, {"s", "STRUCT(\"x\" INTEGER[])"}}));
  const InputViews views = View(*facts, 4);
  EXPECT_EQ(Sql("SELECT sum(k)::BIGINT * 10 + count(*) FILTER (day = DATE '2001-01-02' AND s.x[1] = 1) FROM rows").Integer(0, 0), 151);
}

TEST_F(JsonInput, WhatOurReaderDoesNotDoDuckDbsDoesAndTheReasonIsTold) {
  std::string dates;
  for (int i = 10; i < 28; ++i) dates += "{\"d\":\"" + std::to_string(i) + "-03-2001\"}\n";
  struct Case {
    std::string text;
    std::string reason;
  };
  const Case cases[] = {{"[1,2]\n[3]\n", "its lines may be no objects"}};
  for (const Case& one : cases) {
    Write("a.jsonl", one.text);
    const InputFacts facts = Found("a.jsonl");
    EXPECT_EQ(facts.reader_reason, one.reason) << one.text;
    const InputViews views = View(facts, 100);
    EXPECT_EQ(Difference("FROM rows", DuckDb("a.jsonl")), 0) << one.text;
  }
  Write("a.jsonl", dates);  // not as ISO 8601 has them: texts
  EXPECT_EQ(Found("a.jsonl").columns, (std::vector<Column>{{"d", "VARCHAR"}}));
  Write("a.jsonl", "{\"day\":1,\"Day\":2}\n");
  EXPECT_THAT(Find({.name = "rows", .path = "a.jsonl"}).status().message(), HasSubstr("the member 'Day' differs in case alone"));
  const auto one = Find({.name = "rows", .path = "a.jsonl", .columns = {{"Day", "BIGINT"}}});
  const InputViews views = View(*one, 100);
  EXPECT_EQ(Sql("SELECT \"Day\" FROM rows").Integer(0, 0), 2);
}

constexpr const char* kSum = R"j("map": "SELECT k % 10 AS g, v FROM rows",
  "aggregate": {"by": ["g"], "select": {"n": "count(*)", "total": "sum(v)"}}, "output": {"path": "out/"}})j";

TEST_F(JsonInput, AJobReadsItsFilesInManySplitsOnceEachAndCountsTheirRows) {
  std::filesystem::create_directories(Path("in"));
  Sql("COPY (SELECT i AS k, i * 2 AS v, 'text, ' || i AS s FROM range(200000) t(i)) TO " + sql::QuoteText(Path("in/big.jsonl")) +
      " (FORMAT json)");
  const std::string job = std::string(R"j({"inputs": {"rows": {"path": "in/"}}, )j") + kSum;
  EXPECT_GT(Plan(job).splits.size(), 3u);
  const std::string expected = "SELECT i % 10 AS g, count(*) AS n, sum(i * 2) AS total FROM range(200000) t(i) GROUP BY g";
  RunDistributed(job, 3);
  EXPECT_EQ(Difference(Published("out/"), expected), 0);
  EXPECT_THAT(report_, HasSubstr("\"input_rows\":200000"));
  RunFused(job);
  EXPECT_EQ(Difference(Published("out/"), expected), 0);
}

// Every tenth record of both kinds is bad; those are beside the output, once each.
TEST_F(JsonInput, RecordsThatCannotBeReadAreSkippedUpToALimitAndPublishedWithPlaceAndReason) {
  std::string json;
  std::string csv = "k,v\n";
  std::vector<std::size_t> offsets;
  for (int i = 0; i < 1000; ++i) {
    const std::string k = std::to_string(i);
    if (i % 10 == 9) offsets.push_back(json.size());
    json += i % 10 == 9 ? "{\"k\":" + k + ",\"v\":\"none\"}\n" : "{\"k\":" + k + ",\"v\":1}\n";
    csv += i % 10 == 9 ? k + ",none\n" : k + ",1\n";
  }
  Write("a.jsonl", json);
  Write("a.csv", csv);
  const std::string expected = "SELECT i % 10 AS g, count(*) AS n, sum(1) AS total FROM range(1000) t(i) WHERE i % 10 <> 9 GROUP BY g";
  for (const char* file : {"a.jsonl", "a.csv"}) {
    const auto job = [&](int limit) {
      return R"j({"inputs": {"rows": {"path": ")j" + std::string(file) + R"j(", "columns": {"k": "BIGINT", "v": "BIGINT"}, "bad_rows": {"limit": )j" +
             std::to_string(limit) + R"j(, "path": "bad/"}}}, )j" + kSum;
    };
    RunDistributed(job(100), 3);
    EXPECT_EQ(Difference(Published("out/"), expected), 0) << file;
    EXPECT_THAT(report_, HasSubstr("\"bad_rows\":100"));
    EXPECT_THAT(report_, HasSubstr("\"name\":\"bad rows of rows\""));
    const auto bad = lake::InputFiles(root_, "bad/");
    ASSERT_TRUE(bad.ok()) << bad.status().ToString();
    ASSERT_EQ(bad->size(), 1u);
    const std::string read = "FROM read_json(" + sql::QuoteText(bad->front()) + ")";
    EXPECT_EQ(Sql("SELECT count(*) " + read + " WHERE reason = 'column \"v\" (BIGINT): ' || CASE WHEN text LIKE '{%' THEN '\"none\"' ELSE "
                  "'''none''' END || ' is no such value' AND ends_with(path, " + sql::QuoteText(file) + ")").Integer(0, 0), 100);
    if (std::string(file) == "a.jsonl") {
      EXPECT_EQ(Sql("SELECT count(DISTINCT \"offset\") " + read + " WHERE text = '{\"k\":' || regexp_extract(text, '[0-9]+') || ',\"v\":\"none\"}'").Integer(0, 0), 100);
      EXPECT_EQ(Sql("SELECT max(\"offset\") " + read).Integer(0, 0), static_cast<std::int64_t>(offsets.back()));
    }
    RunFused(job(100));
    EXPECT_EQ(Difference(Published("out/"), expected), 0) << file;
    const JobPlan plan = Plan(job(99));
    const auto over = RunFusedTask(MakeSite(job(99)), {.plan = plan});
    EXPECT_EQ(over.status().code(), Code::kInvalidArgument);
    EXPECT_THAT(over.status().message(), HasSubstr("input 'rows': more than 99 records cannot be read"));
  }
}

TEST_F(JsonInput, ABadRecordThatEveryTaskReadsCountsOnceAndMoreThanTheLimitAreNotPublished) {
  Sql("COPY (SELECT i AS k, i % 3 AS g FROM range(100000) t(i)) TO " + sql::QuoteText(Path("big.csv")));
  Write("names.jsonl", "{\"g\":0,\"name\":\"a\"}\nbroken\n{\"g\":1,\"name\":\"b\"}\n");
  const auto job = [](const char* bad) {
    return R"j({"inputs": {"rows": {"path": "big.csv"}, "names": {"path": "names.jsonl", "read": "broadcast", "bad_rows": )j" + std::string(bad) +
           R"j(}}, "map": "SELECT name, k FROM rows JOIN names USING (g)", "shuffle": {"by": ["name"]}, "mode": "distributed",
           "reduce": "SELECT name, count(*) AS n FROM shuffled GROUP BY name", "output": {"path": "out/"}})j";
  };
  RunDistributed(job(R"j({"limit": 1, "path": "bad/"})j"), 2);
  EXPECT_EQ(Sql("SELECT sum(n)::BIGINT FROM (" + Published("out/") + ")").Integer(0, 0), 66'667);
  EXPECT_EQ(Sql("SELECT count(*) FROM read_json(" + sql::QuoteText(lake::InputFiles(root_, "bad/")->front()) + ")").Integer(0, 0), 1);
  // Two tasks that found one each are over a limit that neither is.
  const std::string one = job(R"j({"limit": 1, "path": "bad/"})j");
  Write("bad1", "{\"input\":\"names\",\"path\":\"x\",\"offset\":1,\"reason\":\"r\",\"text\":\"t\"}\n");
  Write("bad2", "{\"input\":\"names\",\"path\":\"x\",\"offset\":2,\"reason\":\"r\",\"text\":\"t\"}\n");
  const Site site = MakeSite(one);
  const std::string staging = lake::MakeStaging(root_, site.job_folder, site.fence).value();
  PublishWork work;
  for (const char* name : {"bad1", "bad2"}) {
    std::filesystem::rename(Path(name), staging + "/" + name);
    work.files.push_back(lake::Seal(lake::StagingFolder(root_, site.job_folder), ToString(site.fence) + "/" + name, 1).value());
    work.files.back().output = std::string(kBadRowsOf) + "names";
  }
  const auto published = RunPublishTask(site, work, {"s", "dag", "run", "task"});
  EXPECT_THAT(published.status().message(), HasSubstr("2 records of input 'names' cannot be read, and bad_rows allows 1"));
}

TEST_F(JsonInput, CompressedFilesOfEveryFormatAreReadAsTheirRowsWere) {
  const std::string rows = "SELECT i AS k, i * 3 AS v, 'text \"' || i AS s FROM range(30000) t(i)";
  std::filesystem::create_directories(Path("in"));
  for (const auto& [format, extension] : {std::pair<std::string, std::string>{"csv", "csv"}, {"json", "jsonl"}}) {
    for (const auto& [codec, suffix] : {std::pair<std::string, std::string>{"gzip", "gz"}, {"zstd", "zst"}}) {
      const std::string name = "in/a." + extension + "." + suffix;
      Sql("COPY (" + rows + ") TO " + sql::QuoteText(Path(name)) + " (FORMAT " + format + ", COMPRESSION " + codec + ")");
      const InputFacts facts = Found(name);
      EXPECT_TRUE(facts.own_reader) << facts.reader_reason;
      const InputViews views = View(facts, 1000);
      EXPECT_EQ(Difference("FROM rows", rows), 0) << name;
      const std::string job = R"j({"inputs": {"rows": {"path": ")j" + name + R"j("}}, )j" + kSum;
      EXPECT_EQ(Plan(job).splits.size(), 1u);
      RunDistributed(job, 2);
      EXPECT_EQ(Difference(Published("out/"), "SELECT k % 10 AS g, count(*) AS n, sum(v) AS total FROM (" + rows + ") GROUP BY g"), 0) << name;
    }
  }
  Sql("COPY (SELECT 'line ' || i FROM range(1000) t(i)) TO " + sql::QuoteText(Path("a.txt.zst")) + " (FORMAT csv, HEADER false, COMPRESSION zstd)");
  const InputViews views = View(Found("a.txt.zst"), 10);
  EXPECT_EQ(Sql("SELECT count(DISTINCT line) FROM rows WHERE line LIKE 'line %'").Integer(0, 0), 1000);
}

}  // namespace
}  // namespace millrace::mapreduce
