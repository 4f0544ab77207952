#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/model/json.h"
#include "core/spec/task_kind.h"
#include "platform/clock.h"
#include "tests/unit/worker/tasks/recording_context.h"
#include "worker/lake/manifest.h"
#include "worker/lake/path.h"
#include "worker/tasks/check.h"
#include "worker/tasks/extract.h"
#include "worker/tasks/load.h"
#include "worker/tasks/sql.h"

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;

class DataTasksTest : public testing::Test {
 protected:
  DataTasksTest() {
    std::string pattern = testing::TempDir() + "millrace-tasks-XXXXXX";
    root_ = fs::canonical(mkdtemp(pattern.data())).string();
    before_ = fs::current_path();
    fs::current_path(root_);  // as a runner does
    workplace_.root = root_;
    workplace_.threads = 2;
  }
  ~DataTasksTest() override {
    fs::current_path(before_);
    fs::remove_all(root_);
  }

  TaskEnd Extract(const std::string& sql, int files = 1, Fence fence = {1, 1}) {
    RecordingContext context(
        root_, "extract",
        ToJson(Value::Map{{"sql", sql}, {"to", "lake/raw"}, {"files", std::int64_t{files}}}));
    context.mutable_assignment().fence = fence;
    return ExtractTask(workplace_).Run(context);
  }
  TaskEnd Load(Value with, Fence fence = {1, 1}, const std::string& run_id = "r1") {
    with.Set("connection", "warehouse");
    with.Set("table", "delays");
    with.Set("input", "lake/raw");
    RecordingContext context(root_, "load", ToJson(with));
    context.mutable_assignment().fence = fence;
    context.mutable_assignment().run_id = run_id;
    context.connections["warehouse"] = "duckdb:warehouse.duckdb";
    return LoadTask(workplace_).Run(context);
  }
  std::int64_t Warehouse(const std::string& select) {
    std::unique_ptr<sql::Instance> instance =
        *sql::Instance::Open({.path = root_ + "/warehouse.duckdb", .read_only = true, .sandboxed = false});
    return (*instance->Connect())->Run(select)->Integer(0, 0);
  }

  std::string root_;
  fs::path before_;
  Workplace workplace_;
  platform::SystemClock clock_;
};

TEST_F(DataTasksTest, AnExtractPublishesSoManyFilesWithAllRowsOnce) {
  const TaskEnd end = Extract("SELECT range AS n FROM range(1001)", 4);
  ASSERT_EQ(end.outcome, Outcome::kSuccess) << end.message;
  const lake::Manifest manifest = *lake::ReadManifest(root_ + "/lake/raw");
  EXPECT_EQ(manifest.files.size(), 4U);
  EXPECT_EQ(ParseJson(end.result)->Find("rows")->as_int(), 1001);
  std::unique_ptr<sql::Instance> instance = *sql::Instance::Open({.sandboxed = false});
  EXPECT_EQ(
      (*instance->Connect())->Run("SELECT sum(n) FROM read_parquet('lake/raw/*.parquet')")->Integer(0, 0),
      500500);
  EXPECT_TRUE(fs::is_empty(root_ + "/.millrace/staging")) << "nothing half-written is left";
}

