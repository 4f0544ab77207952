// Jobs over skewed keys: the rows are those of plain DuckDB however hot partitions are divided, and no task reads much more than
// the others. Bytes and rows are what counts here, never time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/worker/mapreduce/local_job.h"

namespace millrace::mapreduce {
namespace {

using testing::HasSubstr;

constexpr int kPartitions = 200;

class Skewed : public LocalJob {
 protected:
  void Make(const std::string& name, const std::string& select) {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    Sql("COPY (" + select + ") TO '" + Path(name + ".parquet") + "'");
  }
  std::string A() const { return "read_parquet('" + Path("a/*.parquet") + "')"; }
  std::string B() const { return "read_parquet('" + Path("b/*.parquet") + "')"; }
  // a (id, k, g, x) and b (k, y): half of a's rows have one key, many none, and some keys are NaN, 0.0 and -0.0.
  void MakeHot(const std::string& type, const std::string& salt) {
    const auto key = [&](const std::string& i) {
      const std::string h = "hash(" + i + ", " + salt + ")";
      const std::string odd = type != "DOUBLE" ? "" : "WHEN 12 THEN 'NaN'::DOUBLE WHEN 13 THEN -0.0::DOUBLE WHEN 14 THEN 0.0::DOUBLE ";
      return "CAST(CASE (" + h + " % 20)::INTEGER WHEN 10 THEN NULL WHEN 11 THEN NULL " + odd +
             "ELSE CASE WHEN " + h + " % 20 < 10 THEN 7 ELSE " + h + " // 20 % 300 END END AS " + type + ")";
    };
    for (int part = 0; part < 3; ++part) {
      const std::string range = "range(" + std::to_string(part * 3000) + ", " + std::to_string(part * 3000 + 3000) + ") t(i)";
      Make("a/" + std::to_string(part), "SELECT i AS id, " + key("i") + " AS k, ['red', 'Red', NULL][(hash(i, 'g') % 3)::INTEGER + 1] AS g, "
           "CASE hash(i, 'x') % 9 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::DOUBLE WHEN 2 THEN -0.0::DOUBLE ELSE (hash(i, 'v') % 1000)::DOUBLE / 8 END AS x, "
           "repeat('text ', (hash(i, 's') % 20)::INTEGER) AS s FROM " + range);
    }
    for (int part = 0; part < 2; ++part) {
      const std::string range = "range(" + std::to_string(part * 60) + ", " + std::to_string(part * 60 + 60) + ") t(i)";
      Make("b/" + std::to_string(part), "SELECT " + key("i + 50000") + " AS k, i AS y FROM " + range + " WHERE hash(i, " + salt + ") % 20 >= 10 OR i % 15 = 0");
    }
  }
  static std::string Stages(const std::string& stages) {
    return R"j({"inputs": {"a": {"path": "a/", "read": "split"}, "b": {"path": "b/", "read": "split"}}, "output": {"path": "out/"}, "stages": [)j" +
           stages + "]}";
  }
  static std::string OfA(const std::string& stages) {
    return R"j({"inputs": {"a": {"path": "a/"}}, "output": {"path": "out/"}, "stages": [)j" + stages + "]}";
  }
  static std::string Salted(const std::string& stages, const std::string& other = "") {
    return R"j({"inputs": {"a": {"path": "a/", "read": "split"})j" + (other.empty() ? std::string() : std::string(R"j(, "b": {"path": "b/", "read": "split"})j")) +
           R"j(}, "output": {"path": "out/"}, "shuffle": {"salt": 4}, "stages": [)j" + stages + "]}";
  }
  Value Report() const { return ParseJson(report_).value(); }
  // Of the stage's tasks; "" when it has none.
  std::int64_t Largest(const std::string& stage) const {
    const Value report = Report();
    for (const Value& one : report.Find("stages")->as_list()) {
      if (one.Find("stage")->as_string() == stage) return one.Find("largest_task_bytes")->as_int();
    }
    ADD_FAILURE() << "no stage " << stage << " in " << report_;
    return -1;
  }
  // What the report says of the first stage that had hot partitions.
  Value Skew() const {
    const Value report = Report();
    const Value::List& list = report.Find("skew")->as_list();
    EXPECT_FALSE(list.empty()) << report_;
    return list.empty() ? Value(Value::Map()) : list[0];
  }
  // Zipf(1.3): the chance that a key is at least k is k^-0.3.
  static std::string Zipf(const std::string& i) {
    return "(floor(((hash(" + i + ", 'zipf') >> 11)::DOUBLE / 9007199254740992 + 1e-9) ^ (-1 / 0.3)) % 1000003)::BIGINT";
  }
  void MakeZipf(int rows) {
    for (int part = 0; part < 3; ++part) {
      Make("a/" + std::to_string(part), "SELECT " + Zipf("i") + " AS k, i AS v, i % 7 AS w, hash(i) AS u FROM range(" +
                                            std::to_string(part) + ", " + std::to_string(rows) + ", 3) t(i)");
    }
  }
};

struct Case {
  const char* type;
  const char* salt;
};
class SkewedKeys : public Skewed, public testing::WithParamInterface<Case> {
 protected:
  void SetUp() override {
    LocalJob::SetUp();
    MakeHot(GetParam().type, GetParam().salt);
    cut_bytes_ = 40'000;
  }
};
INSTANTIATE_TEST_SUITE_P(Types, SkewedKeys, testing::Values(Case{"INTEGER", "1"}, Case{"DOUBLE", "2"}, Case{"VARCHAR", "3"}));

TEST_P(SkewedKeys, EveryJoinGivesTheRowsOfPlainDuckDbWhenItsHotPartitionsAreCut) {
  for (const std::string type : {"inner", "left", "right", "full", "semi", "anti"}) {
    SCOPED_TRACE(type);
    const bool left_only = type == "semi" || type == "anti";
    const std::string select = left_only ? "a.*" : "a.id, a.k AS ak, a.x, b.k AS bk, b.y";
    const std::string plain = "SELECT " + select + " FROM " + A() + " a " + type + " JOIN " + B() + " b ON a.k = b.k";
    RunDistributed(Stages(R"j({"name": "joined", "join": {"left": "a", "right": "b", "on": ["k"], "strategy": "shuffle", "type": ")j" + type +
                          R"j(", "select": ")j" + select + R"j("}})j"),
                   5);
    EXPECT_EQ(Difference(Published("out"), plain), 0) << report_;
    // A right join keeps b's rows, so that only b could be cut, which is not hot.
    const bool cut = type != "right" && type != "full";
    EXPECT_EQ(Skew().Find("hot_partitions")->as_int() > 0, cut) << report_;
  }
}

