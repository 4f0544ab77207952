#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/worker/mapreduce/local_job.h"
#include "worker/lake/manifest.h"

namespace millrace::mapreduce {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const char* const kFlightsJob = R"j({
  "inputs": {"flights": {"path": "lake/raw/"}, "airports": {"path": "data/airports.csv"}},
  "map": "SELECT f.date::DATE AS day, a.state, f.origin AS airport, f.delay FROM flights f JOIN airports a ON f.origin = a.iata",
  "aggregate": {"by": ["day", "state", "airport"],
                "select": {"flights": "count(*)", "total_delay": "sum(delay)", "worst": "max(delay)", "mean": "avg(delay)",
                           "late": "count(*) FILTER (WHERE delay > 15)"}},
  "reduce": "SELECT *, total_delay / flights AS avg_delay FROM shuffled",
  "output": {"path": "lake/gold/"},
  "checks": ["row_count > 0", "not_null(state)"]})j";

class Flights : public LocalJob {
 protected:
  void SetUp() override {
    LocalJob::SetUp();
    std::filesystem::create_directories(Path("lake/raw"));
    std::filesystem::create_directories(Path("data"));
    std::filesystem::copy_file(MILLRACE_SAMPLE_DATA "/airports.csv", Path("data/airports.csv"));
    for (int i = 0; i < 4; ++i) {
      Sql("COPY (SELECT * FROM '" MILLRACE_SAMPLE_DATA "/flights-3m.parquet' WHERE date::DATE = DATE '2001-03-01' AND hash(origin, delay) % 4 = " +
          std::to_string(i) + ") TO '" + Path("lake/raw/part-" + std::to_string(i) + ".parquet") + "'");
    }
  }
  std::string Expected() const {
    return "SELECT f.date::DATE AS day, a.state, f.origin AS airport, count(*) AS flights, sum(delay) AS total_delay, max(delay) AS worst, "
           "avg(delay) AS mean, count(*) FILTER (WHERE delay > 15) AS late, total_delay / flights AS avg_delay FROM read_parquet('" +
           Path("lake/raw/*.parquet") + "') f JOIN '" + Path("data/airports.csv") + "' a ON f.origin = a.iata GROUP BY ALL";
  }
};

class FlightsInto : public Flights, public testing::WithParamInterface<int> {};

TEST_P(FlightsInto, PartitionsEqualsOnePlainQuery) {
  RunDistributed(kFlightsJob, GetParam());
  EXPECT_GT(Sql("SELECT count(*) FROM (" + Expected() + ")").Integer(0, 0), 100);
  EXPECT_EQ(Difference(Published("lake/gold"), Expected()), 0);
}
INSTANTIATE_TEST_SUITE_P(Counts, FlightsInto, testing::Values(1, 3, 8));

TEST_F(Flights, AFusedJobEqualsOnePlainQuery) {
  RunFused(kFlightsJob);
  EXPECT_EQ(Difference(Published("lake/gold"), Expected()), 0);
}

TEST_F(Flights, ThePlanBroadcastsTheSmallSideAndCombines) {
  const JobPlan plan = Plan(kFlightsJob);
  ASSERT_THAT(plan.inputs, SizeIs(2));
  EXPECT_FALSE(plan.inputs[0].broadcast);
  EXPECT_TRUE(plan.inputs[1].broadcast);
  EXPECT_THAT(plan.splits, SizeIs(4));
  EXPECT_THAT(plan.stages[0].steps.back().code.sql, AllOf(HasSubstr("GROUP BY"), HasSubstr("mean.sum")));
  EXPECT_THAT(plan.stages[0].keys, ElementsAre("day", "state", "airport"));
  EXPECT_GT(plan.input_bytes, 0);
}

TEST_F(Flights, AnOuterJoinAsksForTheBroadcastSide) {
  std::string with = kFlightsJob;
  with.replace(with.find("f JOIN"), 6, "f LEFT JOIN");
  EXPECT_THAT(PlanError(with).message(), AllOf(HasSubstr("read: broadcast"), HasSubstr("'airports'")));
  with.replace(with.find("airports.csv\""), 13, "airports.csv\", \"read\": \"broadcast\"");
  EXPECT_EQ(PlanError(with), OkStatus());
}

