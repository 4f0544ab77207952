#include "worker/mapreduce/turns.h"

#include <gmock/gmock.h>

#include "tests/unit/worker/mapreduce/local_job.h"

namespace millrace::mapreduce {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;

// A combine that keeps texts, of so many splits of a megabyte.
StageTaskWork Combining(std::size_t splits) {
  StageTaskWork work;
  work.plan.steps = {{.name = "combine", .view = "states", .code = {.sql = "SELECT k, max(t) AS t FROM rows GROUP BY k"}}};
  work.plan.columns = {{"k", "BIGINT"}, {"t", "VARCHAR"}};
  work.plan.keys = {"k"};
  work.plan.exchange = Exchange::kHash;
  for (std::size_t i = 0; i < splits; ++i) work.splits.push_back({.input = "rows", .bytes = kMegabyte});
  return work;
}

Site Of(std::uint64_t memory) {
  Site site;
  site.memory_bytes = memory;
  return site;
}

TEST(Turns, TakeMoreSplitsWhenLittleComesOfThemAndFewerWhenMuchDoes) {
  const StageTaskWork work = Combining(100);
  Turns little(Of(64 * kMegabyte), work, {});
  EXPECT_EQ(little.splits().size(), 2u) << "a thirty-second of the memory";
  ASSERT_TRUE(little.Next(1000));
  EXPECT_EQ(little.splits().size(), 8u);
  ASSERT_TRUE(little.Next(2000));
  EXPECT_EQ(little.splits().size(), 32u);
  ASSERT_TRUE(little.Next(3000));
  EXPECT_EQ(little.splits().size(), 58u) << "all that is left";
  EXPECT_FALSE(little.Next(4000));
  EXPECT_EQ(little.number(), 3);

  Turns much(Of(64 * kMegabyte), work, {});
  std::size_t splits = much.splits().size();
  std::uint64_t came = splits * 4 * kMegabyte;  // unpacked
  while (much.Next(came)) {
    EXPECT_LE(much.splits().size() * 4 * kMegabyte, 8 * kMegabyte) << "an eighth of the memory";
    splits += much.splits().size();
    came += much.splits().size() * 4 * kMegabyte;
  }
  EXPECT_EQ(splits, 100u) << "each once";
}

TEST(Turns, AreOneWhereMemoryIsNotScarceOrNotKnownAndWhereNoTextIsKept) {
  EXPECT_EQ(Turns(Of(0), Combining(100), {}).splits().size(), 100u);
  EXPECT_EQ(Turns(Of(100 * 32 * kMegabyte), Combining(100), {}).splits().size(), 100u);
  StageTaskWork numbers = Combining(100);
  numbers.plan.columns[1].type = "DECIMAL(38,2)";
  EXPECT_EQ(Turns(Of(64 * kMegabyte), numbers, {}).splits().size(), 100u);
  StageTaskWork keys = Combining(100);
  keys.plan.keys = {"k", "t"};
  EXPECT_EQ(Turns(Of(64 * kMegabyte), keys, {}).splits().size(), 100u);
}

// Rows of about 110 bytes, whose keys come some ten times; ten megabytes of them.
class InTurns : public LocalJob {
 protected:
  void SetUp() override {
    LocalJob::SetUp();
    memory_ = 64 * kMegabyte;
    std::filesystem::create_directories(Path("a"));
    std::filesystem::create_directories(Path("b"));
    Sql("COPY (SELECT CASE WHEN i % 101 <> 0 THEN hash(i % 9001) END AS k, i AS id, rpad(hash(i)::VARCHAR, 96, 'x') AS t "
        "FROM range(90000) r(i)) TO '" + Path("a/rows.parquet") + "' (ROW_GROUP_SIZE 4096)");
    Sql("COPY (SELECT hash(i * 3)::DOUBLE AS k, i AS y, rpad(hash(i)::VARCHAR, 96, 'y') AS u FROM range(4000) r(i)) TO '" +
        Path("b/rows.parquet") + "' (ROW_GROUP_SIZE 1000)");
  }
  std::string A() const { return "'" + Path("a/rows.parquet") + "'"; }
  std::string B() const { return "'" + Path("b/rows.parquet") + "'"; }
  static std::string Job(const std::string& stages) {
    const bool both = stages.find("\"join\"") != std::string::npos;
    const std::string b = both ? R"j(, "b": {"path": "b/", "read": "split"})j" : "";
    return R"j({"inputs": {"a": {"path": "a/", "read": "split"})j" + b + R"j(}, "output": {"path": "out/"}, "stages": [)j" + stages + "]}";
  }
  void Expect(const std::string& with, const std::string& plain, int partitions = 1, int slots = 3) {
    log_.clear();
    RunDistributed(with, partitions, slots);
    EXPECT_THAT(log_, HasSubstr(" turns")) << with;
    EXPECT_EQ(Difference(Published("out"), plain), 0) << with << report_;
  }
};

TEST_F(InTurns, TextsThatACombineKeepsAreThoseOfPlainDuckDb) {
  const std::string plain = "SELECT k, count(*) AS n, max(t) AS most, any_value(t) FILTER (WHERE id < 0) AS none FROM " + A() + " GROUP BY k";
  const std::string job = Job(R"j({"name": "g", "inputs": ["a"], "aggregate": {"by": ["k"], "select":
    {"n": "count(*)", "most": "max(t)", "none": "any_value(t) FILTER (WHERE id < 0)"}}})j");
  Expect(job, plain, 3, 1);
  EXPECT_THAT(log_, HasSubstr("combined its splits in"));
  memory_ = 0;
  log_.clear();
  RunDistributed(job, 3, 1);
  EXPECT_THAT(log_, Not(HasSubstr(" turns")));
}