TEST_P(SkewedKeys, TheHotSideOfARightJoinIsCutWhenItIsTheRightOne) {
  RunDistributed(Stages(R"j({"name": "joined", "join": {"left": "b", "right": "a", "on": ["k"], "strategy": "shuffle", "type": "right", "select": "a.id, b.y"}})j"), 5);
  EXPECT_EQ(Difference(Published("out"), "SELECT a.id, b.y FROM " + B() + " b RIGHT JOIN " + A() + " a ON a.k = b.k"), 0);
  EXPECT_GT(Skew().Find("hot_partitions")->as_int(), 0);
}

TEST_P(SkewedKeys, AJoinThatIsCutFlowsOnIntoAnAggregation) {
  RunDistributed(Stages(R"j({"name": "joined", "join": {"left": "a", "right": "b", "on": ["k"], "strategy": "shuffle", "select": "a.g, a.x, b.y"}},
                            {"name": "totals", "aggregate": {"by": ["g"], "select": {"n": "count(*)", "total": "sum(y)", "top": "max(x)"}}})j"), 5);
  EXPECT_EQ(Difference(Published("out"), "SELECT a.g, count(*) AS n, sum(b.y) AS total, max(a.x) AS top FROM " + A() + " a JOIN " + B() +
                                             " b ON a.k = b.k GROUP BY a.g"),
            0);
  EXPECT_GT(Skew().Find("hot_partitions")->as_int(), 0);
}

TEST_P(SkewedKeys, AggregatesDistinctRowsAndTheAuthorsStatesAreThoseOfPlainDuckDbWhenTheyAreCut) {
  const std::string each = "count(*) AS n, sum(id) AS total, min(s) AS least, max(x) AS top, bool_or(x > 3) AS any_large, count(x) AS xs";
  cut_bytes_ = 4'000;
  RunDistributed(R"j({"inputs": {"a": {"path": "a/"}}, "output": {"path": "out/"},
      "aggregate": {"by": ["k", "g"], "select": {"n": "count(*)", "total": "sum(id)", "least": "min(s)", "top": "max(x)",
                    "any_large": "bool_or(x > 3)", "xs": "count(x)", "mean": "avg(id)"}}})j", 4);
  EXPECT_EQ(Difference("SELECT * EXCLUDE mean, round(mean, 6) AS mean FROM (" + Published("out") + ")",
                       "SELECT k, g, " + each + ", round(avg(id), 6) AS mean FROM " + A() + " GROUP BY k, g"), 0) << report_;
  EXPECT_GT(Skew().Find("hot_partitions")->as_int(), 0) << report_;
  // Which of 0.0 and -0.0 stands for a group is nobody's promise: DuckDB takes them for equal here.
  RunDistributed(OfA(R"j({"name": "few", "inputs": ["a"], "sql": "SELECT k, g, s FROM a"}, {"name": "once", "distinct": true})j"), 4);
  EXPECT_EQ(Difference(Published("out"), "SELECT DISTINCT k, g, s FROM " + A()), 0) << report_;
  EXPECT_GT(Skew().Find("hot_partitions")->as_int(), 0) << report_;
  RunDistributed(R"j({"inputs": {"a": {"path": "a/"}}, "output": {"path": "out/"}, "shuffle": {"by": ["k"]},
      "combine": "SELECT k, id AS total, 1::BIGINT AS n FROM mapped", "merge": "SELECT k, sum(total)::BIGINT AS total, sum(n)::BIGINT AS n FROM shuffled GROUP BY k",
      "reduce": "SELECT k, total * 2 AS total, n FROM shuffled"})j", 4);
  EXPECT_EQ(Difference(Published("out"), "SELECT k, sum(id)::BIGINT * 2 AS total, count(*) AS n FROM " + A() + " GROUP BY k"), 0) << report_;
  EXPECT_GT(Skew().Find("hot_partitions")->as_int(), 0) << report_;
}