TEST_F(Flights, OneReduceTaskOverSeveralPartitionsWritesOneFile) {
  const JobPlan plan = Plan(kFlightsJob);
  Map(kFlightsJob, plan, 8, 2);
  const auto whole = ReduceSome(kFlightsJob, plan, 0, 8, 2);
  ASSERT_TRUE(whole.ok()) << whole.status().ToString();
  EXPECT_THAT(whole->files, SizeIs(1));
  ASSERT_TRUE(Publish(kFlightsJob, {.files = whole->files, .output = plan.output}).ok());
  EXPECT_EQ(Difference(Published("lake/gold"), Expected()), 0);
}

TEST_F(Flights, ALostMapIsNamedAndNothingIsWritten) {
  const JobPlan plan = Plan(kFlightsJob);
  Map(kFlightsJob, plan, 4, 3);
  fetcher_.outputs.erase(1);
  const auto result = ReduceSome(kFlightsJob, plan, 0, 4, 3);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_THAT(result->lost_maps, ElementsAre(LostOutput{0, 1}));
  EXPECT_THAT(result->files, IsEmpty());
}

TEST_F(Flights, ACorruptBlockIsALostMap) {
  const JobPlan plan = Plan(kFlightsJob);
  Map(kFlightsJob, plan, 4, 3);
  fetcher_.corrupt.insert(2);
  const auto result = ReduceSome(kFlightsJob, plan, 0, 4, 3);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_THAT(result->lost_maps, ElementsAre(LostOutput{0, 2}));
}

TEST_F(Flights, AMapThatIsMadeAgainHasTheSameDigest) {
  const JobPlan plan = Plan(kFlightsJob);
  const MapResult first = MapOne(kFlightsJob, plan, 8, 2, 1);
  EXPECT_EQ(MapOne(kFlightsJob, plan, 8, 2, 1).digest, first.digest);
  EXPECT_NE(MapOne(kFlightsJob, plan, 8, 2, 0).digest, first.digest);
  EXPECT_GT(first.input_rows, 0);
}

TEST_F(Flights, AFailingCheckPublishesNothingAndShowsRows) {
  std::string with = kFlightsJob;
  with.replace(with.find("row_count > 0"), 13, "range(worst, 0, 30)");
  const JobPlan plan = Plan(with);
  Map(with, plan, 2, 1);
  const PublishWork work = Reduce(with, plan, 2, 1);
  const auto published = Publish(with, work);
  ASSERT_FALSE(published.ok());
  EXPECT_EQ(published.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(published.status().message(), HasSubstr("range(worst, 0, 30)"));
  EXPECT_THAT(log_, HasSubstr("2001-03-01"));
  EXPECT_FALSE(std::filesystem::exists(Path("lake/gold")));
}

TEST_F(Flights, PublishingAgainChangesNothing) {
  const JobPlan plan = Plan(kFlightsJob);
  Map(kFlightsJob, plan, 2, 1);
  const PublishWork work = Reduce(kFlightsJob, plan, 2, 1);
  const auto first = Publish(kFlightsJob, work);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const auto again = Publish(kFlightsJob, work);  // its report was lost; the staging folder is gone
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->files, first->files);
  EXPECT_EQ(again->checks, first->checks);
  EXPECT_EQ(Difference(Published("lake/gold"), Expected()), 0);
  const auto manifest = lake::ReadManifest(Path("lake/gold"));
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->files, first->files);
}

TEST_F(Flights, ACancelledAttemptEndsCancelled) {
  const JobPlan plan = Plan(kFlightsJob);
  cancellation_.Cancel();
  const auto result = ReduceSome(kFlightsJob, plan, 0, 1, 1);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), Code::kCancelled);
}

