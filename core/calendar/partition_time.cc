#include "core/calendar/partition_time.h"

#include <chrono>

#include "core/calendar/fire_times.h"
#include "core/calendar/time_pattern.h"

namespace millrace {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::year_month_day;

constexpr std::string_view kQuarterMark = "{quarter}";

// The start of the hour, day, ... that a clock's time lies in.
LocalTime PeriodStart(const PartitionMapper& mapper, LocalTime time) {
  using Kind = PartitionMapper::Kind;
  const local_days day = std::chrono::floor<days>(time);
  const year_month_day date(day);
  const std::chrono::day first(mapper.start > 0 ? static_cast<unsigned>(mapper.start) : 1U);
  switch (mapper.kind) {
    case Kind::kHour:
      return std::chrono::floor<std::chrono::hours>(time);
    case Kind::kWeek: {
      const int weekday = static_cast<int>(std::chrono::weekday(day).iso_encoding()) - 1;
      return day - days((weekday - mapper.start + 7) % 7);
    }
    case Kind::kMonth: {
      const auto month = date.year() / date.month();
      return local_days((date.day() < first ? month - std::chrono::months(1) : month) / first);
    }
    case Kind::kQuarter:
      return local_days(date.year() / ((static_cast<int>(static_cast<unsigned>(date.month())) - 1) / 3 * 3 + 1) / 1);
    case Kind::kYear:
      return local_days(date.year() / 1 / 1);
    default:
      return day;
  }
}

// "+0200"
std::string OffsetText(Duration offset) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(offset).count();
  const auto away = minutes < 0 ? -minutes : minutes;
  const std::string digits = std::to_string(10'000 + away / 60 * 100 + away % 60);
  return (minutes < 0 ? "-" : "+") + digits.substr(1);
}

}  // namespace

bool MapsTimes(PartitionMapper::Kind kind) {
  return kind >= PartitionMapper::Kind::kHour && kind <= PartitionMapper::Kind::kYear;
}

std::string_view InputFormatOf(const PartitionMapper& mapper) {
  return mapper.input_format.empty() ? kPartitionKeyFormat : std::string_view(mapper.input_format);
}

std::string_view OutputFormatOf(const PartitionMapper& mapper) {
  using Kind = PartitionMapper::Kind;
  if (!mapper.output_format.empty()) return mapper.output_format;
  switch (mapper.kind) {
    case Kind::kHour:
      return "%Y-%m-%dT%H";
    case Kind::kWeek:
      return "%Y-%m-%d (W%V)";
    case Kind::kMonth:
      return "%Y-%m";
    case Kind::kQuarter:
      return "%Y-Q{quarter}";
    case Kind::kYear:
      return "%Y";
    default:
      return "%Y-%m-%d";
  }
}

StatusOr<KeyTime> ReadKeyTime(const PartitionMapper& mapper, std::string_view key, const Zone& zone) {
  ASSIGN_OR_RETURN(const PatternTime read, ParseByPattern(key, InputFormatOf(mapper)));
  const LocalTime shown(read.shown.time_since_epoch());
  const WallTime at = read.offset ? read.shown - *read.offset : ResolveLocal(zone, shown);
  const LocalTime start = PeriodStart(mapper, read.offset ? zone.ToLocal(at) : shown);
  const year_month_day day(std::chrono::floor<days>(start));
  if (day.year() < std::chrono::year(1) || day.year() > std::chrono::year(9999))
    return InvalidArgument("'" + std::string(key) + "' lies outside of years 1 to 9999");
  return KeyTime{at, start};
}

StatusOr<Partition> WriteKeyTime(LocalTime shown, WallTime date, std::string_view format, const Zone& zone,
                                 bool with_quarter) {
  const WallTime clock(shown.time_since_epoch());
  ASSIGN_OR_RETURN(std::string text,
                   FormatByPattern(clock, format, {OffsetText(zone.OffsetAt(date)), std::string(zone.name())}));
  const year_month_day day(std::chrono::floor<days>(shown));
  for (std::size_t at = text.find(kQuarterMark); with_quarter && at != std::string::npos; at = text.find(kQuarterMark))
    text.replace(at, kQuarterMark.size(), std::to_string((static_cast<unsigned>(day.month()) - 1) / 3 + 1));
  return Partition{std::move(text), date};
}

}  // namespace millrace
