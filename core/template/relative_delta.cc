#include "core/template/relative_delta.h"

#include <algorithm>
#include <cstdlib>

#include "core/template/builtins.h"
#include "core/template/text_format.h"

namespace millrace::jinja {
namespace {

constexpr std::array<std::string_view, 7> kPlus = {"years",   "months",  "days",        "hours",
                                                   "minutes", "seconds", "microseconds"};
constexpr std::array<std::string_view, 7> kSet = {"year", "month", "day", "hour", "minute", "second", "microsecond"};
constexpr std::array<std::int64_t, 7> kMost = {9999, 12, 31, 23, 59, 59, 999'999};
constexpr std::int64_t kLargest = 10'000'000'000;

enum Unit : std::size_t { kYears, kMonths, kDays, kHours, kMinutes, kSeconds, kMicros };

}  // namespace

void RelativeDelta::Carry() {
  const auto carry = [this](Unit from, Unit to, std::int64_t size) {
    const std::int64_t over = plus[from] / size;  // towards zero, as dateutil has it
    plus[from] -= over * size;
    plus[to] += over;
  };
  carry(kMicros, kSeconds, 1'000'000);
  carry(kSeconds, kMinutes, 60);
  carry(kMinutes, kHours, 60);
  carry(kHours, kDays, 24);
  carry(kMonths, kYears, 12);
}

RelativeDelta RelativeDelta::Times(std::int64_t factor) const {
  RelativeDelta result = *this;
  for (std::int64_t& count : result.plus) {
    if (__builtin_mul_overflow(count, factor, &count)) count = INT64_MAX / 4;  // refused when it is added
    count = std::clamp<std::int64_t>(count, -kLargest, kLargest);
  }
  result.Carry();
  return result;
}

RelativeDelta RelativeDelta::Plus(const RelativeDelta& other) const {
  RelativeDelta result = *this;
  for (std::size_t i = 0; i < plus.size(); ++i) {
    result.plus[i] = std::clamp<std::int64_t>(plus[i] + other.plus[i], -kLargest, kLargest);
    if (other.set[i]) result.set[i] = other.set[i];
  }
  result.Carry();
  return result;
}

std::string RelativeDelta::Text() const {
  std::string text;
  const auto add = [&text](std::string_view name, std::string value) {
    text += (text.empty() ? "" : ", ") + std::string(name) + "=" + value;
  };
  for (std::size_t i = 0; i < plus.size(); ++i) {
    if (plus[i] != 0) add(kPlus[i], (plus[i] > 0 ? "+" : "") + std::to_string(plus[i]));
  }
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (set[i]) add(kSet[i], std::to_string(*set[i]));
  }
  return "relativedelta(" + text + ")";
}

StatusOr<RelativeDelta> RelativeDeltaOf(const Arguments& arguments) {
  if (!arguments.positional.empty()) return InvalidArgument("takes named arguments: months=1, day=31");
  RelativeDelta delta;
  for (const auto& [name, value] : arguments.named) {
    if (!value.is_integral()) return InvalidArgument("'" + name + "' must be an int");
    const std::int64_t count = value.integer();
    if (std::abs(count) > kLargest) return InvalidArgument("'" + name + "' is too large");
    const auto plus = std::find(kPlus.begin(), kPlus.end(), name);
    const auto set = std::find(kSet.begin(), kSet.end(), name);
    if (plus != kPlus.end()) {
      delta.plus[static_cast<std::size_t>(plus - kPlus.begin())] += count;
    } else if (name == "weeks") {
      delta.plus[kDays] += 7 * count;
    } else if (set == kSet.end()) {
      return InvalidArgument("does not know '" + name +
                             "'; known: years to microseconds, weeks, and year to microsecond");
    } else {
      const auto place = static_cast<std::size_t>(set - kSet.begin());
      if (count < (place < 3 ? 1 : 0) || count > kMost[place])
        return InvalidArgument("'" + name + "' is out of range: " + std::to_string(count));
      delta.set[place] = count;
    }
  }
  delta.Carry();
  return delta;
}

StatusOr<WallTime> Moved(WallTime time, const RelativeDelta& by) {
  namespace chr = std::chrono;
  const auto day = chr::floor<chr::days>(time);
  const chr::year_month_day date(day);
  const chr::hh_mm_ss<Duration> clock(time - day);
  const auto set = [&by](Unit unit, std::int64_t otherwise) { return by.set[unit].value_or(otherwise); };
  const Status outside = InvalidArgument("the time lies outside of years 1 to 9999");
  std::int64_t year = set(kYears, static_cast<int>(date.year())) + by.plus[kYears];
  std::int64_t month = set(kMonths, static_cast<unsigned>(date.month())) + by.plus[kMonths];
  if (month > 12) {
    ++year;
    month -= 12;
  } else if (month < 1) {
    --year;
    month += 12;
  }
  if (year < 1 || year > 9999) return outside;
  const chr::year_month_day_last last(chr::year(static_cast<int>(year)),
                                      chr::month_day_last(chr::month(static_cast<unsigned>(month))));
  const std::int64_t in_month = std::min<std::int64_t>(set(kDays, static_cast<unsigned>(date.day())),
                                                       static_cast<unsigned>(last.day()));
  WallTime moved = chr::sys_days(last.year() / last.month() / chr::day(static_cast<unsigned>(in_month)));
  moved += chr::hours(set(kHours, clock.hours().count())) + chr::minutes(set(kMinutes, clock.minutes().count())) +
           chr::seconds(set(kSeconds, clock.seconds().count())) + Duration(set(kMicros, clock.subseconds().count()));
  if (std::abs(by.plus[kDays]) > 4'000'000) return outside;
  moved += chr::days(by.plus[kDays]) + chr::hours(by.plus[kHours]) + chr::minutes(by.plus[kMinutes]) +
           chr::seconds(by.plus[kSeconds]) + Duration(by.plus[kMicros]);
  RETURN_IF_ERROR(CheckTime(moved));
  return moved;
}

Datum RelativeField(const RelativeDelta& delta, std::string_view name) {
  for (std::size_t i = 0; i < kPlus.size(); ++i) {
    if (name == kPlus[i]) return Datum(delta.plus[i]);
    if (name == kSet[i]) return delta.set[i] ? Datum(*delta.set[i]) : Datum();
  }
  if (name == "weeks") return Datum(delta.plus[kDays] / 7);
  return Datum(Undefined{});
}

}  // namespace millrace::jinja
