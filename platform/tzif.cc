#include "platform/tzif.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace millrace::platform {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;

constexpr int kLastYear = 2500;
constexpr std::size_t kHeaderSize = 44;

Status Damaged(std::string_view what) { return DataLoss("time zone file: " + std::string(what)); }

std::int64_t BigEndian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return size == 4 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
}

struct Header {
  int version = 0;
  std::size_t is_utc, is_std, leaps, times, types, chars;
  std::size_t BlockSize(std::size_t time_size) const {
    return times * time_size + times + types * 6 + chars + leaps * (time_size + 4) + is_std + is_utc;
  }
};

std::optional<Header> ReadHeader(std::string_view bytes) {
  if (bytes.size() < kHeaderSize || !bytes.starts_with("TZif")) return std::nullopt;
  const auto count = [bytes](std::size_t index) {
    return static_cast<std::size_t>(BigEndian(bytes, 20 + index * 4, 4) & 0xffffff);
  };
  const int version = bytes[4] == '\0' ? 1 : bytes[4] - '0';
  return Header{version, count(0), count(1), count(2), count(3), count(4), count(5)};
}

// --- the rule at the end: POSIX's TZ ---

struct RuleDate {
  char kind = 'M';  // M: month.week.day; J: day 1-365 without leap days; 0: day 0-365
  int month = 0;
  int week = 0;
  int day = 0;
  seconds time = std::chrono::hours(2);

  std::int64_t In(int y) const {
    sys_days date = sys_days(year(y) / 1 / 1);
    if (kind == '0') {
      date += days(day);
    } else if (kind == 'J') {
      date += days(day - 1 + (year(y).is_leap() && day >= 60 ? 1 : 0));
    } else {
      const std::chrono::weekday weekday(static_cast<unsigned>(day));
      date = week == 5 ? sys_days(year(y) / month / weekday[std::chrono::last])
                       : sys_days(year(y) / month / weekday[static_cast<unsigned>(week)]);
    }
    return (date.time_since_epoch() + time).count();
  }
};

struct Rule {
  seconds standard{0};
  std::optional<seconds> summer;
  RuleDate summer_starts;
  RuleDate summer_ends;
};

class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : text_(text) {}

  std::optional<Rule> Run() {
    Rule rule;
    if (!Name() || !Offset(rule.standard)) return std::nullopt;
    if (text_.empty()) return rule;
    if (!Name()) return std::nullopt;
    rule.summer = rule.standard + std::chrono::hours(1);
    if (!text_.empty() && text_[0] != ',' && !Offset(*rule.summer)) return std::nullopt;
    if (!Date(rule.summer_starts) || !Date(rule.summer_ends) || !text_.empty()) return std::nullopt;
    return rule;
  }

 private:
  bool Take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool Name() {
    std::size_t size = 0;
    if (text_.starts_with('<')) {
      size = text_.find('>');
      if (size == std::string_view::npos) return false;
      ++size;
    } else {
      const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
      while (size < text_.size() && is_letter(text_[size])) ++size;
    }
    text_.remove_prefix(size);
    return size >= 3;
  }

  bool Number(int& number) {
    std::size_t count = 0;
    number = 0;
    while (count < text_.size() && count < 4 && text_[count] >= '0' && text_[count] <= '9') {
      number = number * 10 + (text_[count++] - '0');
    }
    text_.remove_prefix(count);
    return count > 0;
  }

  bool Time(seconds& time) {
    const bool negative = Take('-');
    if (!negative) Take('+');
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!Number(hour)) return false;
    if (Take(':') && !Number(minute)) return false;
    if (Take(':') && !Number(second)) return false;
    if (hour > 167 || minute > 59 || second > 59) return false;
    time = (std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second)) * (negative ? -1 : 1);
    return true;
  }

  // West is positive in these rules, east in ours.
  bool Offset(seconds& offset) {
    if (!Time(offset)) return false;
    offset = -offset;
    return true;
  }

  bool Date(RuleDate& date) {
    if (!Take(',')) return false;
    if (Take('M')) {
      if (!Number(date.month) || !Take('.') || !Number(date.week) || !Take('.') || !Number(date.day))
        return false;
      if (date.month < 1 || date.month > 12 || date.week < 1 || date.week > 5 || date.day > 6) return false;
    } else {
      date.kind = Take('J') ? 'J' : '0';
      if (!Number(date.day) || date.day > 365 || (date.kind == 'J' && date.day < 1)) return false;
    }
    return !Take('/') || Time(date.time);
  }

  std::string_view text_;
};