TEST_F(InTurns, WhatIsReadByKeysIsThatOfPlainDuckDbWhateverIsMadeOfIt) {
  Expect(Job(R"j({"name": "g", "inputs": ["a"], "aggregate": {"by": ["k"], "select": {"l": "string_agg(t, ',' ORDER BY id)"}}})j"),
         "SELECT k, string_agg(t, ',' ORDER BY id) AS l FROM " + A() + " GROUP BY k");
  Expect(Job(R"j({"name": "w", "inputs": ["a"], "window": {"by": ["k"], "order_by": ["id"], "select": {"nth": "row_number()"}}})j"),
         "SELECT *, row_number() OVER (PARTITION BY k ORDER BY id) AS nth FROM " + A());
  Expect(Job(R"j({"name": "s", "inputs": ["a"], "sql": "SELECT k, list(t ORDER BY t) AS l FROM a GROUP BY k", "shuffle": {"by": ["k"]}})j"),
         "SELECT k, list(t ORDER BY t) AS l FROM " + A() + " GROUP BY k");
  for (const std::string type : {"inner", "left", "full", "anti"}) {
    const std::string select = type == "anti" ? "a.*" : "a.id, a.t, b.y";
    Expect(Job(R"j({"name": "j", "join": {"left": "a", "right": "b", "on": "k", "strategy": "shuffle", "type": ")j" + type + R"j(", "select": ")j" +
               select + R"j("}})j"),
           "SELECT " + select + " FROM " + A() + " a " + type + " JOIN " + B() + " b ON a.k = b.k");
  }
}

TEST_F(InTurns, StagesGoOnFromTurnsToTheNextShuffleAndBesideTheOutput) {
  const std::string grouped = "SELECT k, min(t) AS least, string_agg(t, ',' ORDER BY id) AS l FROM " + A() + " GROUP BY k";
  Expect(Job(R"j({"name": "g", "inputs": ["a"], "aggregate": {"by": ["k"], "select": {"least": "min(t)", "l": "string_agg(t, ',' ORDER BY id)"}},
                  "output": {"path": "beside/", "format": "parquet"}},
                 {"name": "f", "inputs": ["g"], "sql": "SELECT least[1] AS first, l FROM g"},
                 {"name": "h", "aggregate": {"by": ["first"], "select": {"n": "count(*)", "longest": "max(length(l))"}}})j"),
         "SELECT least[1] AS first, count(*) AS n, max(length(l)) AS longest FROM (" + grouped + ") GROUP BY 1");
  EXPECT_EQ(Difference(Published("beside"), grouped), 0);
}

TEST_F(InTurns, LostBlocksAreMadeAgainAndFilesAreCutToTheirSizeOnce) {
  const std::string job = R"j({"inputs": {"a": {"path": "a/"}}, "stages": [{"name": "w", "inputs": ["a"],
    "window": {"by": ["k"], "order_by": ["id"], "select": {"nth": "row_number()"}}}], "output": {"path": "out/", "format": "parquet", "file_size": "1MB"}})j";
  RunDistributed(job, 1, 3, {{0, 1}});
  EXPECT_THAT(log_, HasSubstr(" turns"));
  EXPECT_EQ(Difference(Published("out"), "SELECT *, row_number() OVER (PARTITION BY k ORDER BY id) AS nth FROM " + A()), 0);
  EXPECT_GT(lake::InputFiles(root_, "out")->size(), 2u);
}

}  // namespace
}  // namespace millrace::mapreduce
