// A cron expression: five fields or a preset, read once into bit sets. Pure functions of local calendar
// minutes: what a zone makes of them (gaps, folds) is FireTimes' business. Immutable, any thread. Used by
// timetables and by DAG validation.
//
// Fields: minute, hour, day of month, month, day of week; `*`, lists, ranges (also across the end: 22-2),
// steps (*/15, 5/15), names (JAN, MON), `?` in the day fields, `L`, `15W` and `LW` in the day of month,
// `MON#2`, `L5` and `5L` (last Friday) in the day of week. When both day fields are restricted, a day that
// matches either of them counts. Where the field's crons disagree we do what croniter 7 does, because Airflow
// does: a `W` or `#` entry overrules the other day field. No seconds, no years, no hashed `H`.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/base/zones.h"

namespace millrace {

class Cron {
 public:
  // INVALID_ARGUMENT names the field, the offending text and what is allowed; an expression that no date ever
  // matches is an error too. Presets: @hourly @daily @midnight @weekly @monthly @quarterly @yearly @annually.
  static StatusOr<Cron> Parse(std::string_view text);

  // The first matching minute strictly after (before) a local time. There always is one: Parse has seen a
  // match in the 400 years after which the calendar repeats, and these look no further. Times outside years 1
  // to 9999 are clamped.
  LocalTime Next(LocalTime after) const;
  LocalTime Previous(LocalTime before) const;
  // Does this minute match? What Next and Previous must agree with.
  bool Matches(LocalTime minute) const;

  // The hour field is `*` or lists every hour: Airflow steps such a cron by elapsed time, so it fires in both
  // passes of a repeated hour.
  bool covers_every_hour() const { return covers_every_hour_; }
  // As written.
  const std::string& text() const { return text_; }

  friend bool operator==(const Cron&, const Cron&) = default;

 private:
  struct DayRules {
    std::uint32_t days = 0;  // bit d: day d of the month
    bool last_day = false;   // L
    int nearest_to = 0;      // 15W: 15
    bool last_workday = false;
    bool day_restricted = false;
    std::uint8_t weekdays = 0;             // bit w: 0 is Sunday
    std::array<std::uint8_t, 7> nth = {};  // by weekday: bit n for #n, bit 0 for the last
    bool has_nth = false;
    bool weekday_restricted = false;
    friend bool operator==(const DayRules&, const DayRules&) = default;
  };

  Cron() = default;
  bool MatchesDay(std::chrono::year_month_day day) const;
  bool EverMatches() const;

  std::string text_;
  std::uint64_t minutes_ = 0;
  std::uint32_t hours_ = 0;
  std::uint16_t months_ = 0;
  DayRules rules_;
  bool covers_every_hour_ = false;

  friend class CronParser;
};

}  // namespace millrace