void Continue(const Rule& rule, std::vector<OffsetPeriod>& periods) {
  const OffsetPeriod last = periods.back();
  const bool from_start = periods.size() == 1;
  if (!rule.summer) {
    if (from_start) periods.back().offset = rule.standard;
    return;
  }
  const auto last_time = std::chrono::sys_seconds(seconds(from_start ? 0 : last.from));
  const int first_year =
      static_cast<int>(std::chrono::year_month_day(std::chrono::floor<days>(last_time)).year());
  std::vector<OffsetPeriod> ruled;
  for (int y = first_year; y <= kLastYear; ++y) {
    ruled.push_back({rule.summer_starts.In(y) - rule.standard.count(), *rule.summer});
    ruled.push_back({rule.summer_ends.In(y) - rule.summer->count(), rule.standard});
  }
  std::stable_sort(ruled.begin(), ruled.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
  for (const OffsetPeriod& period : ruled) {
    if (period.from > last.from && period.offset != periods.back().offset) periods.push_back(period);
  }
}

}  // namespace

StatusOr<std::vector<OffsetPeriod>> ReadTzif(std::string_view bytes) {
  std::optional<Header> header = ReadHeader(bytes);
  if (!header) return Damaged("it does not begin as one");
  std::size_t time_size = 4;
  if (header->version >= 2) {  // the first block is for old readers
    const std::size_t skip = kHeaderSize + header->BlockSize(4);
    if (skip > bytes.size()) return Damaged("it is too short");
    bytes.remove_prefix(skip);
    header = ReadHeader(bytes);
    if (!header) return Damaged("its second part is missing");
    time_size = 8;
  }
  const std::size_t block = header->BlockSize(time_size);
  if (header->types == 0 || kHeaderSize + block > bytes.size()) return Damaged("it is too short");
  if (header->leaps != 0) return Damaged("it counts leap seconds, which the system's clock does not");
  const std::size_t indices = kHeaderSize + header->times * time_size;
  const std::size_t types = indices + header->times;
  std::vector<OffsetPeriod> periods;
  periods.push_back({std::numeric_limits<std::int64_t>::min(), seconds(BigEndian(bytes, types, 4))});
  for (std::size_t i = 0; i < header->times; ++i) {
    const auto type = static_cast<std::size_t>(static_cast<unsigned char>(bytes[indices + i]));
    const std::int64_t from = BigEndian(bytes, kHeaderSize + i * time_size, time_size);
    if (type >= header->types || (i > 0 && from <= periods.back().from))
      return Damaged("its transitions are not in order");
    periods.push_back({from, seconds(BigEndian(bytes, types + type * 6, 4))});
  }
  for (const OffsetPeriod& period : periods) {
    if (std::chrono::abs(period.offset) > std::chrono::hours(26))
      return Damaged("an offset is longer than a day");
  }
  std::string_view footer = bytes.substr(kHeaderSize + block);
  if (time_size == 8 && footer.size() > 2 && footer.front() == '\n' && footer.back() == '\n') {
    const std::optional<Rule> rule = RuleParser(footer.substr(1, footer.size() - 2)).Run();
    if (!rule) return Damaged("the rule at its end is not understood");
    Continue(*rule, periods);
  }
  return periods;
}

}  // namespace millrace::platform