TEST_F(DataTasksTest, BadSqlIsRefusedForGoodAndLeavesNothing) {
  for (const char* sql :
       {"SELEC 1", "SELECT nope FROM range(3)", "CREATE TABLE x AS SELECT 1", "SELECT 1; SELECT 2"}) {
    const TaskEnd end = Extract(sql);
    EXPECT_EQ(end.outcome, Outcome::kFailFinal) << sql << ": " << end.message;
    EXPECT_EQ(end.message.find('\n'), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(root_ + "/lake/raw"));
}

TEST_F(DataTasksTest, SqlCannotLeaveTheRoot) {
  const TaskEnd end = Extract("SELECT * FROM read_text('/etc/passwd')");
  EXPECT_NE(end.outcome, Outcome::kSuccess);
  EXPECT_FALSE(fs::exists(root_ + "/lake/raw"));
}

TEST_F(DataTasksTest, ATruncatedParquetFileFailsTheAttemptInOneLine) {
  ASSERT_EQ(Extract("SELECT range AS n FROM range(100000)").outcome, Outcome::kSuccess);
  const std::string file = root_ + "/lake/raw/part-00000.parquet";
  fs::resize_file(file, fs::file_size(file) / 2);
  const TaskEnd end = Load(Value::Map{{"mode", "append"}});
  EXPECT_NE(end.outcome, Outcome::kSuccess);
  EXPECT_NE(end.message.find("part-00000.parquet"), std::string::npos) << end.message;
}

TEST_F(DataTasksTest, AppendingARunAgainReplacesItsOwnRowsOnly) {
  ASSERT_EQ(Extract("SELECT range AS n FROM range(10)").outcome, Outcome::kSuccess);
  ASSERT_EQ(Load(Value::Map{{"mode", "append"}}, {1, 1}, "r1").outcome, Outcome::kSuccess);
  ASSERT_EQ(Load(Value::Map{{"mode", "append"}}, {1, 2}, "r2").outcome, Outcome::kSuccess);
  ASSERT_EQ(Load(Value::Map{{"mode", "append"}}, {1, 3}, "r1").outcome, Outcome::kSuccess);
  EXPECT_EQ(Warehouse("SELECT count(*) FROM delays"), 20);
}

TEST_F(DataTasksTest, MergeReplacesRowsWithTheSameKeyAndRefusesAmbiguousOnes) {
  ASSERT_EQ(Extract("SELECT range AS n, 1 AS v FROM range(10)").outcome, Outcome::kSuccess);
  const Value merge = Value::Map{{"mode", "merge"}, {"key", Value::List{"n"}}};
  ASSERT_EQ(Load(merge).outcome, Outcome::kSuccess);
  ASSERT_EQ(Extract("SELECT range AS n, 2 AS v FROM range(5, 15)", 1, {1, 2}).outcome, Outcome::kSuccess);
  ASSERT_EQ(Load(merge, {1, 2}, "r2").outcome, Outcome::kSuccess);
  EXPECT_EQ(Warehouse("SELECT count(*) * 100 + sum(v) FROM delays"), 15 * 100 + 5 + 20);
  ASSERT_EQ(Extract("SELECT 1 AS n, range AS v FROM range(2)", 1, {1, 3}).outcome, Outcome::kSuccess);
  EXPECT_EQ(Load(merge, {1, 3}, "r3").outcome, Outcome::kFailFinal);
  EXPECT_EQ(Warehouse("SELECT count(*) FROM delays"), 15) << "nothing of the refused load stands";
}

TEST_F(DataTasksTest, AnOlderAttemptCannotLoadAfterItsSuccessor) {
  ASSERT_EQ(Extract("SELECT range AS n FROM range(10)").outcome, Outcome::kSuccess);
  ASSERT_EQ(Load(Value::Map{{"mode", "overwrite"}}, {2, 1}).outcome, Outcome::kSuccess);
  ASSERT_EQ(Extract("SELECT range AS n FROM range(3)", 1, {2, 2}).outcome, Outcome::kSuccess);
  const TaskEnd zombie = Load(Value::Map{{"mode", "overwrite"}}, {1, 9});
  EXPECT_NE(zombie.outcome, Outcome::kSuccess);
  EXPECT_EQ(Warehouse("SELECT count(*) FROM delays"), 10);
}

TEST_F(DataTasksTest, AFailedCheckNamesItselfShowsRowsAndQuarantinesThem) {
  ASSERT_EQ(
      Extract("SELECT range AS n, CASE WHEN range = 7 THEN NULL ELSE 'a' END AS s FROM range(10)").outcome,
      Outcome::kSuccess);
  RecordingContext context(
      root_, "check",
      R"json({"input": "lake/raw", "checks": ["row_count > 5", "not_null(s)"], "quarantine": "lake/bad"})json");
  const TaskEnd end = CheckTask(workplace_, clock_).Run(context);
  EXPECT_EQ(end.outcome, Outcome::kFailFinal);
  EXPECT_NE(end.message.find("not_null(s) (1 of 10 rows fail)"), std::string::npos) << end.message;
  EXPECT_NE(context.log.find(R"("n":7)"), std::string::npos) << context.log;
  EXPECT_EQ(lake::ReadManifest(root_ + "/lake/bad")->files.at(0).rows, 1);
}

TEST_F(DataTasksTest, AContractIsCheckedWhole) {
  ASSERT_EQ(Extract("SELECT range::INTEGER AS n FROM range(10)").outcome, Outcome::kSuccess);
  RecordingContext context(root_, "check", R"json({"input": "lake/raw", "contract": "contracts/n.yml"})json");
  context.files["contracts/n.yml"] =
      "name: n\nversion: 1.0.0\nowner: me\nschema:\n  - {name: n, type: INTEGER, nullable: false, unique: "
      "true}\nquality:\n  - row_count > 5\n";
  const TaskEnd end = CheckTask(workplace_, clock_).Run(context);
  EXPECT_EQ(end.outcome, Outcome::kSuccess) << end.message << context.log;
}

TEST_F(DataTasksTest, ATableOfADatabaseIsCheckedWhereItLies) {
  RecordingContext fill(root_, "sql", R"json({"connection": "warehouse", "sql": [
      "CREATE SCHEMA gold", "CREATE TABLE gold.delays AS SELECT range AS n, DATE '2001-03-01' - (range % 2 * 7)::INTEGER AS ds FROM range(10)"]})json");
  fill.connections["warehouse"] = "duckdb:warehouse.duckdb";
  ASSERT_EQ(SqlTask(workplace_).Run(fill).outcome, Outcome::kSuccess);
  const auto check = [&](const std::string& checks, const std::string& more = "") {
    RecordingContext context(root_, "check",
                             R"({"connection": "warehouse", "checks": [)" + checks + "]" + more + "}");
    context.connections["warehouse"] = "duckdb:warehouse.duckdb";
    return CheckTask(workplace_, clock_).Run(context);
  };
  const std::string table = R"(, "table": "gold.delays")";
  EXPECT_EQ(check(R"j("row_count = 10", "unique(n)")j", table).outcome, Outcome::kSuccess);
  const TaskEnd failed = check(R"j("max(n) < 5")j", table);
  EXPECT_EQ(failed.outcome, Outcome::kFailFinal);
  EXPECT_NE(failed.message.find("9, must be < 5"), std::string::npos) << failed.message;
  EXPECT_EQ(check(R"j("max(n) < 5")j", table + R"(, "retry_on_failure": true)").outcome, Outcome::kFailed);
  const auto value = [&](const std::string& sql, const std::string& bounds = "") {
    return check(R"({"type": "value", "name": "v", "sql": ")" + sql + "\"" + bounds + "}");
  };
  EXPECT_EQ(value("SELECT count(*) > 3, 'yes' FROM gold.delays").outcome, Outcome::kSuccess);
  EXPECT_NE(value("SELECT 1 AS a, 0 AS b").message.find("b: 0, must be true"), std::string::npos);
  EXPECT_NE(value("SELECT n FROM gold.delays WHERE false").message.find("no row"), std::string::npos);
  EXPECT_EQ(value("SELECT 9.5", R"(, "equal_to": 10, "tolerance": 0.1)").outcome, Outcome::kSuccess);
  EXPECT_EQ(value("SELECT 8.5", R"(, "equal_to": 10, "tolerance": 0.1)").outcome, Outcome::kFailFinal);
  EXPECT_EQ(value("SELECT 'ok'", R"(, "equal_to": "ok")").outcome, Outcome::kSuccess);
  EXPECT_NE(value("SELECT 7", R"(, "min": 1, "max": "SELECT min(n) FROM gold.delays")").message.find("7, must be <= 0"),
            std::string::npos);
  EXPECT_NE(value("SELECT NULL", R"(, "min": 1)").message.find("no value, must be >= 1"), std::string::npos);
  // What SQLIntervalCheckOperator becomes, rendered.
  Value interval = NativeWith("airflow.providers.common.sql.operators.sql.SQLIntervalCheckOperator",
                              *ParseJson(R"j({"conn_id": "warehouse", "table": "gold.delays",
                                              "metrics_thresholds": {"count(*)": 1.5, "max(n)": 1.1}})j"));
  const auto render = [](std::string_view text, FieldUse, Position) -> StatusOr<std::string> {
    std::string rendered(text);
    for (const auto& [from, to] : {std::pair{"{{ ds }}", "2001-03-01"}, std::pair{"{{ macros.ds_add(ds, -7) }}", "2001-02-22"}})
      rendered.replace(rendered.find(from), std::string_view(from).size(), to);
    return rendered;
  };
  interval = *RenderWith(*FindTaskKind("check"), interval, render);
  RecordingContext context(root_, "check", ToJson(interval));
  context.connections["warehouse"] = "duckdb:warehouse.duckdb";
  const TaskEnd far = CheckTask(workplace_, clock_).Run(context);
  EXPECT_EQ(far.outcome, Outcome::kFailed);
  EXPECT_NE(far.message.find("max(n) (1.125, must be < 1.1)"), std::string::npos) << far.message << context.log;
  EXPECT_EQ(far.message.find("count(*)"), std::string::npos) << far.message;
}

