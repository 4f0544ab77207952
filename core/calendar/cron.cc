#include "core/calendar/cron.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace millrace {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::month;
using std::chrono::year;
using std::chrono::year_month;
using std::chrono::year_month_day;
using std::chrono::year_month_day_last;

constexpr int kMinutesInDay = 24 * 60;
constexpr int kMonthsInCalendarCycle = 400 * 12;

LocalTime Clamped(LocalTime time) {
  constexpr LocalTime kFirst = local_days(year(1) / 1 / 1);
  constexpr LocalTime kLast = local_days(year(9999) / 12 / 31);
  return std::clamp(time, kFirst, kLast);
}

unsigned LastDayOf(year_month ym) { return static_cast<unsigned>((ym / std::chrono::last).day()); }

// 0 is Sunday.
unsigned WeekdayOf(year_month_day day) { return std::chrono::weekday(local_days(day)).c_encoding(); }

// The Monday to Friday closest to a day without leaving its month.
unsigned NearestWorkday(year_month ym, unsigned day) {
  const unsigned last = LastDayOf(ym);
  day = std::min(day, last);
  switch (WeekdayOf(ym / std::chrono::day(day))) {
    case 6:
      return day > 1 ? day - 1 : day + 2;
    case 0:
      return day < last ? day + 1 : day - 2;
    default:
      return day;
  }
}

unsigned LastWorkday(year_month ym) {
  unsigned day = LastDayOf(ym);
  const unsigned weekday = WeekdayOf(ym / std::chrono::day(day));
  if (weekday == 6) day -= 1;
  if (weekday == 0) day -= 2;
  return day;
}

std::optional<int> FirstMinute(std::uint64_t minute_bits, std::uint32_t hour_bits, int from) {
  for (int hour = from / 60; hour < 24; ++hour) {
    if ((hour_bits >> hour & 1U) == 0) continue;
    const int skip = hour == from / 60 ? from % 60 : 0;
    const std::uint64_t left = minute_bits >> skip;
    if (left != 0) return hour * 60 + skip + std::countr_zero(left);
  }
  return std::nullopt;
}

std::optional<int> LastMinute(std::uint64_t minute_bits, std::uint32_t hour_bits, int to) {
  for (int hour = to / 60; hour >= 0; --hour) {
    if ((hour_bits >> hour & 1U) == 0) continue;
    const int keep = hour == to / 60 ? to % 60 : 59;
    const std::uint64_t left = minute_bits << (63 - keep);
    if (left != 0) return hour * 60 + keep - std::countl_zero(left);
  }
  return std::nullopt;
}

}  // namespace

bool Cron::MatchesDay(year_month_day day) const {
  const unsigned month_bit = static_cast<unsigned>(day.month());
  if ((months_ >> month_bit & 1U) == 0) return false;
  const year_month ym = day.year() / day.month();
  const unsigned number = static_cast<unsigned>(day.day());
  const unsigned weekday = WeekdayOf(day);
  const unsigned last = LastDayOf(ym);

  const bool has_workday = rules_.nearest_to != 0 || rules_.last_workday;
  const bool workday_matches =
      (rules_.nearest_to != 0 && NearestWorkday(ym, static_cast<unsigned>(rules_.nearest_to)) == number) ||
      (rules_.last_workday && LastWorkday(ym) == number);
  const bool day_matches = has_workday ? workday_matches
                                       : !rules_.day_restricted || (rules_.days >> number & 1U) != 0 ||
                                             (rules_.last_day && number == last);
  const bool nth_matches = (rules_.nth[weekday] >> ((number - 1) / 7 + 1) & 1U) != 0 ||
                           ((rules_.nth[weekday] & 1U) != 0 && number + 7 > last);
  const bool weekday_matches =
      rules_.has_nth ? nth_matches : !rules_.weekday_restricted || (rules_.weekdays >> weekday & 1U) != 0;

  if (rules_.day_restricted && rules_.weekday_restricted) {
    // Either; but a # or W entry is also asked of the other side (see the header).
    return (day_matches && (!rules_.has_nth || nth_matches)) ||
           (weekday_matches && (!has_workday || workday_matches));
  }
  return day_matches && weekday_matches;
}

bool Cron::Matches(LocalTime minute) const {
  const auto day = std::chrono::floor<days>(minute);
  const auto of_day = std::chrono::floor<minutes>(minute - day).count();
  return (hours_ >> (of_day / 60) & 1U) != 0 && (minutes_ >> (of_day % 60) & 1U) != 0 &&
         MatchesDay(year_month_day(day));
}

LocalTime Cron::Next(LocalTime after) const {
  after = Clamped(after);
  const auto from = std::chrono::floor<minutes>(after) + minutes(1);
  local_days today = std::chrono::floor<days>(from);
  const int minute = static_cast<int>(std::chrono::floor<minutes>(from - today).count());
  if (MatchesDay(year_month_day(today))) {
    if (auto found = FirstMinute(minutes_, hours_, minute)) return today + minutes(*found);
  }
  const int first = FirstMinute(minutes_, hours_, 0).value_or(0);
  year_month_day day(today + days(1));
  for (int month = 0; month <= kMonthsInCalendarCycle; ++month) {
    const year_month ym = day.year() / day.month();
    if ((months_ >> static_cast<unsigned>(ym.month()) & 1U) != 0) {
      for (unsigned number = static_cast<unsigned>(day.day()); number <= LastDayOf(ym); ++number) {
        const year_month_day candidate = ym / std::chrono::day(number);
        if (MatchesDay(candidate)) return local_days(candidate) + minutes(first);
      }
    }
    day = (ym + std::chrono::months(1)) / std::chrono::day(1);
  }
  MILLRACE_CHECK(false);
}

LocalTime Cron::Previous(LocalTime before) const {
  before = Clamped(before);
  const auto to = std::chrono::ceil<minutes>(before) - minutes(1);
  local_days today = std::chrono::floor<days>(to);
  const int minute = static_cast<int>(std::chrono::floor<minutes>(to - today).count());
  if (MatchesDay(year_month_day(today))) {
    if (auto found = LastMinute(minutes_, hours_, minute)) return today + minutes(*found);
  }
  const int last = LastMinute(minutes_, hours_, kMinutesInDay - 1).value_or(0);
  year_month_day day(today - days(1));
  for (int month = 0; month <= kMonthsInCalendarCycle; ++month) {
    const year_month ym = day.year() / day.month();
    if ((months_ >> static_cast<unsigned>(ym.month()) & 1U) != 0) {
      for (unsigned number = static_cast<unsigned>(day.day()); number >= 1; --number) {
        const year_month_day candidate = ym / std::chrono::day(number);
        if (MatchesDay(candidate)) return local_days(candidate) + minutes(last);
      }
    }
    const year_month earlier = ym - std::chrono::months(1);
    day = earlier / std::chrono::day(LastDayOf(earlier));
  }
  MILLRACE_CHECK(false);
}

bool Cron::EverMatches() const {
  year_month ym = year(2000) / 1;
  for (int month = 0; month < kMonthsInCalendarCycle; ++month, ym += std::chrono::months(1)) {
    if ((months_ >> static_cast<unsigned>(ym.month()) & 1U) == 0) continue;
    for (unsigned number = 1; number <= LastDayOf(ym); ++number) {
      if (MatchesDay(ym / std::chrono::day(number))) return true;
    }
  }
  return false;
}

}  // namespace millrace
