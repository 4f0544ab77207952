#include "core/spec/sensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/json.h"
#include "core/spec/task_kind.h"
#include "tests/unit/core/spec/told.h"

namespace millrace {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string Told(std::string_view kind_name, std::string_view text) {
  return Told(ProblemsOf(*FindTaskKind(kind_name), NativeWith(kind_name, Json(text))));
}

TEST(Sensor, LooksAreAsFarApartAsItsAuthorSays) {
  const SensorPolicy plain =
      SensorPolicyOf(Json(R"({"poke_interval": "30s", "timeout": 90.5, "soft_fail": true})"));
  EXPECT_EQ(UntilNextLook(plain, 1), seconds(30));
  EXPECT_EQ(UntilNextLook(plain, 1000), seconds(30));
  EXPECT_EQ(plain.timeout, std::chrono::milliseconds(90500));
  EXPECT_TRUE(plain.soft_fail);
  const SensorPolicy growing =
      SensorPolicyOf(Json(R"({"poke_interval": 10, "exponential_backoff": true, "max_wait": "1m"})"));
  EXPECT_EQ(UntilNextLook(growing, 1), seconds(10));
  EXPECT_EQ(UntilNextLook(growing, 2), seconds(20));
  EXPECT_EQ(UntilNextLook(growing, 3), seconds(40));
  EXPECT_EQ(UntilNextLook(growing, 4), minutes(1));
  EXPECT_EQ(UntilNextLook(growing, 1'000'000), minutes(1));
  const SensorPolicy nothing = SensorPolicyOf(Json("{}"));
  EXPECT_EQ(nothing.poke_interval, minutes(1));
  EXPECT_EQ(nothing.timeout, hours(24 * 7));
}

TEST(Sensor, TimesOfDayAreTheTwentyFourHours) {
  EXPECT_EQ(ParseTimeOfDay("14:30"), hours(14) + minutes(30));
  EXPECT_EQ(ParseTimeOfDay("0:00:05"), seconds(5));
  EXPECT_EQ(ParseTimeOfDay("23:59:59"), hours(24) - seconds(1));
  for (const char* wrong : {"", "14", "24:00", "12:60", "1:2", "12:30:5", "12:30:60", "12:30:00:00",
                            "2001-01-01", "12:3x", ":30"})
    EXPECT_EQ(ParseTimeOfDay(wrong), std::nullopt) << wrong;
}

TEST(Sensor, AnExternalTargetHasStatesOfRunsOrOfTasks) {
  const ExternalTarget run =
      ExternalTargetOf(Json(R"({"external_dag_id": "up", "failed_states": "failed"})"));
  EXPECT_TRUE(run.of_runs());
  EXPECT_EQ(run.allowed, 1U << static_cast<unsigned>(RunState::kSuccess));
  EXPECT_EQ(run.failed, 1U << static_cast<unsigned>(RunState::kFailed));
  const ExternalTarget tasks = ExternalTargetOf(Json(
      R"({"external_dag_id": "up", "external_task_ids": ["a", "b"], "allowed_states": ["success", "skipped"]})"));
  EXPECT_EQ(tasks.tasks, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(tasks.allowed, (1U << static_cast<unsigned>(TaskState::kSuccess)) |
                               (1U << static_cast<unsigned>(TaskState::kSkipped)));
  EXPECT_EQ(tasks.failed, 0U);
}

TEST(Sensor, AirflowsSensorsAreOursUnderTheirOwnNames) {
  const std::string standard = "airflow.providers.standard.sensors.";
  EXPECT_EQ(
      Told(standard + "filesystem.FileSensor",
           R"({"filepath": "in/x", "fs_conn_id": "fs_default", "poke_interval": 30, "mode": "reschedule"})"),
      "");
  EXPECT_EQ(NativeWith(standard + "filesystem.FileSensor", Json(R"({"filepath": "in/x"})"))
                .Find("path")
                ->as_string(),
            "in/x");
  EXPECT_EQ(Told("airflow.providers.common.sql.sensors.sql.SqlSensor",
                 R"({"conn_id": "w", "sql": "SELECT 1", "fail_on_empty": true})"),
            "");
  EXPECT_EQ(
      Told(
          "airflow.providers.http.sensors.http.HttpSensor",
          R"({"http_conn_id": "api", "endpoint": "ready", "request_params": {"a": 1}, "response_error_codes_allowlist": ["404", "503"]})"),
      "");
  EXPECT_EQ(Told(standard + "time.TimeSensor", R"({"target_time": "14:30:00"})"), "");
  EXPECT_EQ(Told(standard + "date_time.DateTimeSensor", R"({"target_time": "2001-03-01T10:00:00+00:00"})"),
            "");
  EXPECT_EQ(Told(standard + "time_delta.TimeDeltaSensor", R"({"delta": "PT1H"})"), "");
  EXPECT_EQ(Told(standard + "time_delta.WaitSensor", R"({"time_to_wait": "PT1H", "deferrable": true})"), "");
  EXPECT_EQ(
      Told(
          standard + "external_task.ExternalTaskSensor",
          R"({"external_dag_id": "up", "external_task_id": "a", "execution_delta": 3600, "poll_interval": 2, "check_existence": true})"),
      "");
  for (const char* path : {"filesystem.FileSensor", "time.TimeSensor", "external_task.ExternalTaskSensor"})
    EXPECT_TRUE(FindTaskKind(standard + path)->sensor) << path;
}

TEST(Sensor, TellsWhatIsWrongWithOne) {
  EXPECT_THAT(Told("sensor_file", R"({"path": "x", "poke_interval": 0})"),
              HasSubstr("'poke_interval' must be longer than nothing"));
  EXPECT_THAT(Told("sensor_file", R"({"path": "x", "timeout": "later"})"), HasSubstr("timeout"));
  EXPECT_THAT(Told("sensor_file", R"({"path": "x", "mode": "async"})"), HasSubstr("poke"));
  EXPECT_THAT(Told("sensor_time", "{}"), HasSubstr("exactly one of 'at', 'after' and 'wait'"));
  EXPECT_THAT(Told("sensor_time", R"({"at": "25:00"})"), HasSubstr("neither a time of day nor a time"));
  EXPECT_EQ(Told("sensor_time", R"({"at": "{{ ds }}"})"), "");
  EXPECT_THAT(Told("sensor_http", R"({"url": "http://x/", "not_yet": [40]})"),
              HasSubstr("'not_yet' must be"));
  EXPECT_THAT(Told("sensor_http", R"({"url": "http://x/", "to": "lake/x"})"),
              HasSubstr("unknown field 'to'"));
  EXPECT_THAT(Told("sensor_external_task", R"({"external_dag_id": "up", "allowed_states": ["skipped"]})"),
              HasSubstr("a run has no state 'skipped'"));
  EXPECT_THAT(Told("sensor_external_task",
                   R"({"external_dag_id": "up", "external_task_id": "a", "failed_states": ["fail"]})"),
              HasSubstr("a task has no state 'fail'"));
  EXPECT_THAT(Told("sensor_external_task",
                   R"({"external_dag_id": "up", "external_task_id": "a", "external_task_group_id": "g"})"),
              HasSubstr("not for both"));
  EXPECT_THAT(UnknownTaskKind("sensor", {}).suggestion, HasSubstr("there are: sensor_file, sensor_sql"));
}

}  // namespace
}  // namespace millrace
