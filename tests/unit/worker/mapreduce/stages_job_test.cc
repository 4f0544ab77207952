// Jobs of several stages give the rows of plain DuckDB, fused and distributed: over random tables with NULLs,
// hot keys, keys of different types, collations, NaN and -0.0.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/worker/mapreduce/local_job.h"
#include "worker/lake/manifest.h"

namespace millrace::mapreduce {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

struct KeyTypes {
  const char* left;
  const char* right;
};
constexpr KeyTypes kKeyTypes[] = {{"INTEGER", "BIGINT"}, {"DOUBLE", "INTEGER"},  {"DECIMAL(10,2)", "BIGINT"},
                                  {"FLOAT", "DOUBLE"},   {"VARCHAR", "VARCHAR"}, {"VARCHAR", "INTEGER"},
                                  {"DOUBLE", "DOUBLE"}};
constexpr int kSeeds = 7;

class Stages : public LocalJob {
 protected:
  // Tables a (id, k, g, x, s) and b (k, y, t). Every third key is the hot one, every seventh is NULL.
  void MakeTables(int seed) {
    const KeyTypes& types = kKeyTypes[seed % std::size(kKeyTypes)];
    const std::string salt = std::to_string(seed);
    const auto key = [&](const std::string& type, const std::string& i, int range) {
      const std::string h = "hash(" + i + ", " + salt + ")";
      std::string number = "CASE WHEN " + h + " % 3 = 0 THEN 7 WHEN " + h + " % 7 = 1 THEN NULL ELSE " + h +
                           " // 11 % " + std::to_string(range) + " END";
      if (type == "DOUBLE" || type == "FLOAT") {
        number = "CASE WHEN " + h + " % 13 = 5 THEN 'NaN'::DOUBLE WHEN " + h +
                 " % 13 = 6 THEN -0.0::DOUBLE WHEN " + h + " % 13 = 7 THEN 0.0::DOUBLE ELSE " + number +
                 " END";
      }
      return "CAST(" + number + " AS " + type + ")";
    };
    const std::string x =
        "CASE hash(i, 'x', " + salt +
        ") % 9 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::DOUBLE WHEN 2 THEN -0.0::DOUBLE WHEN 3 THEN 0.0::DOUBLE "
        "ELSE (hash(i, " +
        salt + ") % 1000)::DOUBLE / 8 END";
    for (int part = 0; part < 3; ++part) {
      const std::string range =
          "range(" + std::to_string(part * 400) + ", " + std::to_string(part * 400 + 400) + ") t(i)";
      Make("a/" + std::to_string(part), "SELECT i AS id, " + key(types.left, "i", 60) +
                                            " AS k, ['red', 'Red', 'green', NULL][(hash(i, 'g', " + salt +
                                            ") % 4)::INTEGER + 1] AS g, " + x + " AS x, 'text ' || hash(i, " +
                                            salt + ") % 40 AS s FROM " + range);
    }
    for (int part = 0; part < 2; ++part) {
      const std::string range =
          "range(" + std::to_string(part * 60) + ", " + std::to_string(part * 60 + 60) + ") t(i)";
      Make("b/" + std::to_string(part),
           "SELECT " + key(types.right, "i + 5000", 90) +
               " AS k, i AS y, upper(['red', 'Blue', 'green'][i % 3 + 1]) AS t FROM " + range);
    }
  }
  void Make(const std::string& name, const std::string& select) {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    Sql("COPY (" + select + ") TO '" + Path(name + ".parquet") + "'");
  }
  std::string A() const { return "read_parquet('" + Path("a/*.parquet") + "')"; }
  std::string B() const { return "read_parquet('" + Path("b/*.parquet") + "')"; }

