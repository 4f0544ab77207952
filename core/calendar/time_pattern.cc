#include "core/calendar/time_pattern.h"

#include <array>

namespace millrace {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

std::string Padded(std::int64_t number, int width) {
  std::string text = std::to_string(number);
  if (static_cast<int>(text.size()) < width)
    text.insert(0, static_cast<std::size_t>(width) - text.size(), '0');
  return text;
}

struct IsoWeek {
  int year;
  int week;
};

IsoWeek IsoWeekOf(sys_days day) {
  const sys_days thursday = day + days(4) - days(std::chrono::weekday(day).iso_encoding());
  const std::chrono::year year = year_month_day(thursday).year();
  return {static_cast<int>(year), static_cast<int>((thursday - sys_days(year / 1 / 1)).count() / 7 + 1)};
}

// One directive's text, or nothing when it is not supported.
std::optional<std::string> Directive(char directive, WallTime time, const ClockZone& zone) {
  const sys_days day = std::chrono::floor<days>(time);
  const year_month_day date(day);
  const std::chrono::hh_mm_ss<Duration> clock(time - day);
  const auto weekday = std::chrono::weekday(day);
  const std::int64_t hour = clock.hours().count();
  const std::int64_t day_of_year = (day - sys_days(date.year() / 1 / 1)).count();
  const int year = static_cast<int>(date.year());
  switch (directive) {
    case 'Y':
      return Padded(year, 4);
    case 'y':
      return Padded(year % 100, 2);
    case 'm':
      return Padded(static_cast<unsigned>(date.month()), 2);
    case 'd':
      return Padded(static_cast<unsigned>(date.day()), 2);
    case 'e': {
      std::string text = std::to_string(static_cast<unsigned>(date.day()));
      return (text.size() < 2 ? " " : "") + text;
    }
    case 'H':
      return Padded(hour, 2);
    case 'I':
      return Padded(hour % 12 == 0 ? 12 : hour % 12, 2);
    case 'M':
      return Padded(clock.minutes().count(), 2);
    case 'S':
      return Padded(clock.seconds().count(), 2);
    case 'f':
      return Padded(clock.subseconds().count(), 6);
    case 'p':
      return hour < 12 ? "AM" : "PM";
    case 'j':
      return Padded(day_of_year + 1, 3);
    case 'B':
      return std::string(kMonths[static_cast<unsigned>(date.month()) - 1]);
    case 'b':
    case 'h':
      return std::string(kMonths[static_cast<unsigned>(date.month()) - 1].substr(0, 3));
    case 'A':
      return std::string(kWeekdays[weekday.c_encoding()]);
    case 'a':
      return std::string(kWeekdays[weekday.c_encoding()].substr(0, 3));
    case 'w':
      return std::to_string(weekday.c_encoding());
    case 'u':
      return std::to_string(weekday.iso_encoding());
    case 'U':
      return Padded((day_of_year + 7 - weekday.c_encoding()) / 7, 2);
    case 'W':
      return Padded((day_of_year + 7 - (weekday.iso_encoding() - 1)) / 7, 2);
    case 'G':
      return std::to_string(IsoWeekOf(day).year);
    case 'V':
      return Padded(IsoWeekOf(day).week, 2);
    case 's':
      return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
    case 'z':
      return zone.offset;
    case 'Z':
      return zone.name;
    case 'n':
      return "\n";
    case 't':
      return "\t";
    case '%':
      return "%";
    default:
      return std::nullopt;
  }
}

// Directives that stand for others.
std::string_view Expansion(char directive) {
  switch (directive) {
    case 'F':
      return "%Y-%m-%d";
    case 'T':
    case 'X':
      return "%H:%M:%S";
    case 'D':
    case 'x':
      return "%m/%d/%y";
    case 'R':
      return "%H:%M";
    case 'c':
      return "%a %b %e %H:%M:%S %Y";
    case 'r':
      return "%I:%M:%S %p";
    default:
      return "";
  }
}

std::optional<int> TakeNumber(std::string_view& text, std::size_t most) {
  std::size_t count = 0;
  int number = 0;
  while (count < most && count < text.size() && text[count] >= '0' && text[count] <= '9') {
    number = number * 10 + (text[count++] - '0');
  }
  if (count == 0) return std::nullopt;
  text.remove_prefix(count);
  return number;
}

bool SameLetters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if ((a[i] | 0x20) != (b[i] | 0x20)) return false;
  }
  return true;
}

// The index of the name that the text starts with, long before short.
template <std::size_t kCount>
std::optional<int> TakeWord(std::string_view& text, const std::array<std::string_view, kCount>& names,
                            bool whole) {
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string_view name = whole ? names[i] : names[i].substr(0, 3);
    if (!SameLetters(text.substr(0, name.size()), name)) continue;
    text.remove_prefix(name.size());
    return static_cast<int>(i);
  }
  return std::nullopt;
}

struct Fields {
  int year = 1900;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int micros = 0;
  std::optional<bool> afternoon;
  std::optional<int> day_of_year;
  std::optional<Duration> offset;
};

// "Z", "+0200" or "+02:00".
std::optional<Duration> TakeOffset(std::string_view& text) {
  if (text.starts_with('Z')) {
    text.remove_prefix(1);
    return Duration(0);
  }
  if (!text.starts_with('+') && !text.starts_with('-')) return std::nullopt;
  const bool west = text.front() == '-';
  text.remove_prefix(1);
  const std::size_t before = text.size();
  const std::optional<int> hours = TakeNumber(text, 2);
  if (!hours || before - text.size() != 2 || *hours > 23) return std::nullopt;
  if (text.starts_with(':')) text.remove_prefix(1);
  const std::size_t between = text.size();
  const std::optional<int> minutes = TakeNumber(text, 2);
  if (!minutes || between - text.size() != 2 || *minutes > 59) return std::nullopt;
  const Duration offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return west ? -offset : offset;
}

