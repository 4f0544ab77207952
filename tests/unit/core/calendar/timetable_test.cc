#include "core/calendar/timetable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/calendar/format.h"
#include "platform/zones.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Meaning = Timetable::Meaning;

class TimetableTest : public ::testing::Test {
 protected:
  const Zone& In(std::string_view name) {
    StatusOr<const Zone*> zone = zones_.Find(name);
    EXPECT_TRUE(zone.ok()) << zone.status().message();
    return **zone;
  }
  Timetable Make(std::string_view text, Meaning meaning = Meaning::kSchedule, std::string_view zone = "UTC") {
    StatusOr<Timetable> timetable = Timetable::Parse(text, meaning, In(zone));
    EXPECT_TRUE(timetable.ok()) << timetable.status().message();
    return std::move(timetable).value();
  }
  static WallTime T(std::string_view text) {
    StatusOr<WallTime> time = ParseTimeUtc(text);
    EXPECT_TRUE(time.ok()) << time.status().message();
    return *time;
  }
  static std::string Show(const std::optional<RunDates>& run) {
    if (!run) return "never";
    return FormatTime(run->run_after) + " [" + FormatTime(run->interval_start) + ", " +
           FormatTime(run->interval_end) + ") " + FormatTime(run->logical_date);
  }
  // What a scheduler creates when it wakes at `now`: everything that is due.
  static std::vector<std::string> Due(const Timetable& timetable, std::optional<Cursor>& cursor,
                                      const ScheduleWindow& window, WallTime now) {
    std::vector<std::string> due;
    for (auto run = timetable.Next(cursor, window, now); run && run->run_after <= now;
         run = timetable.Next(cursor, window, now)) {
      due.push_back(FormatTime(run->logical_date));
      cursor = Cursor::After(*run);
    }
    return due;
  }

  platform::TzdbZones zones_;
};

TEST_F(TimetableTest, AScheduleFiresAtItsTimeAndCoversNothing) {
  const ScheduleWindow window{T("2001-03-01"), std::nullopt, Catchup::kAll};
  EXPECT_EQ(Show(Make("0 2 * * *").Next(std::nullopt, window, T("2001-03-05"))),
            "2001-03-01T02:00:00Z [2001-03-01T02:00:00Z, 2001-03-01T02:00:00Z) 2001-03-01T02:00:00Z");
}

TEST_F(TimetableTest, AScheduleIntervalRunsWhenItsIntervalHasEnded) {
  const ScheduleWindow window{T("2001-03-01"), std::nullopt, Catchup::kAll};
  EXPECT_EQ(Show(Make("0 2 * * *", Meaning::kScheduleInterval).Next(std::nullopt, window, T("2001-03-05"))),
            "2001-03-02T02:00:00Z [2001-03-01T02:00:00Z, 2001-03-02T02:00:00Z) 2001-03-01T02:00:00Z");
}

TEST_F(TimetableTest, CatchupYieldsEveryMissedDateOnce) {
  const Timetable timetable = Make("0 2 * * *");
  const ScheduleWindow window{T("2001-03-01"), std::nullopt, Catchup::kAll};
  std::optional<Cursor> cursor;
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-03T12:00:00Z")),
              ElementsAre("2001-03-01T02:00:00Z", "2001-03-02T02:00:00Z", "2001-03-03T02:00:00Z"));
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-03T12:00:01Z")), ElementsAre());
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-04T02:00:00Z")), ElementsAre("2001-03-04T02:00:00Z"));
}

TEST_F(TimetableTest, WithoutCatchupOnlyTheLatestDueDateComes) {
  const ScheduleWindow window{T("2001-03-01"), std::nullopt, Catchup::kLast};
  std::optional<Cursor> cursor;
  const Timetable trigger = Make("0 2 * * *");
  EXPECT_THAT(Due(trigger, cursor, window, T("2001-03-03T12:00:00Z")), ElementsAre("2001-03-03T02:00:00Z"));
  EXPECT_THAT(Due(trigger, cursor, window, T("2001-03-09T12:00:00Z")), ElementsAre("2001-03-09T02:00:00Z"));
  cursor.reset();
  const Timetable interval = Make("0 2 * * *", Meaning::kScheduleInterval);
  EXPECT_THAT(Due(interval, cursor, window, T("2001-03-03T12:00:00Z")), ElementsAre("2001-03-02T02:00:00Z"));
  EXPECT_THAT(Due(interval, cursor, window, T("2001-03-09T02:00:00Z")), ElementsAre("2001-03-08T02:00:00Z"));
}