// A table outside of TEMP, which no attempt makes, tells instances apart.
TEST_F(LocalJob, AnInstanceGoesToTheNextAttemptUnlessAStatementFailedOrWasCancelled) {
  const auto open = [&](Cancellation* cancellation) {
    Site site = MakeSite(R"({"inputs": {"a": {"path": "a/"}}, "map": "FROM a", "output": {"path": "out/"}})");
    site.cancellation = cancellation;
    return Database::Open(site).value();
  };
  const auto marked = [](Database& database) {
    return database.connection().Run("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mark'")->Integer(0, 0) == 1;
  };
  auto database = open(nullptr);
  ASSERT_TRUE(database->connection().Run("CREATE TABLE mark(a INTEGER)").ok());
  database.reset();
  database = open(nullptr);
  EXPECT_TRUE(marked(*database)) << "handed on";
  EXPECT_FALSE(database->connection().Run("SELECT error('broken')").ok());
  database.reset();
  database = open(&cancellation_);
  EXPECT_FALSE(marked(*database)) << "a statement had failed";
  ASSERT_TRUE(database->connection().Run("CREATE TABLE mark(a INTEGER)").ok());
  cancellation_.Cancel();
  EXPECT_FALSE(database->connection().Run("SELECT 1").ok());
  database.reset();
  EXPECT_FALSE(marked(*open(nullptr))) << "a statement was cancelled";
}

class SqlJob : public LocalJob {
 protected:
  // A job over generated rows; `more` are its other fields.
  std::string Numbers(const std::string& more) {
    if (!std::filesystem::exists(Path("numbers"))) {
      std::filesystem::create_directories(Path("numbers"));
      Sql("COPY (SELECT i AS id, i % 17 AS k, CASE WHEN i % 5 <> 0 THEN (i * 7 % 1000)::DECIMAL(9,2) / 4 END AS price, i / 3.0 AS x, "
          "i % 3 = 0 AS flag, 'name ' || i % 23 AS name FROM range(20000) t(i)) TO '" +
          Path("numbers/a.parquet") + "' (ROW_GROUP_SIZE 4096)");
    }
    return R"j({"inputs": {"numbers": {"path": "numbers/"}}, "output": {"path": "out/"}, )j" + more + "}";
  }
  std::string Rows() const { return "'" + Path("numbers/a.parquet") + "'"; }
};

TEST_F(SqlJob, EveryDecomposableAggregateEqualsThePlainOne) {
  const std::string list =
      "count(*) AS n, count(price) AS priced, sum(price) AS total, sum(id) AS ids, min(name) AS first_name, max(x) AS top, avg(price) AS "
      "mean, bool_and(flag) AS every, bool_or(flag) AS any_flag, sum(price) FILTER (WHERE flag) AS flagged";
  const std::string with = Numbers(
      R"j("aggregate": {"by": ["k"], "select": {"n": "count(*)", "priced": "count(price)", "total": "sum(price)", "ids": "sum(id)",
      "first_name": "min(name)", "top": "max(x)", "mean": "avg(price)", "every": "bool_and(flag)", "any_flag": "bool_or(flag)",
      "flagged": "sum(price) FILTER (WHERE flag)"}})j");
  EXPECT_THAT(Plan(with).stages.at(0).steps.back().code.sql, HasSubstr("GROUP BY"));
  EXPECT_GT(Plan(with).splits.size(), 3u);  // one a row group
  RunDistributed(with, 5);
  const std::string rounded = "SELECT * REPLACE (round(mean, 6) AS mean) FROM ";
  EXPECT_EQ(Difference(rounded + "(" + Published("out") + ")",
                       rounded + "(SELECT k, " + list + " FROM " + Rows() + " GROUP BY k)"),
            0);
}

TEST_F(SqlJob, ExpressionsOverAggregatesAreCombinedAsWell) {
  const std::vector<std::pair<std::string, std::string>> select = {
      {"total", "CAST(sum(id) AS BIGINT)"},
      {"part", "round(sum(price) / count(*), 2)"},
      {"none", "coalesce(sum(price) FILTER (WHERE price < 0), 0)"},
      {"spread", "max(x) - min(x) + k"},
      {"mean", "round(avg(price) * 2, 3) || ' of ' || (count(price) + 1)"},
      {"kind", "CASE WHEN bool_or(flag) AND count(*) > 1 THEN 'some' ELSE 'none' END"},
      {"sums", "[max(id), Count(*)]"},
      {"quoted", "\"sum\"(id) + length('sum(x)')"},
  };
  std::string fields;
  std::string list;
  for (const auto& [name, expression] : select) {
    fields += (fields.empty() ? "" : ", ") + ToJson(Value(name)) + ": " + ToJson(Value(expression));
    list += ", " + expression + " AS " + name;
  }
  const std::string with = Numbers(R"j("aggregate": {"by": ["k"], "select": {)j" + fields + "}}");
  EXPECT_THAT(Plan(with).stages.at(0).steps.back().code.sql, HasSubstr("GROUP BY"));
  RunDistributed(with, 5);
  EXPECT_EQ(Difference(Published("out"), "SELECT k" + list + " FROM " + Rows() + " GROUP BY k"), 0);
}

