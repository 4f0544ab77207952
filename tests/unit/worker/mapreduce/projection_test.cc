// What a job's SQL does not name is not read: counted in values and columns, never in seconds.
#include <gmock/gmock.h>

#include "tests/unit/worker/mapreduce/local_job.h"
#include "worker/mapreduce/inputs.h"

namespace millrace::mapreduce {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kRows = 5000;

class Projection : public LocalJob {
 protected:
  void SetUp() override {
    LocalJob::SetUp();
    std::filesystem::create_directories(Path("in"));
  }
  void Make(const std::string& name, const std::string& options) {
    Sql("COPY (SELECT i AS id, i % 7 AS k, i / 2.0 AS x, 'text ' || i AS unread_text, DATE '2001-01-01' + (i % 9)::INTEGER AS unread_day, "
        "i % 2 = 0 AS flag FROM range(" + std::to_string(kRows) + ") t(i)) TO '" + Path("in/" + name) + "' (" + options + ")");
  }
  // The views of the plan's first stage over all of its splits, in our connection.
  InputViews Open(const std::string& with, const JobPlan& plan) {
    const StagePlan& stage = plan.stages.at(0);
    auto views = CreateInputViews(*connection_, MakeSite(with).spec, plan.inputs, plan.splits);
    EXPECT_TRUE(views.ok()) << views.status().ToString();
    EXPECT_TRUE(RunSteps(*connection_, stage.steps).ok());
    return views.ok() ? *std::move(views) : InputViews{};
  }
  // map names k, x and flag, of which the aggregate needs two.
  static std::string Job(const std::string& name) {
    return R"j({"inputs": {"rows": {"path": "in/)j" + name + R"j("}}, "output": {"path": "out/"}, "map": "SELECT k, x, flag FROM rows",
      "aggregate": {"by": ["k"], "select": {"n": "count(*)", "total": "sum(x)"}}})j";
  }
  std::string Result(const JobPlan& plan) const { return "SELECT * FROM " + sql::QuoteName(plan.stages.at(0).result); }
};

class ProjectionOfText : public Projection, public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(ProjectionOfText, OnlyWhatTheStagesNeedOfARecordIsMadeValuesOf) {
  const auto& [name, options] = GetParam();
  Make(name, options);
  const std::string with = Job(name);
  const JobPlan plan = Plan(with);
  ASSERT_TRUE(plan.inputs.at(0).own_reader);
  ASSERT_EQ(plan.inputs[0].columns.size(), 6u);
  const InputViews views = Open(with, plan);
  ASSERT_EQ(views.files.size(), 1u);
  const sql::FileInput& file = *views.files.front();
  EXPECT_EQ(Sql(Result(plan)).row_count(), 7u);
  EXPECT_EQ(file.rows(), kRows);
  EXPECT_EQ(file.values(), 2 * kRows) << "k and x";
  Sql("SELECT count(*) FROM rows");
  EXPECT_EQ(file.rows(), 2 * kRows);
  const std::uint64_t before = file.values();
  EXPECT_LE(before, 3 * kRows) << "to count them needs one column at most";
  Sql("SELECT bit_xor(hash(COLUMNS(*))) FROM rows");
  EXPECT_EQ(file.values() - before, 6 * kRows);
}
INSTANTIATE_TEST_SUITE_P(Formats, ProjectionOfText,
                         testing::Values(std::pair("rows.csv", "HEADER"), std::pair("rows.csv.gz", "HEADER, COMPRESSION gzip"),
                                         std::pair("rows.jsonl", "FORMAT json")));

TEST_F(Projection, OnlyWhatTheStagesNeedIsReadOfParquet) {
  Make("rows.parquet", "ROW_GROUP_SIZE 2048");
  const std::string with = Job("rows.parquet");
  const JobPlan plan = Plan(with);
  ASSERT_GT(plan.splits.size(), 1u);
  JobPlan some = plan;
  some.splits.pop_back();  // ranges of rows, as a map task has them
  for (const JobPlan& one : {plan, some}) {
    const InputViews views = Open(with, one);
    const sql::Result explained = Sql("EXPLAIN (FORMAT json) " + Result(plan));
    const std::string text(explained.Text(1, 0));
    EXPECT_THAT(text, HasSubstr("\"Projections\""));
    EXPECT_THAT(text, HasSubstr("x"));
    EXPECT_THAT(text, Not(HasSubstr("unread_")));
    EXPECT_THAT(text, Not(HasSubstr("flag")));
  }
}

}  // namespace
}  // namespace millrace::mapreduce
