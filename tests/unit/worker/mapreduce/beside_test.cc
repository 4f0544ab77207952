// What stages do beside SQL and beside the output: native code in the general form, rows that are published too, rows that are kept.
#include <gmock/gmock.h>

#include <csignal>
#include <thread>

#include "core/model/json.h"
#include "tests/unit/worker/mapreduce/local_job.h"
#include "worker/mapreduce/stage_cache.h"

namespace millrace::mapreduce {
namespace {

using testing::HasSubstr;

class Beside : public LocalJob {
 protected:
  void SetUp() override {
    LocalJob::SetUp();
    ::signal(SIGPIPE, SIG_IGN);  // as in the runner
    std::filesystem::create_directories(Path("lib"));
    std::filesystem::copy_file(MILLRACE_WORD_COUNT, Path("lib/libword_count.so"));
    Sql("CREATE TEMP TABLE orders AS SELECT i AS id, 'c' || i % 50 AS customer, i % 9 AS amount, CASE WHEN i % 11 = 0 THEN 'a\tb\nc' END AS note "
        "FROM range(5000) t(i)");
    Sql("COPY orders TO " + sql::QuoteText(Path("orders.csv")));
  }
  static constexpr const char* kOrders = R"("inputs": {"orders": {"path": "orders.csv"}})";
};

TEST_F(Beside, CommandsMapAndReduceTheRowsOfAStageAndSqlGoesOnWithTheirs) {
  const std::string job = std::string("{") + kOrders + R"j(, "stages": [
      {"name": "wanted", "sql": "SELECT customer, amount, note FROM orders WHERE amount > 0"},
      {"name": "sums",
       "map": {"command": ["awk", "-F", "\t", "{ print $1 \"\\t\" $2; if (NF != 3) print \"reporter:counter:rows,odd,1\" > \"/dev/stderr\" }"]},
       "combine": {"command": ["awk", "-F", "\t", "$1 != key { if (NR > 1) print key \"\\t\" n; key = $1; n = 0 } { n += $2 } END { if (NR) print key \"\\t\" n }"]},
       "reduce": {"command": ["awk", "-F", "\t", "$1 != key { if (NR > 1) print key \"\\t\" n \"\\t\"; key = $1; n = 0 } { n += $2 } END { if (NR) print key \"\\t\" n \"\\t\"; print \"reporter:counter:keys,last,1\" > \"/dev/stderr\" }"]},
       "columns": {"customer": "VARCHAR", "total": "BIGINT", "none": "INTEGER"}},
      {"name": "sorted", "order_by": ["total DESC", "customer"]}],
    "output": {"path": "out/"}})j";
  RunDistributed(job, 3);
  EXPECT_EQ(Difference(Published("out/"), "SELECT customer, sum(amount)::BIGINT AS total, NULL::INTEGER AS none FROM orders GROUP BY customer"), 0);
  EXPECT_THAT(report_, HasSubstr("\"keys,last\":"));
  EXPECT_EQ(report_.find("\"rows,odd\":"), std::string::npos);  // the command itself is in the report
}

TEST_F(Beside, ClassesOfALibraryCountTheWordsOfATextInputAndPairsAreColumns) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "w" + std::to_string(i % 7) + " x\n";
  Write("text/a.txt", text);
  Write("text/b.txt", "y");
  const auto job = [](const std::string& more) {
    return R"j({"inputs": {"lines": {"path": "text/"}}, "stages": [{"name": "words", "map": {"library": "lib/libword_count.so"},
        "combine": {"library": "lib/libword_count.so"}, "reduce": {"library": "lib/libword_count.so"})j" + more + R"j(},
        {"name": "top", "sql": "SELECT * FROM words WHERE key <> 'y'"}], "output": {"path": "out/", "format": "parquet"}})j";
  };
  RunDistributed(job(""), 2);
  EXPECT_EQ(Difference(Published("out/"), "SELECT 'w' || i % 7 AS key, count(*)::VARCHAR AS value FROM range(3000) t(i) GROUP BY ALL UNION ALL "
                                          "SELECT 'x', '3000'"), 0);
  EXPECT_THAT(report_, HasSubstr("\"word_count,lines\":3001"));
  RunDistributed(job(R"j(, "columns": {"key": "VARCHAR", "n": "BIGINT"})j"), 2);
  EXPECT_EQ(Sql("SELECT sum(n)::BIGINT FROM (" + Published("out/") + ")").Integer(0, 0), 6000);
  EXPECT_THAT(PlanError(job(R"j(, "partition": {"library": "lib/libword_count.so"})j")).message(), HasSubstr("no partitioner"));
  EXPECT_THAT(PlanError(job(R"j(, "columns": {"n": "NUMBERS"})j")).message(), HasSubstr("stage 'words': columns"));
}

