// Fields and methods of datetimes (as pendulum has them; always in UTC) and of timedeltas.
#include <array>
#include <optional>

#include "core/calendar/format.h"
#include "core/template/method_table.h"
#include "core/template/text_format.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;
using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 11> kTimeFields = {
    "year",        "month",       "day",          "hour",    "minute",       "second",
    "microsecond", "day_of_year", "week_of_year", "quarter", "int_timestamp"};
constexpr std::array<std::string_view, 3> kSpanFields = {"days", "seconds", "microseconds"};

struct Split {
  sys_days day;
  year_month_day date;
  std::chrono::hh_mm_ss<Duration> clock;
};

Split SplitOf(WallTime time) {
  const sys_days day = std::chrono::floor<days>(time);
  return {day, year_month_day(day), std::chrono::hh_mm_ss<Duration>(time - day)};
}

std::int64_t Number(unsigned number) { return static_cast<std::int64_t>(number); }

Datum FieldOfTime(WallTime time, std::string_view name) {
  const Split at = SplitOf(time);
  const std::int64_t month = Number(static_cast<unsigned>(at.date.month()));
  if (name == "year") return Datum(std::int64_t{static_cast<int>(at.date.year())});
  if (name == "month") return Datum(month);
  if (name == "day") return Datum(Number(static_cast<unsigned>(at.date.day())));
  if (name == "hour") return Datum(std::int64_t{at.clock.hours().count()});
  if (name == "minute") return Datum(std::int64_t{at.clock.minutes().count()});
  if (name == "second") return Datum(std::int64_t{at.clock.seconds().count()});
  if (name == "microsecond") return Datum(std::int64_t{at.clock.subseconds().count()});
  if (name == "day_of_year")
    return Datum(std::int64_t{(at.day - sys_days(at.date.year() / 1 / 1)).count() + 1});
  if (name == "week_of_year") return Datum(std::int64_t{std::stoi(*FormatTimeBy(time, "%V"))});
  if (name == "quarter") return Datum((month + 2) / 3);
  return Datum(std::int64_t{std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()});
}

Datum FieldOfSpan(Duration span, std::string_view name) {
  const auto whole_days = std::chrono::floor<days>(span);
  const auto whole_seconds = std::chrono::floor<std::chrono::seconds>(span - whole_days);
  if (name == "days") return Datum(std::int64_t{whole_days.count()});
  if (name == "seconds") return Datum(std::int64_t{whole_seconds.count()});
  return Datum(std::int64_t{(span - whole_days - whole_seconds).count()});
}

// The calendar's months and years: the day is cut to the month's last.
StatusOr<WallTime> AddMonths(WallTime time, std::int64_t months) {
  if (std::abs(months) > 120'000) return InvalidArgument("the time lies outside of years 1 to 9999");
  const Split at = SplitOf(time);
  const auto month = at.date.year() / at.date.month() + std::chrono::months(months);
  const auto last = (month / std::chrono::last).day();
  return WallTime(sys_days(month / std::min(at.date.day(), last))) + (time - at.day);
}

StatusOr<Datum> Moved(const Datum& value, Args args, std::int64_t sign) {
  if (!args.positional.empty()) return InvalidArgument("takes named arguments: days=1, hours=2");
  WallTime time = value.time();
  std::int64_t months = 0;
  Duration span{0};
  for (const auto& [name, amount] : args.named) {
    if (!amount.is_integral()) return InvalidArgument("'" + name + "' must be an int");
    const std::int64_t count =
        amount.integer() * (amount.integer() > 100'000'000 || amount.integer() < -100'000'000 ? 0 : 1);
    if (count != amount.integer()) return InvalidArgument("'" + name + "' is too large");
    if (name == "years")
      months += count * 12;
    else if (name == "months")
      months += count;
    else if (name == "weeks")
      span += days(7) * count;
    else if (name == "days")
      span += days(1) * count;
    else if (name == "hours")
      span += std::chrono::hours(count);
    else if (name == "minutes")
      span += std::chrono::minutes(count);
    else if (name == "seconds")
      span += std::chrono::seconds(count);
    else
      return InvalidArgument("does not know '" + name +
                             "'; known: years, months, weeks, days, hours, minutes, seconds");
    if (std::chrono::abs(span) > kLongestSpan) return InvalidArgument("'" + name + "' is too large");
  }
  ASSIGN_OR_RETURN(time, AddMonths(time, months * sign));
  time += span * sign;
  RETURN_IF_ERROR(CheckTime(time));
  return Datum(time, value.form());
}

StatusOr<Datum> Add(const Datum& value, Args args) { return Moved(value, args, 1); }
StatusOr<Datum> Subtract(const Datum& value, Args args) { return Moved(value, args, -1); }

std::optional<WallTime> StartOf(WallTime time, std::string_view unit) {
  const Split at = SplitOf(time);
  if (unit == "second") return std::chrono::floor<std::chrono::seconds>(time);
  if (unit == "minute") return std::chrono::floor<std::chrono::minutes>(time);
  if (unit == "hour") return std::chrono::floor<std::chrono::hours>(time);
  if (unit == "day") return WallTime(at.day);
  if (unit == "week") return WallTime(at.day - days(std::chrono::weekday(at.day).iso_encoding() - 1));
  if (unit == "month") return WallTime(sys_days(at.date.year() / at.date.month() / 1));
  if (unit == "year") return WallTime(sys_days(at.date.year() / 1 / 1));
  return std::nullopt;
}

StatusOr<Datum> Start(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const std::string unit, args.Text(0, "unit", ""));
  const std::optional<WallTime> start = StartOf(value.time(), unit);
  if (!start) return InvalidArgument("the unit must be second, minute, hour, day, week, month or year");
  return Datum(*start);
}