TEST_P(SkewedKeys, CollatedKeysAreCutToo) {
  cut_bytes_ = 2'000;
  RunDistributed(OfA(R"j({"name": "c", "inputs": ["a"], "sql": "SELECT id, k, g COLLATE NOCASE AS g FROM a"},
                            {"name": "n", "aggregate": {"by": ["k", "g"], "select": {"n": "count(*)"}}})j"), 3);
  EXPECT_EQ(Difference("SELECT k, lower(g) AS g, n FROM (" + Published("out") + ")", "SELECT k, lower(g) AS g, count(*) AS n FROM " + A() + " GROUP BY ALL"), 0)
      << report_;
  EXPECT_GT(Skew().Find("hot_partitions")->as_int(), 0) << report_;
}

TEST_P(SkewedKeys, WhatSeesAllRowsOfAKeyIsNotCutAndTheReportSaysWhy) {
  const auto run = [&](const std::string& stage, const std::string& why) {
    RunDistributed(stage.find("join") == std::string::npos ? OfA(stage) : Stages(stage), 4);
    EXPECT_EQ(Skew().Find("hot_partitions")->as_int(), 0) << report_;
    EXPECT_GT(Skew().Find("largest_bytes")->as_int(), 40'000);
    EXPECT_THAT(report_, HasSubstr(why));
  };
  run(R"j({"name": "w", "inputs": ["a"], "window": {"by": ["k"], "order_by": ["id"], "select": {"n": "row_number()"}}})j", "a window sees all rows of a key");
  run(R"j({"name": "w", "inputs": ["a"], "sql": "SELECT k, median(x) AS m FROM a GROUP BY k", "shuffle": {"by": ["k"]}})j", "its SQL sees all rows of a key");
  run(R"j({"name": "w", "inputs": ["a"], "aggregate": {"by": ["k"], "select": {"m": "median(x)"}}})j", "cannot be computed from states");
  run(R"j({"name": "w", "join": {"left": "a", "right": "b", "on": ["k"], "strategy": "shuffle", "type": "full", "select": "a.id, b.y"}})j", "keeps the unmatched rows of both");
}

TEST_P(SkewedKeys, EveryJoinGivesTheRowsOfPlainDuckDbWhenItsHeavyKeysAreSalted) {
  cut_bytes_ = 0;
  for (const std::string type : {"inner", "left", "right", "full", "semi", "anti"}) {
    SCOPED_TRACE(type);
    const bool left_only = type == "semi" || type == "anti";
    const std::string select = left_only ? "a.*" : "a.id, a.k AS ak, a.x, b.k AS bk, b.y";
    RunDistributed(Salted(R"j({"name": "joined", "join": {"left": "a", "right": "b", "on": ["k"], "strategy": "shuffle", "type": ")j" + type +
                          R"j(", "select": ")j" + select + R"j("}})j", "b"), 5);
    EXPECT_EQ(Difference(Published("out"), "SELECT " + select + " FROM " + A() + " a " + type + " JOIN " + B() + " b ON a.k = b.k"), 0) << report_;
    const bool salted = type != "full";
    EXPECT_EQ(report_.find("\"rule\":\"salt\"") != std::string::npos, salted) << report_;
  }
}

