#include "worker/tasks/sensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/model/json.h"
#include "tests/unit/worker/tasks/recording_context.h"
#include "worker/sql/instance.h"

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SensorsTest : public testing::Test {
 protected:
  SensorsTest() {
    std::string pattern = testing::TempDir() + "millrace-sensors-XXXXXX";
    root_ = fs::canonical(mkdtemp(pattern.data())).string();
    workplace_.root = root_;
  }
  ~SensorsTest() override { fs::remove_all(root_); }

  void Write(const std::string& path) {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << "x";
  }
  TaskEnd File(const std::string& path, bool recursive = false) {
    RecordingContext context(root_, "sensor_file",
                             ToJson(Value::Map{{"path", path}, {"recursive", recursive}}));
    return FileSensor().Run(context);
  }
  TaskEnd Sql(const std::string& sql, bool fail_on_empty = false, const std::string& connection = "lake") {
    RecordingContext context(
        root_, "sensor_sql",
        ToJson(Value::Map{{"sql", sql}, {"connection", connection}, {"fail_on_empty", fail_on_empty}}));
    context.connections["lake"] = "duckdb:lake.duckdb";
    return SqlSensor(workplace_).Run(context);
  }
  void Warehouse(const std::string& sql) {
    const auto instance = *sql::Instance::Open({.path = root_ + "/lake.duckdb", .sandboxed = false});
    const auto connection = *instance->Connect();
    ASSERT_TRUE(connection->Run(sql).ok());
  }

  std::string root_;
  Workplace workplace_;
};

TEST_F(SensorsTest, ACommandIsLookedAtAgainUntilItSucceeds) {
  const auto look = [&](const Value& with, TaskEnd* end) {
    RecordingContext context(root_, "sensor_shell", ToJson(with));
    *end = ShellSensorEntry({}).make()->Run(context);
    return context.log;
  };
  Value with = Value::Map{{"command", "echo looked; echo n=1 >> $MILLRACE_OUTPUT; test -e " + root_ + "/go"}};
  TaskEnd end;
  EXPECT_EQ(look(with, &end), "looked\n");
  EXPECT_EQ(end.outcome, Outcome::kNotYet);
  EXPECT_THAT(end.message, HasSubstr("exit code 1: looked"));
  Write("go");
  look(with, &end);
  EXPECT_EQ(end.outcome, Outcome::kSuccess);
  EXPECT_EQ(end.xcoms.size(), 1u);
  with = Value::Map{{"command", "exit 7"}, {"retry_exit_code", 3}};
  look(with, &end);
  EXPECT_EQ(end.outcome, Outcome::kFailed);
  with.Set("retry_exit_code", 7);
  look(with, &end);
  EXPECT_EQ(end.outcome, Outcome::kNotYet);
  with = Value::Map{{"command", "exit 99"}};
  look(with, &end);
  EXPECT_EQ(end.outcome, Outcome::kSkipped);
  with.Set("skip_on_exit_code", Value());
  look(with, &end);
  EXPECT_EQ(end.outcome, Outcome::kNotYet);
}

TEST_F(SensorsTest, AFileIsSeenWhenItIsThere) {
  const TaskEnd before = File("in/a.csv");
  EXPECT_EQ(before.outcome, Outcome::kNotYet);
  EXPECT_THAT(before.message, HasSubstr("in/a.csv"));
  Write("in/a.csv");
  const TaskEnd after = File("in/a.csv");
  EXPECT_EQ(after.outcome, Outcome::kSuccess);
  EXPECT_EQ(after.result, R"(["in/a.csv"])");
}

TEST_F(SensorsTest, AFolderIsThereWhenAFileIsInIt) {
  fs::create_directories(root_ + "/in/deep");
  EXPECT_EQ(File("in").outcome, Outcome::kNotYet);
  Write("in/deep/_SUCCESS");
  EXPECT_EQ(File("in").outcome, Outcome::kSuccess);
}

TEST_F(SensorsTest, APatternMatchesWithinAFolderAndRecursivelyBelowIt) {
  Write("in/2001/a.csv");
  Write("in/2001/b.csv");
  Write("in/.hidden/c.csv");
  EXPECT_EQ(File("in/*.csv").outcome, Outcome::kNotYet);
  EXPECT_EQ(File("in/*/[ab].csv").result, R"(["in/2001/a.csv","in/2001/b.csv"])");
  EXPECT_EQ(File("in/**/b.csv", true).result, R"(["in/2001/b.csv"])");
  EXPECT_EQ(File("**/?.csv", true).result, R"(["in/2001/a.csv","in/2001/b.csv"])");
  EXPECT_EQ(File("in/**/c.csv", true).outcome, Outcome::kNotYet);
}

TEST_F(SensorsTest, NothingOutsideTheRootIsLookedAt) {
  for (const char* path : {"/etc/passwd", "../x", "/etc/*", "in/*/../../../x", ""})
    EXPECT_EQ(File(path).outcome, Outcome::kFailFinal) << path;
}

TEST_F(SensorsTest, TheFirstValueOfAQueryDecides) {
  Warehouse("CREATE TABLE t(n INTEGER)");
  EXPECT_EQ(Sql("SELECT n FROM t").outcome, Outcome::kNotYet);
  EXPECT_EQ(Sql("SELECT n FROM t").message, "no rows");
  EXPECT_EQ(Sql("SELECT n FROM t", true).outcome, Outcome::kFailed);
  EXPECT_EQ(Sql("SELECT count(*) FROM t").outcome, Outcome::kNotYet);
  Warehouse("INSERT INTO t VALUES (7)");
  EXPECT_EQ(Sql("SELECT n FROM t;").result, "7");
  EXPECT_EQ(Sql("SELECT count(*) > 1 FROM t").outcome, Outcome::kNotYet);
  for (const char* in_vain : {"SELECT NULL", "SELECT ''", "SELECT '0'", "SELECT 0.0"})
    EXPECT_EQ(Sql(in_vain).outcome, Outcome::kNotYet) << in_vain;
  EXPECT_EQ(Sql("SELECT 'yes'").result, "\"yes\"");
}

TEST_F(SensorsTest, ALookOpensTheDatabaseForReadingAndLeavesItClosed) {
  EXPECT_EQ(Sql("SELECT 1").outcome, Outcome::kNotYet);  // there is no such file yet
  EXPECT_FALSE(fs::exists(root_ + "/lake.duckdb"));
  Warehouse("CREATE TABLE t(n INTEGER)");
  EXPECT_EQ(Sql("INSERT INTO t VALUES (1)").outcome, Outcome::kFailFinal);
  EXPECT_EQ(Sql("SELECT no_such FROM t").outcome, Outcome::kFailFinal);
  EXPECT_EQ(Sql("SELECT 1", false, "").outcome, Outcome::kSuccess);
  EXPECT_NE(Sql("SELECT 1", false, "other").outcome, Outcome::kSuccess);
  Warehouse("INSERT INTO t VALUES (1)");
}

}  // namespace
}  // namespace millrace::tasks
