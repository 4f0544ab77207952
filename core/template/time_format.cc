// The forms of times that templates know; the patterns themselves are the calendar's.
#include "core/calendar/time_pattern.h"
#include "core/template/text_format.h"

namespace millrace::jinja {

Status CheckTime(WallTime time) {
  using std::chrono::year_month_day;
  const std::chrono::year year = year_month_day(std::chrono::floor<std::chrono::days>(time)).year();
  if (year >= std::chrono::year(1) && year <= std::chrono::year(9999)) return OkStatus();
  return InvalidArgument("the time lies outside of years 1 to 9999");
}

StatusOr<std::string> FormatTimeBy(WallTime time, std::string_view format, TimeForm form) {
  return FormatByPattern(time, format, form == TimeForm::kUtc ? ClockZone{"+0000", "UTC"} : ClockZone{});
}

StatusOr<WallTime> ParseTimeBy(std::string_view text, std::string_view format) {
  ASSIGN_OR_RETURN(const PatternTime time, ParseByPattern(text, format));
  if (time.offset) return InvalidArgument("offsets (%z) are not read");
  return time.shown;
}

}  // namespace millrace::jinja