TEST_P(SkewedKeys, AggregatesOfSaltedKeysAreThoseOfPlainDuckDbAlsoWhenTheyAreCutToo) {
  const std::string combined = R"j({"inputs": {"a": {"path": "a/"}}, "output": {"path": "out/"}, "shuffle": {"by": ["k"], "salt": 4},
      "combine": "SELECT k, id AS total, 1::BIGINT AS n FROM mapped", "merge": "SELECT k, sum(total)::BIGINT AS total, sum(n)::BIGINT AS n FROM shuffled GROUP BY k",
      "reduce": "SELECT k, total * 2 AS total, n FROM shuffled"})j";
  for (const std::int64_t cut : {0, 8'000}) {
    cut_bytes_ = cut;
    RunDistributed(combined, 4);
    EXPECT_EQ(Difference(Published("out"), "SELECT k, sum(id)::BIGINT * 2 AS total, count(*) AS n FROM " + A() + " GROUP BY k"), 0) << report_;
    EXPECT_THAT(report_, HasSubstr("\"rule\":\"salt\""));
  }
  RunDistributed(Salted(R"j({"name": "n", "inputs": ["a"], "aggregate": {"by": ["k", "g"], "select": {"n": "count(*)", "least": "min(s)"}}})j"), 4);
  EXPECT_EQ(Difference(Published("out"), "SELECT k, g, count(*) AS n, min(s) AS least FROM " + A() + " GROUP BY k, g"), 0) << report_;
}

TEST_F(Skewed, OnZipfKeysNoTaskOfAnAggregationReadsMuchMoreThanTheMedian) {
  MakeZipf(400'000);
  RunDistributed(R"j({"inputs": {"a": {"path": "a/"}}, "output": {"path": "out/"}, "shuffle": {"by": ["k"]},
      "combine": "SELECT k, v, w, u % 1000 AS u, 1::BIGINT AS n FROM mapped",
      "merge": "SELECT k, sum(v)::BIGINT AS v, max(w) AS w, max(u) AS u, sum(n)::BIGINT AS n FROM shuffled GROUP BY k"})j",
                 kPartitions);
  EXPECT_EQ(Difference(Published("out"), "SELECT k, sum(v)::BIGINT AS v, max(w) AS w, max(u % 1000) AS u, count(*) AS n FROM " + A() + " GROUP BY k"), 0);
  const Value skew = Skew();
  const std::int64_t median = skew.Find("usual_bytes")->as_int();
  EXPECT_GT(skew.Find("largest_bytes")->as_int(), 50 * median) << "that is hot";
  EXPECT_LE(Largest("reduce.cut"), median * 3 / 2) << report_;
  EXPECT_LE(Largest("reduce"), median * 3 / 2) << report_;
}