  static std::string Job(const std::string& stages, const std::string& output = R"j({"path": "out/"})j") {
    return R"j({"inputs": {"a": {"path": "a/", "read": "split"}, "b": {"path": "b/", "read": "split"}}, "output": )j" +
           output + R"j(, "stages": [)j" + stages + "]}";
  }
  static std::string OfA(const std::string& stages, const std::string& output = R"j({"path": "out/"})j") {
    return R"j({"inputs": {"a": {"path": "a/"}}, "output": )j" + output + R"j(, "stages": [)j" + stages +
           "]}";
  }
  // `shown` is what is compared of a row, where a row does not say it exactly.
  void ExpectBothWays(const std::string& with, const std::string& plain, int partitions = 4,
                      const std::string& shown = "*") {
    const std::string expected = Kept("SELECT " + shown + " FROM (" + plain + ")");
    const auto published = [&] { return "SELECT " + shown + " FROM (" + Published("out") + ")"; };
    RunFused(with);
    EXPECT_EQ(Difference(published(), expected), 0) << "fused: " << with;
    RunDistributed(with, partitions);
    EXPECT_EQ(Difference(published(), expected), 0) << "distributed: " << with << report_;
  }
  // What plain DuckDB says, asked once for all that is compared with it.
  std::string Kept(const std::string& plain) {
    Sql("CREATE OR REPLACE TEMP TABLE kept AS " + plain);
    return "FROM kept";
  }
  // What the published files hold, in the order of their names and of their rows.
  std::string InOrder(const std::string& expression) {
    return std::string(Sql("SELECT list(" + expression +
                           " ORDER BY filename, file_row_number)::VARCHAR FROM read_parquet('" +
                           Path("out/*.parquet") + "', filename=true, file_row_number=true)")
                           .Text(0, 0));
  }
  std::int64_t Count(const std::string& select) {
    return Sql("SELECT count(*) FROM (" + select + ")").Integer(0, 0);
  }
};

class SeededStages : public Stages, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    LocalJob::SetUp();
    MakeTables(GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, SeededStages, testing::Range(0, kSeeds));

TEST_P(SeededStages, EveryJoinByEveryStrategyGivesTheRowsOfPlainDuckDb) {
  for (const std::string type : {"inner", "left", "right", "full", "semi", "anti"}) {
    const bool left_only = type == "semi" || type == "anti";
    const std::string select = left_only ? "a.*" : "a.id, a.k AS ak, a.x, b.k AS bk, b.y";
    const std::string plain =
        "SELECT " + select + " FROM " + A() + " a " + type + " JOIN " + B() + " b ON a.k = b.k";
    const std::string expected = Kept(plain);
    ASSERT_GT(Count(expected), 0) << type;
    for (const std::string strategy : {"shuffle", "broadcast", "auto"}) {
      if (type == "full" && strategy == "broadcast") continue;
      const std::string with =
          Job(R"j({"name": "joined", "join": {"left": "a", "right": "b", "on": ["k"], "type": ")j" + type +
              R"j(", "strategy": ")j" + strategy + R"j(", "select": ")j" + select + R"j("}})j");
      SCOPED_TRACE(type + " " + strategy);
      if (strategy == "shuffle") {
        RunFused(with);
        EXPECT_EQ(Difference(Published("out"), expected), 0) << "fused";
      }
      RunDistributed(with, 5);
      EXPECT_EQ(Difference(Published("out"), expected), 0) << report_;
      const bool broadcast = report_.find("is broadcast") != std::string::npos;
      EXPECT_EQ(broadcast, strategy != "shuffle" && type != "full") << report_;
    }
  }
}

TEST_P(SeededStages, ASideThatTurnsOutSmallIsBroadcastAtRunTime) {
  const std::string with = Job(
      R"j({"name": "few", "inputs": ["b"], "sql": "SELECT k, y FROM b WHERE y < 70"},
          {"name": "joined", "join": {"left": "a", "right": "few", "on": ["k"], "type": "left", "select": "a.id, few.y"}})j");
  ExpectBothWays(with, "SELECT a.id, few.y FROM " + A() + " a LEFT JOIN (FROM " + B() +
                           " WHERE y < 70) few ON a.k = few.k");
  EXPECT_THAT(report_, HasSubstr("few is broadcast"));
}

TEST_P(SeededStages, JoinThenAggregateThenSortIsOneJob) {
  const std::string with = Job(
      R"j({"name": "joined", "join": {"left": "a", "right": "b", "on": {"k": "k"}, "strategy": "shuffle", "select": "a.g, b.t, a.x, b.y"}},
          {"name": "totals", "aggregate": {"by": ["g", "t"], "select": {"n": "count(*)", "total": "sum(y)", "top": "max(x)"}}},
          {"name": "sorted", "order_by": ["n DESC", "t", "g NULLS FIRST"]})j");
  const std::string plain = "SELECT a.g, b.t, count(*) AS n, sum(y) AS total, max(x) AS top FROM " + A() +
                            " a JOIN " + B() + " b ON a.k = b.k GROUP BY ALL";
  ExpectBothWays(with, plain);
  EXPECT_EQ(
      InOrder("struct_pack(g, t)"),
      Sql("SELECT list(struct_pack(g, t) ORDER BY n DESC, t, g NULLS FIRST)::VARCHAR FROM (" + plain + ")")
          .Text(0, 0));
}

