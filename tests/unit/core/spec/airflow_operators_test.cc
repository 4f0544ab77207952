#include "core/spec/airflow_operators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/json.h"
#include "core/model/yaml.h"
#include "core/spec/check_spec.h"
#include "core/spec/task_kind.h"
#include "tests/unit/core/spec/told.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kStandard = "airflow.providers.standard.operators.";
const std::string kSensors = "airflow.providers.standard.sensors.";
const std::string kSql = "airflow.providers.common.sql.operators.sql.";

// What dagbag makes of it: the fields, and all that is wrong with them.
std::string Translated(std::string_view path, const Value& written, Value* native = nullptr) {
  const TaskKind* kind = FindTaskKind(path);
  if (kind == nullptr) return UnknownTaskKind(path, {}).message;
  std::vector<Problem> problems;
  const Value with = TranslateArguments(path, written, problems);
  CheckFields(with, kind->fields, "with", problems);
  if (kind->check != nullptr) kind->check(with, problems);
  if (native != nullptr) *native = with;
  std::string all;
  for (const Problem& problem : problems)
    all += std::to_string(problem.where.line) + ": " + problem.message + " (" + problem.suggestion + ")\n";
  return all;
}

std::string KindOf(std::string_view path) {
  const TaskKind* kind = FindTaskKind(path);
  return kind == nullptr ? "" : kind->name;
}

std::vector<CheckSpec> ChecksOf(std::string_view path, std::string_view with) {
  Value native;
  EXPECT_EQ(Translated(path, Json(with), &native), "");
  const auto checks = ParseRenderedChecks(*native.Find("checks"));
  EXPECT_TRUE(checks.ok()) << checks.status().message();
  return checks.ok() ? *checks : std::vector<CheckSpec>{};
}

TEST(AirflowOperators, AreKnownByTheirPathsOfAirflow3AndOfAirflow2) {
  for (const auto& [path, kind] : std::vector<std::pair<std::string, std::string>>{
           {"operators.bash.BashOperator", "shell"},
           {"operators.python.PythonVirtualenvOperator", "python"},
           {"operators.python.BranchExternalPythonOperator", "python"},
           {"operators.latest_only.LatestOnlyOperator", "latest_only"},
           {"operators.trigger_dagrun.TriggerDagRunOperator", "trigger_dag"},
           {"sensors.bash.BashSensor", "sensor_shell"},
           {"sensors.python.PythonSensor", "sensor_python"},
           {"sensors.filesystem.FileSensor", "sensor_file"},
           {"sensors.external_task.ExternalTaskSensor", "sensor_external_task"}}) {
    EXPECT_EQ(KindOf("airflow.providers.standard." + path), kind) << path;
    EXPECT_EQ(KindOf("airflow." + path), kind) << path;
  }
  for (const char* name : {"SQLColumnCheckOperator", "SQLTableCheckOperator", "SQLCheckOperator",
                           "SQLValueCheckOperator", "SQLThresholdCheckOperator", "SQLIntervalCheckOperator"})
    EXPECT_EQ(KindOf(kSql + name), "check") << name;
  EXPECT_EQ(SteeringOf(kStandard + "python.BranchPythonVirtualenvOperator"), Steering::kBranch);
  EXPECT_EQ(SteeringOf("airflow.operators.python.ShortCircuitOperator"), Steering::kShortCircuit);
  EXPECT_EQ(FindTaskKind("airflow"), nullptr);
}

TEST(AirflowOperators, APathThatIsNotKnownIsToldTheOneThatWasMeant) {
  const Problem moved = UnknownTaskKind("airflow.contrib.operators.bash.BashOperator", {});
  EXPECT_EQ(moved.suggestion, "did you mean 'airflow.providers.standard.operators.bash.BashOperator'?");
  const Problem none = UnknownTaskKind("airflow.providers.amazon.aws.operators.s3.S3CopyObjectOperator", {});
  EXPECT_THAT(none.message, HasSubstr("is not supported"));
  EXPECT_THAT(none.suggestion, HasSubstr("'shell' or 'python'"));
}

TEST(AirflowOperators, VirtualEnvironmentsKeepTheirRequirements) {
  Value native;
  EXPECT_EQ(
      Translated(
          kStandard + "python.PythonVirtualenvOperator",
          Json(
              R"({"python_callable": "etl.report.build", "requirements": ["polars==1.9"], "python_version": "3.11",
                          "pip_install_options": ["--no-deps"], "index_urls": ["u1", "u2"], "env_vars": {"A": "b"},
                          "expect_airflow": false, "op_kwargs": {"day": {"$t": "{{ ds }}"}}})"),
          &native),
      "");
  EXPECT_EQ(native, Json(R"({"requirements": ["polars==1.9"], "python_version": "3.11",
                             "pip_options": ["--no-deps", "--index-url", "u1", "--extra-index-url", "u2"],
                             "env": {"A": "b"}, "args": {"day": {"$t": "{{ ds }}"}}, "file": "etl/report.py",
                             "function": "build", "system_site_packages": true})"));
  EXPECT_EQ(Translated("airflow.operators.python.PythonVirtualenvOperator",
                 Json(R"({"python_callable": "a.b", "requirements": "etl/requirements.txt"})"), &native),
            "");
  EXPECT_EQ(*native.Find("requirements_file"), Value("etl/requirements.txt"));
}