bool TakeField(char directive, std::string_view& text, Fields& fields) {
  std::optional<int> number;
  switch (directive) {
    case 'Y':
      number = text.size() >= 4 ? TakeNumber(text, 4) : std::nullopt;
      if (number) fields.year = *number;
      break;
    case 'y':
      number = TakeNumber(text, 2);
      if (number) fields.year = *number < 69 ? 2000 + *number : 1900 + *number;
      break;
    case 'm':
      number = TakeNumber(text, 2);
      if (number) fields.month = *number;
      break;
    case 'd':
    case 'e':
      number = TakeNumber(text, 2);
      if (number) fields.day = *number;
      break;
    case 'H':
    case 'I':
      number = TakeNumber(text, 2);
      if (number) fields.hour = *number;
      break;
    case 'M':
      number = TakeNumber(text, 2);
      if (number) fields.minute = *number;
      break;
    case 'S':
      number = TakeNumber(text, 2);
      if (number) fields.second = *number;
      break;
    case 'j':
      number = TakeNumber(text, 3);
      fields.day_of_year = number;
      break;
    case 'B':
      number = TakeWord(text, kMonths, true);
      if (number) fields.month = *number + 1;
      break;
    case 'b':
      number = TakeWord(text, kMonths, false);
      if (number) fields.month = *number + 1;
      break;
    case 'A':
      number = TakeWord(text, kWeekdays, true);
      break;
    case 'a':
      number = TakeWord(text, kWeekdays, false);
      break;
    case 'f': {
      const std::size_t before = text.size();
      number = TakeNumber(text, 6);
      if (number) fields.micros = *number;
      for (std::size_t i = before - text.size(); number && i < 6; ++i) fields.micros *= 10;
      break;
    }
    case 'p':
      number = SameLetters(text.substr(0, 2), "am")   ? 0
               : SameLetters(text.substr(0, 2), "pm") ? std::optional<int>(1)
                                                      : std::nullopt;
      if (number) {
        fields.afternoon = *number == 1;
        text.remove_prefix(2);
      }
      break;
    case 'z':
      fields.offset = TakeOffset(text);
      return fields.offset.has_value();
    case '%':
      number = text.starts_with('%') ? std::optional<int>(0) : std::nullopt;
      if (number) text.remove_prefix(1);
      break;
    default:
      return false;
  }
  return number.has_value();
}

std::optional<WallTime> ToTime(Fields fields) {
  if (fields.afternoon) {
    if (fields.hour < 1 || fields.hour > 12) return std::nullopt;
    fields.hour = fields.hour % 12 + (*fields.afternoon ? 12 : 0);
  }
  const year_month_day date = std::chrono::year(fields.year) / fields.month / fields.day;
  if (!date.ok() || fields.year < 1 || fields.hour > 23 || fields.minute > 59 || fields.second > 59)
    return std::nullopt;
  sys_days day(date);
  if (fields.day_of_year) {
    if (*fields.day_of_year < 1 || *fields.day_of_year > 366) return std::nullopt;
    day = sys_days(std::chrono::year(fields.year) / 1 / 1) + days(*fields.day_of_year - 1);
  }
  return WallTime(day) + std::chrono::hours(fields.hour) + std::chrono::minutes(fields.minute) +
         std::chrono::seconds(fields.second) + Duration(fields.micros);
}

std::string Expanded(std::string_view format) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const std::string_view longer = format[i] == '%' && i + 1 < format.size() ? Expansion(format[i + 1]) : "";
    if (!longer.empty()) {
      out += longer;
      ++i;
    } else if (format[i] == '%' && i + 1 < format.size()) {
      out += format[i];
      out += format[++i];
    } else {
      out += format[i];
    }
  }
  return out;
}

}  // namespace

StatusOr<std::string> FormatByPattern(WallTime shown, std::string_view format, const ClockZone& zone) {
  const std::string expanded = Expanded(format);
  std::string out;
  for (std::size_t i = 0; i < expanded.size(); ++i) {
    if (expanded[i] != '%') {
      out += expanded[i];
      continue;
    }
    const bool unpadded = i + 2 < expanded.size() && expanded[i + 1] == '-';
    if (unpadded) ++i;
    const char directive = ++i < expanded.size() ? expanded[i] : '\0';
    std::optional<std::string> text = Directive(directive, shown, zone);
    if (!text) return InvalidArgument("strftime does not know '%" + std::string(1, directive) + "'");
    if (unpadded && !text->empty()) text->erase(0, std::min(text->find_first_not_of('0'), text->size() - 1));
    out += *text;
  }
  return out;
}

StatusOr<PatternTime> ParseByPattern(std::string_view text, std::string_view format) {
  const auto mismatch = [&] {
    return InvalidArgument("'" + std::string(text) + "' does not look like '" + std::string(format) + "'");
  };
  const std::string expanded = Expanded(format);
  std::string_view rest = text;
  Fields fields;
  for (std::size_t i = 0; i < expanded.size(); ++i) {
    if (expanded[i] == '%' && i + 1 < expanded.size()) {
      if (!TakeField(expanded[++i], rest, fields)) return mismatch();
    } else if (rest.starts_with(expanded[i])) {
      rest.remove_prefix(1);
    } else {
      return mismatch();
    }
  }
  const std::optional<WallTime> time = ToTime(fields);
  if (!time || !rest.empty()) return mismatch();
  return PatternTime{*time, fields.offset};
}

}  // namespace millrace