TEST_F(Beside, LostPairsAreMadeAgain) {
  const std::string job = std::string("{") + kOrders + R"j(, "stages": [{"name": "pairs", "map": {"command": ["cut", "-f", "2,3"]}, "reduce": {"command": ["cat"]},
      "columns": {"customer": "VARCHAR", "amount": "BIGINT"}}, {"name": "totals", "aggregate": {"by": ["customer"], "select": {"total": "sum(amount)"}}}],
      "output": {"path": "out/"}})j";
  RunDistributed(job, 2, 3, {{0, 0}, {1, 1}});
  EXPECT_EQ(Difference(Published("out/"), "SELECT customer, sum(amount) AS total FROM orders GROUP BY customer"), 0);
}

TEST_F(Beside, StagesArePublishedBesideTheOutputReadOnOrNot) {
  const std::string job = std::string("{") + kOrders + R"j(, "stages": [
      {"name": "small", "sql": "SELECT * FROM orders WHERE amount < 3", "inputs": ["orders"], "output": {"path": "beside/small/", "format": "csv", "partition_by": ["amount"]}},
      {"name": "odd", "sql": "SELECT id, note FROM orders WHERE note IS NOT NULL", "inputs": ["orders"], "output": {"path": "beside/odd/", "format": "jsonl"}},
      {"name": "totals", "inputs": ["small"], "aggregate": {"by": ["customer"], "select": {"n": "count(*)"}}, "output": {"path": "beside/totals/"}},
      {"name": "most", "order_by": ["n DESC", "customer"], "limit": 5}], "output": {"path": "out/"}})j";
  for (const bool fused : {false, true}) {
    std::filesystem::remove_all(Path("beside"));
    if (fused) {
      const JobPlan plan = Plan(job);
      const auto result = RunFusedTask(MakeSite(job), {.plan = plan});
      ASSERT_TRUE(result.ok()) << result.status().ToString();
      PublishWork work{.files = result->files, .output = plan.output};
      for (const StagePlan& stage : plan.stages) work.sides.insert(work.sides.end(), stage.sides.begin(), stage.sides.end());
      EXPECT_EQ(work.sides.size(), 3u);
      const auto published = Publish(job, work);
      ASSERT_TRUE(published.ok()) << published.status().ToString();
    } else {
      RunDistributed(job, 3);
      EXPECT_THAT(report_, HasSubstr("\"beside\":[{"));
    }
    EXPECT_EQ(Difference("FROM read_csv(" + sql::QuoteText(Path("beside/small/*/*.csv")) + ", hive_partitioning=true)",
                         "SELECT id, customer, note, amount FROM orders WHERE amount < 3"), 0);
    EXPECT_EQ(Difference("FROM read_json(" + sql::QuoteText(Path("beside/odd/*.jsonl")) + ")", "SELECT id, note FROM orders WHERE note IS NOT NULL"), 0);
    const std::string totals = "SELECT customer, count(*) AS n FROM orders WHERE amount < 3 GROUP BY customer";
    EXPECT_EQ(Difference(Published("beside/totals/"), totals), 0);
    EXPECT_EQ(Difference(Published("out/"), "FROM (" + totals + ") ORDER BY n DESC, customer LIMIT 5"), 0);
  }
}

class Cached : public Beside {
 protected:
  static std::string Job(const std::string& key, const std::string& where = "amount > 2") {
    return std::string("{") + kOrders + R"j(, "stages": [{"name": "wanted", "sql": "SELECT customer, amount FROM orders WHERE )j" + where + R"j("},
      {"name": "totals", "aggregate": {"by": ["customer"], "select": {"n": "count(*)", "total": "sum(amount)"}}, "cache": {"key": ")j" + key + R"j(", "ttl": "1d"}},
      {"name": "most", "order_by": ["total DESC", "customer"], "limit": 5}], "output": {"path": "out/"}})j";
  }
  static constexpr const char* kTotals = "SELECT customer, count(*) AS n, sum(amount) AS total FROM orders WHERE amount > 2 GROUP BY customer";
  void Run(const std::string& job) {
    RunDistributed(job, 2);
    EXPECT_EQ(Difference(Published("out/"), std::string("FROM (") + kTotals + ") ORDER BY total DESC, customer LIMIT 5"), 0);
  }
  std::vector<std::string> Entries() {
    std::vector<std::string> entries;
    for (const auto& entry : std::filesystem::directory_iterator(Path(".millrace/cache"))) {
      if (entry.is_directory() && entry.path().filename().string()[0] != '.') entries.push_back(entry.path().string());
    }
    return entries;
  }
};