TEST(AirflowOperators, FunctionsAreGivenTheirArgumentsByPositionAndByName) {
  Value native;
  EXPECT_EQ(Translated("airflow.operators.python.PythonOperator",
                 Json(R"({"python_callable": "a.b", "op_args": [1, {"$x": "list"}], "op_kwargs": {"n": 1},
                          "templates_dict": {"sql": "{{ ds }}"}})"),
                 &native),
            "");
  EXPECT_EQ(native, Json(R"({"positional": [1, {"$x": "list"}],
                             "args": {"n": 1, "templates_dict": {"sql": "{{ ds }}"}}, "file": "a.py",
                             "function": "b"})"));
  EXPECT_EQ(Translated(kSensors + "python.PythonSensor",
                 Json(R"({"python_callable": "a.b", "op_args": [1], "templates_dict": {"x": 1}})"), &native),
            "");
  EXPECT_EQ(*native.Find("args"), Json(R"({"templates_dict": {"x": 1}})"));
}

TEST(AirflowOperators, SensorsOfCommandsAndFunctionsAreOurs) {
  Value native;
  EXPECT_EQ(
      Translated(
          kSensors + "bash.BashSensor",
          Json(
              R"({"bash_command": "test -e x", "retry_exit_code": 1, "poke_interval": 5, "mode": "reschedule"})"),
          &native),
      "");
  EXPECT_EQ(*native.Find("command"), Value("test -e x"));
  EXPECT_EQ(*native.Find("skip_on_exit_code"),
            Value(Value::List{}));  // 99 is a look in vain there, as any other
  EXPECT_EQ(Translated(kStandard + "bash.BashOperator", Json(R"({"bash_command": "x", "skip_on_exit_code": null})"),
                 &native),
            "");
  EXPECT_EQ(*native.Find("skip_on_exit_code"), Value(Value::List{}));
  EXPECT_EQ(
      Translated(kSensors + "python.PythonSensor",
           Json(R"({"python_callable": "etl.ready.look", "op_kwargs": {"n": 1}, "timeout": 60})"), &native),
      "");
  EXPECT_EQ(native, Json(R"({"args": {"n": 1}, "timeout": 60, "file": "etl/ready.py", "function": "look"})"));
  EXPECT_TRUE(FindTaskKind(kSensors + "bash.BashSensor")->sensor);
}

TEST(AirflowOperators, HttpOperatorsSayTheirDefaults) {
  Value native;
  EXPECT_EQ(Translated("airflow.providers.http.operators.http.HttpOperator",
                 Json(R"({"endpoint": "run", "data": "{}", "log_response": true})"), &native),
            "");
  EXPECT_EQ(native,
            Json(R"({"endpoint": "run", "data": "{}", "connection": "http_default", "method": "POST"})"));
}

TEST(AirflowOperators, ColumnChecksAreOneCheckEach) {
  const auto checks = ChecksOf(kSql + "SQLColumnCheckOperator", R"({
      "conn_id": "warehouse", "table": "gold.delays", "partition_clause": "year = 2001",
      "column_mapping": {"delay": {"null_check": {"equal_to": 0, "tolerance": 0.1},
                                   "max": {"greater_than": -10, "leq_to": 2000, "tolerance": 0.5,
                                           "partition_clause": "state = 'CA'"}},
                         "id": {"unique_check": {"equal_to": 0}, "distinct_check": {"geq_to": 3}}}})");
  ASSERT_EQ(checks.size(), 4u);
  EXPECT_EQ(checks[0].name, "delay.null_check");
  EXPECT_EQ(checks[0].sql, "SELECT count(*) - count(\"delay\") FROM input WHERE (year = 2001)");
  EXPECT_THAT(checks[0].bounds,
              ElementsAre(Bound{Comparison::kGreaterEqual, 0}, Bound{Comparison::kLessEqual, 0}));
  EXPECT_EQ(checks[1].sql,
            "SELECT coalesce(max(\"delay\"), 0) FROM input WHERE (year = 2001) AND (state = 'CA')");
  EXPECT_THAT(checks[1].bounds,
              ElementsAre(Bound{Comparison::kLessEqual, 3000}, Bound{Comparison::kGreater, -15}));
  EXPECT_EQ(checks[2].sql, "SELECT count(\"id\") - count(DISTINCT \"id\") FROM input WHERE (year = 2001)");
  EXPECT_THAT(checks[3].bounds, ElementsAre(Bound{Comparison::kGreaterEqual, 3}));
}

