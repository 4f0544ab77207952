#include "core/calendar/format.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "core/calendar/fire_times.h"

namespace millrace {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::year_month_day;

constexpr Duration kLongest = days(10'000);

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array<Unit, 6> kUnits = {{{"w", days(7)},
                                         {"d", days(1)},
                                         {"h", std::chrono::hours(1)},
                                         {"m", std::chrono::minutes(1)},
                                         {"s", std::chrono::seconds(1)},
                                         {"ms", std::chrono::milliseconds(1)}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes digits off the front; nothing when there are none or more than `most`.
std::optional<std::int64_t> TakeDigits(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t count = 0;
  std::int64_t number = 0;
  while (count < text.size() && IsDigit(text[count])) {
    if (++count > most) return std::nullopt;
    number = number * 10 + (text[count - 1] - '0');
  }
  if (count < least) return std::nullopt;
  text.remove_prefix(count);
  return number;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// ".25" as millionths; 0 when there is no fraction; nothing for a lone dot. Digits beyond the sixth are cut.
std::optional<std::int64_t> TakeFraction(std::string_view& text) {
  if (!Take(text, '.')) return 0;
  std::int64_t millionths = 0;
  std::size_t digits = 0;
  for (; !text.empty() && IsDigit(text.front()); text.remove_prefix(1)) {
    if (++digits <= 6) millionths = millionths * 10 + (text.front() - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 6; ++digits) millionths *= 10;
  return millionths;
}

struct Amount {
  std::int64_t whole = 0;
  std::int64_t millionths = 0;
};

std::optional<Amount> TakeAmount(std::string_view& text) {
  const std::optional<std::int64_t> whole = TakeDigits(text, 1, 15);
  if (!whole) return std::nullopt;
  const std::optional<std::int64_t> millionths = TakeFraction(text);
  if (!millionths) return std::nullopt;
  return Amount{*whole, *millionths};
}

// Adds amount x unit; false when the sum gets longer than allowed.
bool Add(const Amount& amount, Duration unit, Duration& sum) {
  if (amount.whole > kLongest / unit) return false;
  sum += unit * amount.whole + Duration(unit.count() * amount.millionths / 1'000'000);
  return sum <= kLongest;
}

std::optional<Duration> UnitLength(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.length;
  }
  return std::nullopt;
}

Status WrongDuration(std::string_view text) {
  return InvalidArgument("'" + std::string(text) +
                         "' is no duration; write 90s, 5m, 2h30m, 1d, PT5M or a number of seconds");
}

Status TooLong(std::string_view text) {
  return InvalidArgument("duration '" + std::string(text) + "' is longer than 10000 days");
}

StatusOr<Duration> ParseIsoDuration(std::string_view text) {
  std::string_view rest = text.substr(1);
  Duration sum{0};
  std::string_view order = "WDHMS";  // what may still come
  bool in_time = false;
  bool any = false;
  while (!rest.empty()) {
    if (!in_time && Take(rest, 'T')) {
      in_time = true;
      if (rest.empty()) return WrongDuration(text);
      continue;
    }
    const std::optional<Amount> amount = TakeAmount(rest);
    if (!amount || rest.empty()) return WrongDuration(text);
    const char unit = rest.front();
    const std::size_t place = order.find(unit);
    if (place == std::string_view::npos || in_time != (unit == 'H' || unit == 'M' || unit == 'S')) {
      return WrongDuration(text);
    }
    order.remove_prefix(place + 1);
    rest.remove_prefix(1);
    const char lower = static_cast<char>(unit - 'A' + 'a');
    if (!Add(*amount, *UnitLength(std::string_view(&lower, 1)), sum)) return TooLong(text);
    any = true;
  }
  if (!any) return WrongDuration(text);
  return sum;
}

Status WrongTime(std::string_view text, std::string_view problem) {
  return InvalidArgument("'" + std::string(text) + "' " + std::string(problem) +
                         "; write a date (2001-03-01) or a time (2001-03-01T02:00:00Z)");
}

struct ParsedTime {
  LocalTime local;
  std::optional<Duration> offset;
  bool date_only = false;
};

bool TakeOffset(std::string_view& text, std::optional<Duration>& offset) {
  if (text.empty()) return true;
  if (Take(text, 'Z') || Take(text, 'z')) {
    offset = Duration(0);
    return text.empty();
  }
  const bool negative = text.front() == '-';
  if (!negative && text.front() != '+') return false;
  text.remove_prefix(1);
  if (text.size() < 2) return false;
  std::string_view hour_text = text.substr(0, 2);
  const std::optional<std::int64_t> hours = TakeDigits(hour_text, 2, 2);
  text.remove_prefix(2);
  std::optional<std::int64_t> minutes = 0;
  if (!text.empty()) {
    Take(text, ':');
    minutes = TakeDigits(text, 2, 2);
  }
  if (!hours || !minutes || *hours > 23 || *minutes > 59 || !text.empty()) return false;
  offset = (std::chrono::hours(*hours) + std::chrono::minutes(*minutes)) * (negative ? -1 : 1);
  return true;
}

StatusOr<ParsedTime> ReadTime(std::string_view text) {
  std::string_view rest = text;
  const auto year = TakeDigits(rest, 4, 4);
  const bool first_dash = Take(rest, '-');
  const auto month = TakeDigits(rest, 2, 2);
  const bool second_dash = Take(rest, '-');
  const auto day = TakeDigits(rest, 2, 2);
  if (!year || !first_dash || !month || !second_dash || !day) return WrongTime(text, "is no date");
  const year_month_day date =
      std::chrono::year(static_cast<int>(*year)) / static_cast<int>(*month) / static_cast<int>(*day);
  if (!date.ok() || *year == 0) return WrongTime(text, "is no date of the calendar");
  ParsedTime parsed{local_days(date), std::nullopt, rest.empty()};
  if (parsed.date_only) return parsed;
  if (!Take(rest, 'T') && !Take(rest, 't') && !Take(rest, ' ')) return WrongTime(text, "is no date");
  const auto hour = TakeDigits(rest, 2, 2);
  const bool colon = Take(rest, ':');
  const auto minute = TakeDigits(rest, 2, 2);
  if (!hour || !colon || !minute || *hour > 23 || *minute > 59) return WrongTime(text, "is no time of day");
  std::int64_t second = 0;
  std::int64_t fraction = 0;
  if (Take(rest, ':')) {
    const auto seconds = TakeDigits(rest, 2, 2);
    const auto millionths = TakeFraction(rest);
    if (!seconds || *seconds > 59 || !millionths) return WrongTime(text, "is no time of day");
    second = *seconds;
    fraction = *millionths;
  }
  if (!TakeOffset(rest, parsed.offset)) return WrongTime(text, "ends in no UTC offset");
  parsed.local += std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(second) +
                  Duration(fraction);
  return parsed;
}

// What snprintf needs to print a time.
struct Parts {
  int year;
  unsigned month;
  unsigned day;
  std::chrono::hh_mm_ss<Duration> time;
};

Parts Split(LocalTime local) {
  const local_days day = std::chrono::floor<days>(local);
  const year_month_day date(day);
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()), std::chrono::hh_mm_ss<Duration>(local - day)};
}

LocalTime InUtc(WallTime time) { return LocalTime(time.time_since_epoch()); }

template <typename... Numbers>
std::string Print(const char* format, Numbers... numbers) {
  std::array<char, 96> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, numbers...);
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

std::string DateAndTime(LocalTime local, const char* format, const char* fraction_format) {
  const Parts parts = Split(local);
  std::string text =
      Print(format, parts.year, parts.month, parts.day, static_cast<int>(parts.time.hours().count()),
            static_cast<int>(parts.time.minutes().count()), static_cast<int>(parts.time.seconds().count()));
  const long micros = static_cast<long>(parts.time.subseconds().count());
  if (micros != 0) text += Print(fraction_format, micros);
  return text;
}

constexpr const char* kLong = "%04d-%02u-%02uT%02d:%02d:%02d";
constexpr const char* kCompact = "%04d%02u%02uT%02d%02d%02d";
constexpr const char* kFraction = ".%06ld";
constexpr const char* kNoFraction = "";

}  // namespace

StatusOr<Duration> ParseDuration(std::string_view text) {
  if (text.starts_with('P')) return ParseIsoDuration(text);
  std::string_view rest = text;
  Duration sum{0};
  std::array<bool, kUnits.size()> seen{};
  bool any = false;
  while (!rest.empty()) {
    if (any) Take(rest, ' ');
    const std::optional<Amount> amount = TakeAmount(rest);
    if (!amount) return WrongDuration(text);
    if (rest.empty()) {
      if (any) return WrongDuration(text);
      if (!Add(*amount, std::chrono::seconds(1), sum)) return TooLong(text);
      return sum;
    }
    std::size_t length = 0;
    while (length < rest.size() && rest[length] >= 'a' && rest[length] <= 'z') ++length;
    const std::string_view name = rest.substr(0, length);
    std::size_t unit = 0;
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size() || seen[unit]) return WrongDuration(text);
    seen[unit] = true;
    rest.remove_prefix(length);
    if (!Add(*amount, kUnits[unit].length, sum)) return TooLong(text);
    any = true;
  }
  if (!any) return WrongDuration(text);
  return sum;
}

std::string FormatDuration(Duration duration) {
  if (duration == Duration(0)) return "0s";
  std::string text = duration < Duration(0) ? "-" : "";
  Duration left = std::chrono::abs(duration);
  for (const Unit& unit : kUnits) {
    if (unit.name == "w" || unit.name == "ms") continue;
    if (unit.name == "s") break;
    const auto count = left / unit.length;
    left %= unit.length;
    if (count != 0) text += std::to_string(count) + std::string(unit.name);
  }
  if (left == Duration(0)) return text;
  text += std::to_string(left / std::chrono::seconds(1));
  std::int64_t micros = (left % std::chrono::seconds(1)).count();
  if (micros != 0) {
    std::string fraction = Print(kFraction, static_cast<long>(micros));
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += fraction;
  }
  return text + "s";
}

StatusOr<WallTime> ParseTime(std::string_view text, const Zone& zone) {
  ASSIGN_OR_RETURN(const ParsedTime parsed, ReadTime(text));
  if (parsed.offset) return WallTime(parsed.local.time_since_epoch() - *parsed.offset);
  return ResolveLocal(zone, parsed.local);
}

StatusOr<WallTime> ParseTimeUtc(std::string_view text) {
  ASSIGN_OR_RETURN(const ParsedTime parsed, ReadTime(text));
  if (!parsed.offset && !parsed.date_only)
    return WrongTime(text, "has no UTC offset (add Z, or such as +02:00)");
  return WallTime(parsed.local.time_since_epoch() - parsed.offset.value_or(Duration(0)));
}

std::string FormatTime(WallTime time) { return DateAndTime(InUtc(time), kLong, kFraction) + "Z"; }

std::string FormatTime(WallTime time, const Zone& zone) {
  const Duration offset = zone.OffsetAt(time);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(std::chrono::abs(offset)).count();
  return DateAndTime(zone.ToLocal(time), kLong, kFraction) + (offset < Duration(0) ? "-" : "+") +
         Print("%02d:%02d", static_cast<int>(minutes / 60), static_cast<int>(minutes % 60));
}

std::string FormatDs(WallTime time) {
  const Parts parts = Split(InUtc(time));
  return Print("%04d-%02u-%02u", parts.year, parts.month, parts.day);
}

std::string FormatDsNodash(WallTime time) {
  const Parts parts = Split(InUtc(time));
  return Print("%04d%02u%02u", parts.year, parts.month, parts.day);
}

std::string FormatTs(WallTime time) { return DateAndTime(InUtc(time), kLong, kFraction) + "+00:00"; }

std::string FormatTsNodash(WallTime time) { return DateAndTime(InUtc(time), kCompact, kNoFraction); }

std::string FormatTsNodashWithTz(WallTime time) {
  return DateAndTime(InUtc(time), kCompact, kFraction) + "+0000";
}

}  // namespace millrace