TEST_F(TimetableTest, AClockThatStepsBackYieldsNothingTwice) {
  const Timetable timetable = Make("*/10 * * * *");
  for (const Catchup catchup : {Catchup::kLast, Catchup::kAll}) {
    const ScheduleWindow window{T("2001-03-01"), std::nullopt, catchup};
    std::optional<Cursor> cursor;
    Due(timetable, cursor, window, T("2001-03-01T01:00:00Z"));
    EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-01T00:30:00Z")), ElementsAre());
    EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-01T01:00:00Z")), ElementsAre());
    EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-01T01:10:00Z")),
                ElementsAre("2001-03-01T01:10:00Z"));
  }
}

TEST_F(TimetableTest, EndDateIsInclusiveAndThenThereIsNothing) {
  const ScheduleWindow window{T("2001-03-01"), T("2001-03-02T02:00:00Z"), Catchup::kAll};
  std::optional<Cursor> cursor;
  EXPECT_EQ(Due(Make("0 2 * * *"), cursor, window, T("2002-01-01")).size(), 2U);
  cursor.reset();
  EXPECT_EQ(Due(Make("0 2 * * *", Meaning::kScheduleInterval), cursor, window, T("2002-01-01")).size(), 2U);
}

TEST_F(TimetableTest, EditingTheScheduleNeverRepeatsALogicalDate) {
  const ScheduleWindow window{T("2001-03-01"), std::nullopt, Catchup::kAll};
  const char* schedules[] = {"0 * * * *", "0 0 * * *", "*/7 * * * *", "@weekly",
                             "6h",        "@monthly",  "17 3 * * *"};
  for (const Meaning first : {Meaning::kSchedule, Meaning::kScheduleInterval}) {
    for (const Meaning second : {Meaning::kSchedule, Meaning::kScheduleInterval}) {
      for (const char* from : schedules) {
        for (const char* to : schedules) {
          std::optional<Cursor> cursor;
          const Timetable before = Make(from, first, "Europe/Berlin");
          const Timetable after = Make(to, second, "Europe/Berlin");
          for (int i = 0; i < 40; ++i) {
            const auto run = (i < 20 ? before : after).Next(cursor, window, T("2001-03-05"));
            ASSERT_TRUE(run.has_value());
            if (cursor) {
              ASSERT_GT(run->logical_date, cursor->logical_date) << from << " to " << to;
              ASSERT_GT(run->run_after, cursor->run_after) << from << " to " << to;
            }
            cursor = Cursor::After(*run);
          }
        }
      }
    }
  }
}

TEST_F(TimetableTest, OnceRunsOnceAtTheStartDate) {
  const Timetable timetable = Make("@once");
  const ScheduleWindow window{T("2001-03-01"), std::nullopt, Catchup::kLast};
  std::optional<Cursor> cursor;
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-02-01")), ElementsAre());
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-04-01")), ElementsAre("2001-03-01T00:00:00Z"));
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-05-01")), ElementsAre());
}

TEST_F(TimetableTest, AManualScheduleNeverFires) {
  EXPECT_TRUE(Timetable().is_manual());
  EXPECT_EQ(Timetable().Next(std::nullopt, {}, T("2001-04-01")), std::nullopt);
}