TEST_F(SqlJob, WhatCannotBePutTogetherFromStatesKeepsItsRows) {
  for (const std::string expression :
       {"sum(id) + count(DISTINCT name)", "sum(id) + median(x)", "len(list(k)) + count(*)", "sum(id) + (SELECT 1)", "sum(id) + geomean(x)", "max(id, 2)",
        "avg(to_days(id::INTEGER))", "sum(sum(id)) OVER ()", "string_agg(name, ',' ORDER BY id) || count(*)"}) {
    const std::string with =
        Numbers(R"j("aggregate": {"by": ["k"], "select": {"n": "count(*)", "v": )j" + ToJson(Value(expression)) + "}}");
    EXPECT_EQ(Plan(with).stages.at(0).steps.size(), 1u) << expression;
  }
}

TEST_F(SqlJob, AnAggregateWithoutStatesIsComputedAfterTheShuffle) {
  const std::string with = Numbers(R"j("aggregate": {"by": ["k"], "select": {"names": "count(DISTINCT name)", "mid": "median(x)"}})j");
  EXPECT_EQ(Plan(with).stages.at(0).steps.size(), 1u) << "nothing is combined";
  RunDistributed(with, 3);
  EXPECT_EQ(Difference(Published("out"), "SELECT k, count(DISTINCT name) AS names, median(x) AS mid FROM " + Rows() + " GROUP BY k"), 0);
}

TEST_F(SqlJob, AuthorsOwnCombineMergeAndReduceDistributedAndFused) {
  const std::string with = Numbers(
      R"j("shuffle": {"by": ["k"]}, "combine": "SELECT k, sum(id)::BIGINT AS s FROM mapped GROUP BY k",
          "merge": "SELECT k, sum(s)::BIGINT AS s FROM shuffled GROUP BY k", "reduce": "SELECT k, s + 1 AS s1 FROM shuffled")j");
  const std::string expected = "SELECT k, sum(id) + 1 AS s1 FROM " + Rows() + " GROUP BY k";
  RunDistributed(with, 4);
  EXPECT_EQ(Difference(Published("out"), expected), 0);
  RunFused(with);
  EXPECT_EQ(Difference(Published("out"), expected), 0);
}

TEST_F(SqlJob, RowsWithoutAnAggregateArriveOnce) {
  const std::string with = Numbers(R"j("map": "SELECT id, name FROM numbers WHERE flag")j");
  RunDistributed(with, 1);
  EXPECT_EQ(Difference(Published("out"), "SELECT id, name FROM " + Rows() + " WHERE flag"), 0);
}

TEST_F(SqlJob, PartitionByMakesAFolderAValue) {
  std::string with = Numbers(R"j("aggregate": {"by": ["k", "name"], "select": {"n": "count(*)"}})j");
  with.replace(with.find(R"j("out/")j"), 6, R"j("out/", "partition_by": ["k"])j");
  RunDistributed(with, 2);
  EXPECT_TRUE(std::filesystem::exists(Path("out/k=16")));
  EXPECT_EQ(Difference("SELECT k, name, n FROM (" + Published("out") + ")",
                       "SELECT k, name, count(*) AS n FROM " + Rows() + " GROUP BY ALL"),
            0);
}