TEST_P(SeededStages, WindowsDistinctUnionAndSqlOverAShuffle) {
  ExpectBothWays(
      OfA(R"j({"name": "ranked", "window": {"by": ["g"], "order_by": ["x DESC", "id"], "select": {"n": "row_number()", "running": "count(x)"}}})j"),
      "SELECT *, row_number() OVER w AS n, count(x) OVER w AS running FROM " + A() +
          " WINDOW w AS (PARTITION BY g ORDER BY x DESC, id)");
  ExpectBothWays(
      OfA(R"j({"name": "some", "sql": "SELECT k, g, x FROM a"}, {"name": "once", "distinct": true})j"),
      "SELECT DISTINCT k, g, x FROM " + A());
  ExpectBothWays(Job(R"j({"name": "both", "inputs": ["a", "b"], "shuffle": {"by": {"a": ["k"], "b": ["k"]}},
                          "sql": "SELECT k, (SELECT count(*) FROM b WHERE b.k = g.k) AS others, n FROM (SELECT k, count(*) AS n FROM a GROUP BY k) g"})j"),
                 "SELECT k, (SELECT count(*) FROM " + B() +
                     " b WHERE b.k = g.k) AS others, n FROM (SELECT k, count(*) AS n FROM " + A() +
                     " GROUP BY k) g");
}

TEST_P(SeededStages, AUnionOfInputsOfShuffledRowsAndOfBothHasEveryRowOnce) {
  // The sides' columns have different types where the keys do.
  const std::string of_a = R"j({"name": "x", "inputs": ["a"], "sql": "SELECT id AS v, g AS w FROM a"})j";
  const std::string of_b =
      R"j({"name": "y", "inputs": ["b"], "sql": "SELECT y::SMALLINT AS v, t AS w FROM b WHERE y > 10"})j";
  const std::string n_of_b =
      R"j({"name": "z", "inputs": ["b"], "aggregate": {"by": ["t"], "select": {"n": "count(*)"}}})j";
  const std::string plain_a = "SELECT id AS v, g AS w FROM " + A();
  const std::string plain_b = "SELECT y, t FROM " + B() + " WHERE y > 10";
  ExpectBothWays(Job(of_a + "," + of_b + R"j(, {"name": "all", "union": ["x", "y"]})j"),
                 plain_a + " UNION ALL " + plain_b);
  const std::string mixed =
      of_a + "," + n_of_b +
      R"j(, {"name": "zz", "sql": "SELECT n AS v, t AS w FROM z"}, {"name": "all", "union": ["x", "zz"]})j";
  const std::string plain = plain_a + " UNION ALL SELECT count(*), t FROM " + B() + " GROUP BY t";
  ExpectBothWays(Job(mixed), plain);
  ExpectBothWays(
      Job(mixed + R"j(, {"name": "counted", "aggregate": {"by": ["w"], "select": {"n": "count(*)"}}})j"),
      "SELECT w, count(*) AS n FROM (" + plain + ") GROUP BY w");
}

TEST_P(SeededStages, AStageThatTwoReadIsComputedOnceAndATotalMayBeBroadcast) {
  ExpectBothWays(
      OfA(R"j({"name": "sums", "aggregate": {"by": ["k"], "select": {"n": "count(*)"}}},
                         {"name": "total", "inputs": ["sums"], "aggregate": {"by": [], "select": {"all_rows": "sum(n)"}}},
                         {"name": "shares", "inputs": ["sums", "total"], "broadcast": ["total"], "sql": "SELECT k, n / all_rows AS share FROM sums, total"})j"),
      "SELECT k, count(*) / (SELECT count(*) FROM " + A() + ") AS share FROM " + A() + " GROUP BY k");
}

TEST_P(SeededStages, CollationsDecideWhatIsEqualAlsoAcrossAShuffle) {
  const std::string collated =
      R"j({"name": "c", "inputs": ["a"], "sql": "SELECT id, g COLLATE NOCASE AS g FROM a"})j";
  const std::string plain = "SELECT id, g COLLATE NOCASE AS g FROM " + A();
  // Which spelling stands for a group is nobody's promise.
  ExpectBothWays(
      OfA(collated + R"j(, {"name": "n", "aggregate": {"by": ["g"], "select": {"n": "count(*)"}}})j"),
      "SELECT g, count(*) AS n FROM (" + plain + ") GROUP BY g", 6, "lower(g) AS g, n");
  ExpectBothWays(
      Job(collated +
          R"j(, {"name": "joined", "join": {"left": "c", "right": "b", "on": {"g": "t"}, "strategy": "shuffle", "select": "c.id, b.y"}})j"),
      "SELECT c.id, b.y FROM (" + plain + ") c JOIN " + B() + " b ON c.g = b.t", 6);
}