TEST_F(TimetableTest, AManualRunCoversTheLastWholeIntervalUnderScheduleIntervalOnly) {
  EXPECT_EQ(Show(Make("0 2 * * *").ForManual(T("2001-03-05T10:30:00Z"))),
            "2001-03-05T10:30:00Z [2001-03-05T10:30:00Z, 2001-03-05T10:30:00Z) 2001-03-05T10:30:00Z");
  EXPECT_EQ(Show(Make("0 2 * * *", Meaning::kScheduleInterval).ForManual(T("2001-03-05T10:30:00Z"))),
            "2001-03-05T10:30:00Z [2001-03-04T02:00:00Z, 2001-03-05T02:00:00Z) 2001-03-05T10:30:00Z");
  EXPECT_EQ(Show(Make("6h", Meaning::kScheduleInterval).ForManual(T("2001-03-05T10:30:00Z"))),
            "2001-03-05T10:30:00Z [2001-03-05T04:30:00Z, 2001-03-05T10:30:00Z) 2001-03-05T10:30:00Z");
}

TEST_F(TimetableTest, AFixedIntervalStaysOnItsGridHoweverLateTheSchedulerLooks) {
  const Timetable timetable = Make("90m");
  const ScheduleWindow window{T("2001-03-01T00:10:00Z"), std::nullopt, Catchup::kLast};
  std::optional<Cursor> cursor;
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-01T00:10:03Z")), ElementsAre("2001-03-01T00:10:00Z"));
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-01T01:40:02.5Z")),
              ElementsAre("2001-03-01T01:40:00Z"));
  EXPECT_THAT(Due(timetable, cursor, window, T("2001-03-01T09:00:00Z")), ElementsAre("2001-03-01T07:40:00Z"));
}

TEST_F(TimetableTest, UpcomingListsRunsAfterATime) {
  const ScheduleWindow window{T("2001-03-01"), T("2001-03-04"), Catchup::kLast};
  std::vector<std::string> shown;
  for (const RunDates& run : Make("0 2 * * *", Meaning::kScheduleInterval, "America/New_York")
                                 .Upcoming(T("2001-03-02T12:00:00Z"), window, 10)) {
    shown.push_back(Show(run));
  }
  EXPECT_THAT(
      shown,
      ElementsAre("2001-03-03T07:00:00Z [2001-03-02T07:00:00Z, 2001-03-03T07:00:00Z) 2001-03-02T07:00:00Z",
                  "2001-03-04T07:00:00Z [2001-03-03T07:00:00Z, 2001-03-04T07:00:00Z) 2001-03-03T07:00:00Z"));
  EXPECT_EQ(Make("0 2 * * *").Upcoming(T("1999-01-01"), window, 1).at(0).run_after,
            T("2001-03-01T02:00:00Z"));
  EXPECT_EQ(Make("6h").Upcoming(T("2001-03-01T07:00:00Z"), window, 1).at(0).run_after,
            T("2001-03-01T12:00:00Z"));
  EXPECT_TRUE(Make("0 2 * * *").Upcoming(T("2001-04-01"), window, 3).empty());
}

// --- daylight saving time: Airflow's rule ---

TEST_F(TimetableTest, ASkippedTimeFiresAsMuchLaterAsTheClockJumped) {
  const auto runs =
      Make("30 2 * * *", Meaning::kSchedule, "America/New_York").Upcoming(T("2026-03-07T12:00:00Z"), {}, 2);
  EXPECT_EQ(FormatTime(runs[0].run_after, In("America/New_York")), "2026-03-08T03:30:00-04:00");
  EXPECT_EQ(FormatTime(runs[1].run_after, In("America/New_York")), "2026-03-09T02:30:00-04:00");
}

TEST_F(TimetableTest, ARepeatedTimeFiresOnceAtItsSecondOccurrence) {
  const auto runs =
      Make("30 1 * * *", Meaning::kSchedule, "America/New_York").Upcoming(T("2026-10-31T12:00:00Z"), {}, 2);
  EXPECT_EQ(FormatTime(runs[0].run_after, In("America/New_York")), "2026-11-01T01:30:00-05:00");
  EXPECT_EQ(FormatTime(runs[1].run_after, In("America/New_York")), "2026-11-02T01:30:00-05:00");
}