TEST(AirflowOperators, TheOtherChecksAreAboutTheFirstRowOfASelect) {
  const auto table = ChecksOf(kSql + "SQLTableCheckOperator", R"({"conn_id": "w", "table": "t", "checks": {
      "sums": {"check_statement": "a + b = c", "partition_clause": "a > 0"}}})");
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table[0].name, "sums");
  EXPECT_EQ(table[0].sql,
            "SELECT min(holds) FROM (SELECT CASE WHEN a + b = c THEN 1 ELSE 0 END AS holds FROM input WHERE "
            "(a > 0))");
  EXPECT_TRUE(table[0].bounds.empty());
  EXPECT_EQ(ChecksOf(kSql + "SQLCheckOperator", R"({"conn_id": "w", "sql": "SELECT 1"})").at(0).sql,
            "SELECT 1");
  const auto value = ChecksOf(kSql + "SQLValueCheckOperator",
                              R"({"conn_id": "w", "sql": "SELECT 1", "pass_value": "10", "tolerance": 0.1})");
  EXPECT_THAT(value.at(0).bounds,
              ElementsAre(Bound{Comparison::kGreaterEqual, 9}, Bound{Comparison::kLessEqual, 11}));
  EXPECT_EQ(
      ChecksOf(kSql + "SQLValueCheckOperator", R"({"conn_id": "w", "sql": "SELECT 1", "pass_value": "ok"})")
          .at(0)
          .equal_to,
      Value("ok"));
  const auto threshold =
      ChecksOf(kSql + "SQLThresholdCheckOperator",
               R"({"conn_id": "w", "sql": "SELECT 1", "min_threshold": 1, "max_threshold": "SELECT 9"})");
  EXPECT_THAT(threshold.at(0).bounds, ElementsAre(Bound{Comparison::kGreaterEqual, 1}));
  EXPECT_EQ(threshold.at(0).max, Value("SELECT 9"));
  Value native;
  EXPECT_EQ(
      Translated(
          kSql + "SQLIntervalCheckOperator",
          Json(
              R"j({"conn_id": "w", "table": "t", "days_back": 3, "metrics_thresholds": {"count(*)": 1.5}})j"),
          &native),
      "");
  const std::string sql = native.Find("checks")->as_list().at(0).Find("sql")->as_string();
  EXPECT_THAT(sql, AllOf(HasSubstr("\"ds\" = '{{ ds }}'"), HasSubstr("macros.ds_add(ds, -3)"),
                         HasSubstr("greatest")));
  EXPECT_EQ(*native.Find("retry_on_failure"), Value(true));
}

TEST(AirflowOperators, AllThatIsWrongIsToldAtOnceEachAtItsPlace) {
  const YamlText yaml = ParseYaml(R"(
conn_id: w
table: t
retries: 3
column_mapping:
  delay:
    nul_check: {equal_to: 0}
    min: {at_least: 3}
    max: {}
    null_check: {equal_to: many}
)");
  ASSERT_TRUE(yaml.problems.empty());
  const std::string told = Translated(kSql + "SQLColumnCheckOperator", yaml.documents[0]);
  EXPECT_THAT(told,
              HasSubstr("4: SQLColumnCheckOperator: 'retries' is about the task (write it beside 'with'"));
  EXPECT_THAT(
      told,
      HasSubstr(
          "7: SQLColumnCheckOperator: column 'delay': there is no 'nul_check' (did you mean 'null_check'?)"));
  EXPECT_THAT(told,
              HasSubstr("8: SQLColumnCheckOperator: delay.min: there is no 'at_least' (there are: equal_to"));
  EXPECT_THAT(told, HasSubstr("9: SQLColumnCheckOperator: delay.max compares with nothing"));
  EXPECT_THAT(told, HasSubstr("10: SQLColumnCheckOperator: delay.null_check.equal_to must be a number"));
  EXPECT_THAT(
      Translated(kStandard + "python.PythonOperator",
           Json(R"({"python_callable": "a.b", "string_args": [1], "templates_dict": null, "pyhton": 1})")),
      AllOf(HasSubstr("PythonOperator: 'string_args' is not possible here (give them by name"),
            HasSubstr("unknown field 'pyhton' (did you mean 'python'?)"),
            ::testing::Not(HasSubstr("templates_dict"))));
  EXPECT_THAT(Translated(kStandard + "python.PythonOperator",
                   Json(R"({"python_callable": "a.b", "op_kwargs": {"$x": "list"}, "templates_dict": {"q": "x"}})")),
              HasSubstr("'templates_dict' goes with an op_kwargs that is written out"));
  EXPECT_THAT(Translated(kStandard + "python.PythonOperator", Json(R"({"python_callable": "a.b", "op_args": {"n": 1}})")),
              HasSubstr("'positional' must be a list"));
  EXPECT_THAT(
      Translated(kSql + "SQLTableCheckOperator", Json(R"({"table": "t", "checks": {"a": {"statement": "x"}}})")),
      AllOf(HasSubstr("there is no 'statement'"), HasSubstr("has no check_statement"),
            HasSubstr("'table' needs 'connection'")));
  EXPECT_THAT(Translated(kSql + "SQLThresholdCheckOperator", Json(R"({"sql": "SELECT 1", "min_threshold": 1})")),
              HasSubstr("'max_threshold' is missing"));
}

}  // namespace
}  // namespace millrace