StatusOr<Datum> End(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const std::string unit, args.Text(0, "unit", ""));
  const std::optional<WallTime> start = StartOf(value.time(), unit);
  if (!start) return InvalidArgument("the unit must be second, minute, hour, day, week, month or year");
  WallTime next = *start;
  if (unit == "month" || unit == "year") {
    ASSIGN_OR_RETURN(next, AddMonths(*start, unit == "month" ? 1 : 12));
  } else {
    next += unit == "second"   ? Duration(std::chrono::seconds(1))
            : unit == "minute" ? Duration(std::chrono::minutes(1))
            : unit == "hour"   ? Duration(std::chrono::hours(1))
            : unit == "day"    ? Duration(days(1))
                               : Duration(days(7));
  }
  return Datum(next - Duration(1));
}

StatusOr<Datum> Strftime(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const std::string format, args.Text(0, "format", ""));
  ASSIGN_OR_RETURN(std::string out, FormatTimeBy(value.time(), format, value.form()));
  return Datum(std::move(out));
}

StatusOr<Datum> IsoFormat(const Datum& value, Args args) {
  ASSIGN_OR_RETURN(const std::string separator, args.Text(0, "sep", "T"));
  std::string text = TimeText(value, 'T');
  return Datum(text.size() > 10 ? text.replace(10, 1, separator) : text);
}

StatusOr<Datum> Timestamp(const Datum& value, Args) {
  return Datum(static_cast<double>(value.time().time_since_epoch().count()) / 1e6);
}

StatusOr<Datum> Weekday(const Datum& value, Args) {
  return Datum(Number(std::chrono::weekday(std::chrono::floor<days>(value.time())).iso_encoding()) - 1);
}

StatusOr<Datum> IsoWeekday(const Datum& value, Args) {
  return Datum(Number(std::chrono::weekday(std::chrono::floor<days>(value.time())).iso_encoding()));
}

StatusOr<Datum> DateText(const Datum& value, Args) { return Datum(FormatDs(value.time())); }

StatusOr<Datum> DateTimeText(const Datum& value, Args) {
  ASSIGN_OR_RETURN(std::string out, FormatTimeBy(value.time(), "%Y-%m-%d %H:%M:%S"));
  return Datum(std::move(out));
}

StatusOr<Datum> Iso8601Text(const Datum& value, Args) { return Datum(FormatTime(value.time())); }

StatusOr<Datum> TotalSeconds(const Datum& value, Args) {
  if (!value.is_span()) return InvalidArgument("total_seconds is of differences between times");
  return Datum(static_cast<double>(value.span().count()) / 1e6);
}

}  // namespace

const std::vector<MethodRow>& TimeMethods() {
  static const std::vector<MethodRow> kTable = {
      {"add", Add},
      {"end_of", End},
      {"isoformat", IsoFormat},
      {"isoweekday", IsoWeekday},
      {"start_of", Start},
      {"strftime", Strftime},
      {"subtract", Subtract},
      {"timestamp", Timestamp},
      {"to_date_string", DateText},
      {"to_datetime_string", DateTimeText},
      {"to_iso8601_string", Iso8601Text},
      {"total_seconds", TotalSeconds},
      {"weekday", Weekday},
  };
  return kTable;
}

std::vector<std::string> TimeFieldNames(const Datum& value) {
  if (value.is_time()) return {kTimeFields.begin(), kTimeFields.end()};
  return {kSpanFields.begin(), kSpanFields.end()};
}

Datum TimeField(const Datum& value, std::string_view name) {
  for (const std::string& known : TimeFieldNames(value)) {
    if (known == name)
      return value.is_time() ? FieldOfTime(value.time(), name) : FieldOfSpan(value.span(), name);
  }
  return Datum(Undefined{});
}

}  // namespace millrace::jinja