TEST_F(TimetableTest, AnHourlyCronFiresInBothPassesOfTheRepeatedHour) {
  std::vector<std::string> shown;
  for (const RunDates& run : Make("30 * * * *", Meaning::kSchedule, "America/New_York")
                                 .Upcoming(T("2026-11-01T04:45:00Z"), {}, 3)) {
    shown.push_back(FormatTime(run.run_after, In("America/New_York")));
  }
  EXPECT_THAT(shown, ElementsAre("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00",
                                 "2026-11-01T02:30:00-05:00"));
}

TEST_F(TimetableTest, UpcomingAgreesWithTheChainFromAnyMomentOfANightWhenClocksChange) {
  for (const Meaning meaning : {Meaning::kSchedule, Meaning::kScheduleInterval}) {
    for (const char* cron : {"30 1 * * *", "30 2 * * *", "*/30 1-3 * * *", "0 * * * *", "0 0 1 * *"}) {
      const Timetable timetable = Make(cron, meaning, "America/New_York");
      for (const char* night : {"2026-03-08T04:00:00Z", "2026-11-01T04:00:00Z"}) {
        const auto chain = timetable.Upcoming(T(night) - std::chrono::hours(100), {}, 300);
        for (int minutes = 0; minutes < 300; minutes += 15) {
          const WallTime after = T(night) + std::chrono::minutes(minutes);
          const auto later = [after](const RunDates& run) { return run.run_after > after; };
          const auto expected = std::find_if(chain.begin(), chain.end(), later);
          ASSERT_NE(expected, chain.end());
          EXPECT_EQ(Show(timetable.Upcoming(after, {}, 1).at(0)), Show(*expected))
              << cron << " after " << FormatTime(after);
        }
      }
    }
  }
}

TEST_F(TimetableTest, WhatIsNoScheduleIsRefusedWithAReason) {
  const auto error = [this](std::string_view text) {
    const auto parsed = Timetable::Parse(text, Meaning::kSchedule, In("UTC"));
    return parsed.ok() ? std::string("accepted") : parsed.status().message();
  };
  EXPECT_THAT(error("dayly"),
              HasSubstr("neither a cron of five fields, a preset such as @daily, nor an interval"));
  EXPECT_THAT(error("0s"), HasSubstr("at least one second"));
  EXPECT_THAT(error("0 0 31 2 *"), HasSubstr("never fires"));
  EXPECT_THAT(error("@dayly"), HasSubstr("unknown schedule"));
  EXPECT_THAT(error(""), HasSubstr("neither"));
}

Schedule ScheduleOf(ScheduleKind kind) {
  Schedule schedule;
  schedule.kind = kind;
  return schedule;
}

TEST_F(TimetableTest, SeveralCronsFireAtTheTimesOfAnyAndOnceAtASharedTime) {
  Schedule schedule = ScheduleOf(ScheduleKind::kMultipleCron);
  schedule.crons = {"0 2 * * *", "0 2,14 * * 1-5"};
  const StatusOr<Timetable> timetable = Timetable::Of(schedule, zones_);
  ASSERT_TRUE(timetable.ok());
  const ScheduleWindow all{T("2001-03-01"), std::nullopt, Catchup::kAll};  // a Thursday
  std::optional<Cursor> cursor;
  EXPECT_THAT(Due(*timetable, cursor, all, T("2001-03-03T12:00:00Z")),
              ElementsAre("2001-03-01T02:00:00Z", "2001-03-01T14:00:00Z", "2001-03-02T02:00:00Z",
                          "2001-03-02T14:00:00Z", "2001-03-03T02:00:00Z"));
  // Without catchup the newest that is due, of whichever cron.
  cursor.reset();
  EXPECT_THAT(
      Due(*timetable, cursor, {T("2001-03-01"), std::nullopt, Catchup::kLast}, T("2001-03-02T15:00:00Z")),
      ElementsAre("2001-03-02T14:00:00Z"));
}