TEST_F(SqlJob, CsvAndJsonLinesAreReadWithTypesPinnedAndTextIsWritten) {
  Write("in/a.csv", "id;word;note\n1;a;NA\n2;b;\"x;y\"\n");
  Write("in/b.csv", "id;word;note\n3;a;\n");
  const std::string csv = R"j({"inputs": {"t": {"path": "in/", "null": "NA"}}, "aggregate": {"by": ["word"], "select": {"ids": "sum(id)",
    "notes": "count(note)"}}, "output": {"path": "out/", "format": "text"}})j";
  const JobPlan plan = Plan(csv);
  EXPECT_THAT(plan.inputs[0].columns, ElementsAre(Column{"id", "BIGINT"}, Column{"word", "VARCHAR"}, Column{"note", "VARCHAR"}));
  RunDistributed(csv, 1, 2);
  std::ifstream file(Path("out/part-00000.txt"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(text, AllOf(HasSubstr("a\t4\t1\n"), HasSubstr("b\t2\t1\n"), SizeIs(12)));

  Write("lines/a.jsonl", "{\"k\": 1, \"v\": \"x\"}\n{\"k\": 2}\n");
  Write("lines/b.jsonl", "{\"k\": 1, \"v\": \"y\"}\n");
  RunDistributed(R"j({"inputs": {"t": {"path": "lines/"}}, "aggregate": {"by": ["k"], "select": {"n": "count(v)"}}, "output": {"path": "json/"}})j", 2);
  EXPECT_EQ(Difference(Published("json"), "SELECT 1 AS k, 2 AS n UNION ALL SELECT 2, 0"), 0);
}

TEST_F(SqlJob, TextIsReadALineARow) {
  Write("text/a.txt", "one \"two\n\nthree,four\nlast");
  RunDistributed(R"j({"inputs": {"t": {"path": "text/"}}, "map": "SELECT line, length(line) AS n FROM t", "output": {"path": "out/"}})j", 1);
  EXPECT_EQ(Difference(Published("out"), "SELECT unnest(['one \"two', '', 'three,four', 'last']) AS line, unnest([8, 0, 10, 4]) AS n"), 0);
}

struct Refused {
  const char* fields;
  Code code;
  std::vector<const char*> message;
};

TEST_F(SqlJob, WhatCannotRunIsRefusedBeforeAnythingRuns) {
  const Refused cases[] = {
      {R"j("map": "SELECT nosuch FROM numbers")j", Code::kInvalidArgument, {"map:", "nosuch", "LINE 1"}},
      {R"j("map": "SELECT id FROM numbers; DROP TABLE x")j", Code::kInvalidArgument, {"map:", "one SELECT"}},
      {R"j("map": "SELEC id FROM numbers")j", Code::kInvalidArgument, {"map:", "SELEC"}},
      {R"j("map": "SELECT id, random() AS r FROM numbers")j", Code::kInvalidArgument, {"random()", "another value"}},
      {R"j("map": "SELECT id, current_date AS d FROM numbers")j", Code::kInvalidArgument, {"current_date", "another value"}},
      {R"j("map": "SELECT * FROM read_csv('x.csv')")j", Code::kInvalidArgument, {"read_csv", "'inputs'"}},
      {R"j("map": "SELECT * FROM 'x.parquet'")j", Code::kInvalidArgument, {"x.parquet", "'inputs'"}},
      {R"j("map": "SELECT id, k AS id FROM numbers")j", Code::kInvalidArgument, {"two columns"}},
      {R"j("aggregate": {"by": ["kk"], "select": {"n": "count(*)"}})j", Code::kInvalidArgument, {"kk"}},
      {R"j("aggregate": {"by": ["k"], "select": {"n": "sum(nosuch)"}})j", Code::kInvalidArgument, {"aggregate", "nosuch"}},
      {R"j("shuffle": {"by": ["k"]}, "reduce": "SELECT y FROM shuffled")j", Code::kInvalidArgument, {"reduce", "y"}},
  };
  for (const Refused& refused : cases) {
    const Status status = PlanError(Numbers(refused.fields));
    EXPECT_EQ(status.code(), refused.code) << refused.fields;
    for (const char* part : refused.message) EXPECT_THAT(status.message(), HasSubstr(part)) << refused.fields;
  }
}

TEST_F(SqlJob, AMissingOrBrokenInputMayPass) {
  const Status missing = PlanError(R"j({"inputs": {"t": {"path": "nowhere/"}}, "output": {"path": "out/"}})j");
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_THAT(missing.message(), HasSubstr("input 't'"));
  Write("bad/a.parquet", "PAR1 not really");
  const Status broken = PlanError(R"j({"inputs": {"t": {"path": "bad/"}}, "output": {"path": "out/"}})j");
  EXPECT_EQ(broken.code(), Code::kFailedPrecondition);
  EXPECT_THAT(broken.message(), HasSubstr("input 't'"));
}

}  // namespace
}  // namespace millrace::mapreduce