TEST_P(SeededStages, ATotalSortIsInOrderFromFileToFile) {
  const std::string order = "x DESC NULLS FIRST, g COLLATE NOCASE, id";
  ExpectBothWays(OfA(R"j({"name": "sorted", "order_by": ["x DESC NULLS FIRST", "g COLLATE NOCASE", "id"]})j"),
                 "FROM " + A(), 5);
  const auto files = lake::InputFiles(root_, "out");
  EXPECT_GT(files->size(), 0u);
  EXPECT_EQ(InOrder("id"), Sql("SELECT list(id ORDER BY " + order + ")::VARCHAR FROM " + A()).Text(0, 0));
}

TEST_P(SeededStages, TheFirstRowsOfAnOrderAreThoseOfPlainDuckDb) {
  ExpectBothWays(OfA(R"j({"name": "top", "order_by": ["x DESC", "id"], "limit": 25})j"),
                 "SELECT * FROM " + A() + " ORDER BY x DESC, id LIMIT 25");
  EXPECT_EQ(InOrder("id"),
            Sql("SELECT list(id)::VARCHAR FROM (SELECT id FROM " + A() + " ORDER BY x DESC, id LIMIT 25)")
                .Text(0, 0));
}

TEST_P(SeededStages, OutputsThatAreLostBetweenStagesAreMadeAgain) {
  const std::string with = Job(
      R"j({"name": "joined", "join": {"left": "a", "right": "b", "on": ["k"], "strategy": "shuffle", "select": "a.g, b.t, b.y"}},
          {"name": "totals", "aggregate": {"by": ["g"], "select": {"n": "count(*)", "total": "sum(y)"}}})j");
  RunDistributed(with, 4, 3, {{0, 1}, {1, 0}, {2, 0}});
  EXPECT_EQ(Difference(Published("out"), "SELECT a.g, count(*) AS n, sum(b.y) AS total FROM " + A() +
                                             " a JOIN " + B() + " b ON a.k = b.k GROUP BY a.g"),
            0);
  EXPECT_THAT(report_, AllOf(HasSubstr("a 1 runs again"), HasSubstr("b 0 runs again"),
                             HasSubstr("joined 0 runs again")));
}

TEST_P(SeededStages, TheShortFormSortsAndTakesTheFirst) {
  const std::string with =
      R"j({"inputs": {"a": {"path": "a/"}}, "aggregate": {"by": ["s"], "select": {"n": "count(*)"}},
      "reduce": "SELECT s, n * 2 AS n FROM shuffled", "order_by": ["n DESC", "s"], "limit": 7, "output": {"path": "out/"}})j";
  ExpectBothWays(with, "SELECT s, count(*) * 2 AS n FROM " + A() + " GROUP BY s ORDER BY n DESC, s LIMIT 7");
}

struct Written {
  const char* format;
  const char* partition_by;  // JSON
  bool sorted;
};

class WrittenStages : public Stages, public testing::WithParamInterface<Written> {
 protected:
  // Names of the files, sorted, relative to the output.
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("out"))) {
      const std::string name = entry.path().lexically_relative(Path("out")).string();
      if (!entry.is_directory() && name != lake::kManifestName) files.push_back(name);
    }
    std::sort(files.begin(), files.end());
    return files;
  }
};
INSTANTIATE_TEST_SUITE_P(Outputs, WrittenStages,
                         testing::Values(Written{"parquet", "[]", false}, Written{"csv", "[]", false},
                                         Written{"jsonl", "[]", false}, Written{"parquet", "[]", true},
                                         Written{"csv", "[]", true}, Written{"jsonl", "[]", true},
                                         Written{"parquet", "[\"g\"]", false},
                                         Written{"csv", "[\"g\"]", false},
                                         Written{"jsonl", "[\"g\"]", false}));

