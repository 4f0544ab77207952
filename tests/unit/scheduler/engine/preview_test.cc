// What a task would be given in the run of a date, without a run.
#include "scheduler/engine/preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "platform/zones.h"
#include "tests/support/dag_builder.h"

namespace millrace::test {
namespace {

using ::testing::HasSubstr;

class EnginePreview : public ::testing::Test {
 protected:
  // "type run_id from to" of the run of a date, or what is wrong with it.
  std::string RunOf(const std::string& schedule, Timetable::Meaning meaning, const std::string& date) {
    const StatusOr<Timetable> timetable =
        Timetable::Parse(schedule, meaning, **zones_.Find("America/New_York"));
    const StatusOr<millrace::Run> run = engine::RunOfDate(*DagBuilder("etl").Build(), *timetable, date, "{}");
    if (!run.ok()) return run.status().message();
    return run->run_id + " " + FormatTime(*run->interval_start) + " " + FormatTime(*run->interval_end);
  }

  platform::TzdbZones zones_;
};

TEST_F(EnginePreview, a_day_stands_for_the_scheduled_run_that_has_it_as_its_ds) {
  EXPECT_EQ(RunOf("0 2 * * *", Timetable::Meaning::kScheduleInterval, "2001-03-01"),
            "scheduled__2001-03-01T07:00:00+00:00 2001-03-01T07:00:00Z 2001-03-02T07:00:00Z");
  EXPECT_EQ(RunOf("0 2 * * *", Timetable::Meaning::kSchedule, "2001-03-01"),
            "scheduled__2001-03-01T07:00:00+00:00 2001-03-01T07:00:00Z 2001-03-01T07:00:00Z");
  // 22:00 in New York is the next day in UTC, and so is its ds.
  EXPECT_EQ(RunOf("0 22 * * *", Timetable::Meaning::kSchedule, "2001-03-02"),
            "scheduled__2001-03-02T03:00:00+00:00 2001-03-02T03:00:00Z 2001-03-02T03:00:00Z");
  EXPECT_EQ(RunOf("0 * * * *", Timetable::Meaning::kScheduleInterval, "2001-03-01"),
            "scheduled__2001-03-01T00:00:00+00:00 2001-03-01T00:00:00Z 2001-03-01T01:00:00Z");
}

TEST_F(EnginePreview, a_date_without_a_scheduled_run_is_one_that_somebody_might_trigger) {
  EXPECT_EQ(RunOf("0 2 * * MON", Timetable::Meaning::kScheduleInterval, "2001-03-01"),
            "manual__2001-03-01T00:00:00+00:00 2001-02-19T07:00:00Z 2001-02-26T07:00:00Z");
  EXPECT_EQ(RunOf("0 2 * * *", Timetable::Meaning::kSchedule, "2001-03-01T12:30:00+01:00"),
            "manual__2001-03-01T11:30:00+00:00 2001-03-01T11:30:00Z 2001-03-01T11:30:00Z");
  EXPECT_THAT(RunOf("0 2 * * *", Timetable::Meaning::kSchedule, "yesterday"), HasSubstr("the date"));
}

TEST_F(EnginePreview, fields_are_told_in_their_order_and_what_shell_text_refers_to_after_them) {
  const DagPtr dag = DagBuilder("etl")
                         .Add("a", {},
                              [](Task& task) {
                                task.kind = "shell";
                                task.with.Set("command", Value("greet {{ params.name }} --day {{ ds }}"));
                                task.with.Set("env", Value(Value::Map{{"RUN", "{{ run_id }}"}}));
                              })
                         .With([](Dag& built) {
                           built.params.push_back({"name", "string", Value("nobody"), Value(), ""});
                         })
                         .Build();
  const StatusOr<millrace::Run> run =
      engine::RunOfDate(*dag, Timetable(), "2001-03-01", R"({"name": "O'Hare"})");
  ASSERT_TRUE(run.ok()) << run.status().message();
  const StatusOr<Value::List> fields = engine::RenderedFields(*run, *dag, *engine::FirstAttempt(*run, *dag, "a"));
  ASSERT_TRUE(fields.ok()) << fields.status().message();
  EXPECT_EQ(ToJson(Value(*fields)),
            R"([{"field":"command","value":"greet \"${MILLRACE_V1}\" --day 2001-03-01"},)"
            R"({"field":"env","value":{"RUN":"manual__2001-03-01T00:00:00+00:00"}},)"
            R"({"field":"MILLRACE_V1","value":"O'Hare"}])");
  EXPECT_THAT(engine::RunOfDate(*dag, Timetable(), "2001-03-01", R"({"name": 3})").status().message(),
              HasSubstr("param name must be of type string"));
  EXPECT_THAT(engine::FirstAttempt(*run, *dag, "b").status().message(), HasSubstr("has no task 'b'"));
}

TEST_F(EnginePreview, of_a_mapped_task_the_first_instance_is_told) {
  const DagPtr dag = DagBuilder("etl")
                         .Add("a", {},
                              [](Task& task) {
                                task.kind = "shell";
                                task.with.Set("command", Value("load {{ map.table }} {{ map.day }}"));
                                task.expand = {{"table", Value("{{ ['flights', 'airports'] }}")},
                                               {"day", Value(Value::List{7, 8})}};
                              })
                         .Add("none", {},
                              [](Task& task) {
                                task.expand = {{"n", Value(Value::List())}};
                              })
                         .Build();
  const StatusOr<millrace::Run> run = engine::RunOfDate(*dag, Timetable(), "2001-03-01", "{}");
  ASSERT_TRUE(run.ok()) << run.status().message();
  const StatusOr<Value::List> fields = engine::RenderedFields(*run, *dag, *engine::FirstAttempt(*run, *dag, "a"));
  ASSERT_TRUE(fields.ok()) << fields.status().message();
  EXPECT_EQ(ToJson(Value(*fields)),
            R"([{"field":"command","value":"load \"${MILLRACE_V1}\" \"${MILLRACE_V2}\""},)"
            R"({"field":"MILLRACE_V1","value":"flights"},{"field":"MILLRACE_V2","value":"7"}])");
  EXPECT_THAT(engine::FirstAttempt(*run, *dag, "none").status().message(),
              HasSubstr("mapped over nothing"));
}

}  // namespace
}  // namespace millrace::test