TEST_F(Cached, WhatAJobKeptTheNextOneReadsInsteadOfComputingIt) {
  Run(Job("a"));
  EXPECT_THAT(report_, HasSubstr("\"cached\":[{\"stage\":\"totals\",\"hit\":false}]"));
  ASSERT_EQ(Entries().size(), 1u);
  Run(Job("a"));
  EXPECT_THAT(report_, HasSubstr("\"cached\":[{\"stage\":\"totals\",\"hit\":true,"));
  const JobPlan plan = Plan(Job("a"));
  ASSERT_EQ(plan.inputs.size(), 1u);
  EXPECT_EQ(plan.inputs[0].name, "totals");
  EXPECT_EQ(plan.inputs[0].columns, (std::vector<Column>{{"customer", "VARCHAR"}, {"n", "BIGINT"}, {"total", "HUGEINT"}}));
  RunFused(Job("a"));
  EXPECT_EQ(Difference(Published("out/"), std::string("FROM (") + kTotals + ") ORDER BY total DESC, customer LIMIT 5"), 0);
}

TEST_F(Cached, AnotherKeyOtherSqlAndChangedFilesAreNotTheSameRows) {
  Run(Job("a"));
  const auto hit = [this](const std::string& job) { return Plan(job).cached.at(0).hit; };
  EXPECT_TRUE(hit(Job("a")));
  EXPECT_FALSE(hit(Job("b")));
  EXPECT_FALSE(hit(Job("a", "amount > 3")));
  Sql("INSERT INTO orders VALUES (9999, 'c1', 8, NULL)");
  Sql("COPY orders TO " + sql::QuoteText(Path("orders.csv")));
  EXPECT_FALSE(hit(Job("a")));
  Run(Job("a"));
  EXPECT_TRUE(hit(Job("a")));
  EXPECT_EQ(Entries().size(), 2u);
}

TEST_F(Cached, WhatHasEndedAndUnderPressureWhatWasUsedLongestAgoIsDropped) {
  Run(Job("a"));
  Run(Job("b"));
  Run(Job("c"));
  const std::string a = Path(Plan(Job("a")).cached.at(0).path);
  const std::string b = Path(Plan(Job("b")).cached.at(0).path);
  const std::string c = Path(Plan(Job("c")).cached.at(0).path);
  const auto now = std::filesystem::file_time_type::clock::now();
  const auto used = [&](const std::string& folder, int hours) { std::filesystem::last_write_time(folder + ".json", now - std::chrono::hours(hours)); };
  const WallTime today = WallFromMicros(Sql("SELECT epoch_us(now())").Integer(0, 0));
  const CacheLimits roomy{.most_bytes = 1 << 30, .least_free_bytes = 0};
  const CacheLimits tight{.most_bytes = 1, .least_free_bytes = 0};
  EXPECT_EQ(DropCached(root_, tight, today), std::vector<std::string>{});  // all in use
  used(a, 2);
  used(b, 5);
  EXPECT_EQ(DropCached(root_, roomy, today), std::vector<std::string>{});
  EXPECT_EQ(DropCached(root_, {.most_bytes = 1 << 30, .least_free_bytes = std::int64_t{1} << 60}, today), (std::vector<std::string>{b, a}));
  EXPECT_EQ(Entries(), std::vector<std::string>{c});
  EXPECT_FALSE(Plan(Job("a")).cached.at(0).hit);
  used(c, 2);
  EXPECT_EQ(DropCached(root_, roomy, today + std::chrono::hours(23)), std::vector<std::string>{});
  EXPECT_EQ(DropCached(root_, roomy, today + std::chrono::hours(25)), std::vector<std::string>{c});
  Run(Job("a"));
}

}  // namespace
}  // namespace millrace::mapreduce