TEST_P(WrittenStages, FilesOfAboutTheWantedSizeHoldEveryRowOnce) {
  const auto& [format, partition_by, sorted] = GetParam();
  Make("a/0",
       "SELECT i AS id, ['one', 'two, \"three\"', 'four' || chr(10) || 'five'][i % 3 + 1] AS g, "
       "hash(i)::VARCHAR || repeat('x', 60) AS s, hash(i, 2) AS h FROM range(40000) t(i)");
  const std::string output = std::string(R"j({"path": "out/", "file_size": "1MB", "format": ")j") + format +
                             R"j(", "partition_by": )j" + partition_by + "}";
  const std::string with = OfA(
      sorted ? R"j({"name": "sorted", "order_by": ["id"]})j" : R"j({"name": "x", "sql": "SELECT * FROM a"})j",
      output);
  const std::string list = Path("out/**/*.") + format;
  const std::string read =
      std::string(format) == "parquet"
          ? "read_parquet('" + list + "', hive_partitioning=false, filename=true)"
      : std::string(format) == "csv"
          ? "read_csv('" + list + "', header=true, hive_partitioning=false, filename=true)"
          : "read_json('" + list + "', format='newline_delimited', hive_partitioning=false, filename=true)";
  const auto check = [&](const char* how) {
    EXPECT_EQ(Difference("SELECT id, s, h FROM " + read, "SELECT id, s, h FROM " + A()), 0) << how;
    const std::vector<std::string> files = Files();
    EXPECT_GT(files.size(), 1u) << how;
    for (const std::string& file : files)
      EXPECT_LT(std::filesystem::file_size(Path("out/" + file)), 3'000'000u) << how << " " << file;
    if (sorted) {
      // Each file ends before the next one, by name, begins.
      EXPECT_EQ(
          Count("SELECT filename, min(id) AS low, lag(max(id)) OVER (ORDER BY filename) AS before FROM " +
                read + " GROUP BY filename QUALIFY before >= low"),
          0)
          << how;
    }
    if (std::string(partition_by) != "[]") {
      EXPECT_THAT(files, testing::Each(testing::StartsWith("g="))) << how;
    }
    const auto manifest = lake::ReadManifest(Path("out"));
    ASSERT_TRUE(manifest.ok());
    std::int64_t rows = 0;
    for (const OutputFile& file : manifest->files) rows += file.rows;
    EXPECT_EQ(rows, 40000) << how;
    EXPECT_THAT(manifest->files, SizeIs(files.size())) << how;
  };
  RunFused(with);
  check("fused");
  RunDistributed(with, 3);
  check("distributed");
}

TEST_F(Stages, WhatCannotRunIsRefusedBeforeAnythingRuns) {
  MakeTables(0);
  const std::pair<std::string, std::vector<const char*>> cases[] = {
      {Job(R"j({"name": "x", "inputs": ["a", "b"], "sql": "SELECT * FROM a JOIN b ON a.id = b.y"})j"),
       {"splits one input"}},
      {Job(R"j({"name": "u", "inputs": ["a"], "sql": "SELECT g, count(*) AS n FROM a GROUP BY g"}, {"name": "v", "inputs": ["u", "b"], "shuffle": {"by": {"u": ["g"], "b": ["t"]}}, "sql": "SELECT 1 AS one FROM u"})j"),
       {"stage 'u'", "GROUP BY", "shuffle"}},
      {OfA(R"j({"name": "x", "sql": "SELECT max(id) AS m FROM a"})j"), {"stage 'x'", "max()"}},
      {OfA(R"j({"name": "x", "sql": "SELECT geomean(id) AS m FROM a"})j"), {"stage 'x'", "geomean()"}},  // a macro
      {Job(R"j({"name": "x", "join": {"left": "a", "right": "b", "on": ["nosuch"]}})j"),
       {"stage 'x'", "nosuch", "'a'"}},
      {Job(R"j({"name": "m", "inputs": ["b"], "sql": "SELECT y AS id, t FROM b"}, {"name": "x", "join": {"left": "a", "right": "m", "on": {"s": "t"}}})j"),
       {"stage 'x'", "both sides", "'id'"}},
      {OfA(R"j({"name": "x", "order_by": ["nosuch"]})j"), {"stage 'x'", "nosuch"}},
      {OfA(R"j({"name": "x", "order_by": ["1"]})j"), {"stage 'x'", "name the column"}},
      {OfA(R"j({"name": "x", "order_by": ["id"]}, {"name": "y", "sql": "SELECT id FROM x"})j"),
       {"stage 'x'", "order"}},
      {OfA(R"j({"name": "x", "window": {"by": ["g"], "select": {"n": "random()"}}})j"), {"random()"}},
  };
  for (const auto& [with, parts] : cases) {
    const Status status = PlanError(with);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << with << status.ToString();
    for (const char* part : parts) EXPECT_THAT(status.message(), HasSubstr(part)) << with;
  }
}

}  // namespace
}  // namespace millrace::mapreduce