TEST_F(TimetableTest, EventsFireAtTheirTimesAndCanHoldManualRunsToThem) {
  Schedule schedule = ScheduleOf(ScheduleKind::kEvents);
  schedule.events = {T("2001-03-01"), T("2001-03-04T10:00:00Z")};
  schedule.restrict_to_events = true;
  const StatusOr<Timetable> timetable = Timetable::Of(schedule, zones_);
  ASSERT_TRUE(timetable.ok());
  std::optional<Cursor> cursor;
  EXPECT_THAT(Due(*timetable, cursor, {std::nullopt, std::nullopt, Catchup::kAll}, T("2002-01-01")),
              ElementsAre("2001-03-01T00:00:00Z", "2001-03-04T10:00:00Z"));
  cursor.reset();
  EXPECT_THAT(Due(*timetable, cursor, {std::nullopt, std::nullopt, Catchup::kLast}, T("2002-01-01")),
              ElementsAre());
  EXPECT_EQ(timetable->ForManual(T("2001-03-02")).logical_date, T("2001-03-01"));
  EXPECT_EQ(timetable->ForManual(T("2000-01-01")).logical_date, T("2001-03-01"));
}

TEST_F(TimetableTest, ContinuousRunsJoinEndToEndAndNeverShareADate) {
  const Timetable timetable = Make("@continuous");
  const ScheduleWindow window{T("2001-03-01"), std::nullopt, Catchup::kLast};
  const auto first = timetable.Next(std::nullopt, window, T("2001-03-01"));
  ASSERT_TRUE(first);
  const auto second = timetable.Next(Cursor::After(*first), window, T("2001-03-01"));
  ASSERT_TRUE(second);
  EXPECT_GT(second->logical_date, first->logical_date);
  const auto later = timetable.Next(Cursor::After(*second), window, T("2001-03-01T01:00:00Z"));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->interval_start, second->interval_end);
  EXPECT_EQ(later->interval_end, T("2001-03-01T01:00:00Z"));
}

TEST_F(TimetableTest, TheCursorBeforeATimeIsFollowedByTheFirstDateAtOrAfterIt) {
  const ScheduleWindow window{T("2001-01-01T01:00:00Z"), std::nullopt, Catchup::kLast};
  const WallTime time = T("2001-03-01T00:00:00Z");
  for (const auto& [text, meaning, first] :
       {std::tuple("0 0 * * *", Meaning::kSchedule, "2001-03-01T00:00:00Z"),
        std::tuple("30 6 * * *", Meaning::kSchedule, "2001-03-01T06:30:00Z"),
        std::tuple("0 0 * * *", Meaning::kScheduleInterval, "2001-03-01T00:00:00Z"),
        std::tuple("30 6 * * *", Meaning::kScheduleInterval, "2001-03-01T06:30:00Z"),
        std::tuple("6h", Meaning::kSchedule, "2001-03-01T01:00:00Z"),
        std::tuple("6h", Meaning::kScheduleInterval, "2001-03-01T01:00:00Z")}) {
    const Timetable timetable = Make(text, meaning);
    const auto next = timetable.Next(timetable.LastBefore(time, window), window, time);
    ASSERT_TRUE(next);
    EXPECT_EQ(FormatTime(next->logical_date), first) << text;
  }
  EXPECT_FALSE(Make("@once").Next(Make("@once").LastBefore(time, window), window, time));
  EXPECT_FALSE(Make("0 0 * * *").LastBefore(T("2001-01-01T01:00:00Z"), window) ==
               Make("0 0 * * *").LastBefore(time, window));
}

TEST_F(TimetableTest, CatchupNoneLetsGoWhatIsMoreThanFiveMinutesLate) {
  const Timetable timetable = Make("0 * * * *");
  const ScheduleWindow window{T("2001-03-01"), std::nullopt, Catchup::kNone};
  EXPECT_EQ(timetable.Next(std::nullopt, window, T("2001-03-02T02:04:00Z"))->run_after,
            T("2001-03-02T02:00:00Z"));
  EXPECT_EQ(timetable.Next(std::nullopt, window, T("2001-03-02T02:06:00Z"))->run_after,
            T("2001-03-02T03:00:00Z"));
}

}  // namespace
}  // namespace millrace