TEST_F(DataTasksTest, StatementsAreOneTransaction) {
  RecordingContext context(
      root_, "sql",
      R"json({"connection": "warehouse", "sql": ["CREATE TABLE a AS SELECT 1 AS x", "INSERT INTO nope VALUES (1)"]})json");
  context.connections["warehouse"] = "duckdb:warehouse.duckdb";
  EXPECT_EQ(SqlTask(workplace_).Run(context).outcome, Outcome::kFailFinal);
  RecordingContext again(root_, "sql",
                         R"({"connection": "warehouse", "sql": "CREATE TABLE a AS SELECT 2 AS x"})");
  again.connections = context.connections;
  EXPECT_EQ(SqlTask(workplace_).Run(again).outcome, Outcome::kSuccess);
  EXPECT_EQ(Warehouse("SELECT x FROM a"), 2);
}

TEST_F(DataTasksTest, ASelectIsShownInTheLogAsATableAndIsTheResult) {
  RecordingContext context(
      root_, "sql", R"({"sql": "SELECT 'é' AS name, 12 AS n UNION ALL SELECT 'long name', 3 ORDER BY n"})");
  const TaskEnd end = SqlTask(workplace_).Run(context);
  ASSERT_EQ(end.outcome, Outcome::kSuccess) << end.message;
  EXPECT_NE(context.log.find("name        n\nlong name   3\né          12\n"), std::string::npos)
      << context.log;
  EXPECT_EQ(ParseJson(end.result)->Find("rows")->as_list().size(), 2U);
}

TEST_F(DataTasksTest, AConnectionThatIsNotThereOrNotSupportedSaysWhatToDo) {
  RecordingContext missing(root_, "sql", R"({"connection": "nope", "sql": "SELECT 1"})");
  EXPECT_NE(SqlTask(workplace_).Run(missing).message.find("nope"), std::string::npos);
  RecordingContext other(root_, "sql", R"({"connection": "pg", "sql": "SELECT 1"})");
  other.connections["pg"] = "postgresql://u:secret@h/b";
  const TaskEnd end = SqlTask(workplace_).Run(other);
  EXPECT_EQ(end.outcome, Outcome::kFailFinal);
  EXPECT_EQ((end.message + other.log).find("secret"), std::string::npos);
}

}  // namespace
}  // namespace millrace::tasks