TEST_F(Skewed, OnZipfKeysNoTaskOfAJoinReadsMuchMoreThanTheMedian) {
  MakeZipf(400'000);
  Make("b/0", "SELECT DISTINCT k, k * 3 AS y FROM " + A());
  RunDistributed(Stages(R"j({"name": "joined", "join": {"left": "a", "right": "b", "on": ["k"], "strategy": "shuffle", "select": "a.v, b.y"}})j"), kPartitions);
  EXPECT_EQ(Difference(Published("out"), "SELECT v, k * 3 AS y FROM " + A()), 0);
  const Value skew = Skew();
  const std::int64_t median = skew.Find("usual_bytes")->as_int();
  EXPECT_GT(skew.Find("largest_bytes")->as_int(), 50 * median) << "that is hot";
  EXPECT_LE(Largest("joined"), median * 3 / 2) << report_;
  const Value& heaviest = skew.Find("keys")->as_list().at(0);
  EXPECT_EQ(heaviest.Find("key")->as_string(), "k=1");
  EXPECT_GT(heaviest.Find("bytes")->as_int(), skew.Find("largest_bytes")->as_int() * 3 / 4);
  EXPECT_LE(heaviest.Find("bytes")->as_int(), skew.Find("largest_bytes")->as_int() * 5 / 4);
  EXPECT_THAT(report_, HasSubstr("the heaviest key is k=1 with"));
  EXPECT_GT(skew.Find("replicated_bytes")->as_int(), 0);
}

TEST_F(Skewed, OnZipfKeysInBothSidesNoTaskOfAJoinReadsMuchMoreThanTheMedianUnlessTheOtherSideAloneDoes) {
  // Of the same keys, as skewed: the heaviest has a fifth of the rows of both.
  const auto run = [&](int left, int right, int partitions) {
    MakeZipf(left);
    Make("b/0", "SELECT " + Zipf("i + 7000000") + " AS k, i AS y FROM range(" + std::to_string(right) + ") t(i)");
    RunDistributed(Stages(R"j({"name": "joined", "join": {"left": "a", "right": "b", "on": ["k"], "strategy": "shuffle", "select": "a.v % 9 AS g, b.y"}},
                              {"name": "totals", "aggregate": {"by": ["g"], "select": {"n": "count(*)", "total": "sum(y)"}}})j"), partitions);
    EXPECT_EQ(Difference(Published("out"), "SELECT a.v % 9 AS g, count(*) AS n, sum(b.y) AS total FROM " + A() + " a JOIN " + B() + " b ON a.k = b.k GROUP BY 1"), 0)
        << report_;
  };
  run(400'000, 600, kPartitions);
  const std::int64_t median = Skew().Find("usual_bytes")->as_int();
  EXPECT_GT(Skew().Find("largest_bytes")->as_int(), 50 * median) << "that is hot";
  EXPECT_LE(Largest("joined"), median * 3 / 2) << report_;
  // A quarter more than the side that each task needs, and not many times both.
  run(100'000, 12'000, kPartitions);
  const std::int64_t largest = Skew().Find("largest_bytes")->as_int();
  EXPECT_LE(Largest("joined"), largest / 5) << report_;
  EXPECT_LE(Skew().Find("replicated_bytes")->as_int(), 10 * largest) << report_;
  EXPECT_THAT(report_, HasSubstr("is hot there, too"));
}

}  // namespace
}  // namespace millrace::mapreduce
