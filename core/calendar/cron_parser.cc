// Reads a cron expression into the bit sets of Cron. What an entry may be is one function each, tried in
// turn.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/calendar/cron.h"

namespace millrace {
namespace {

constexpr std::array<std::string_view, 12> kMonthNames = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdayNames = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view name;
  int min;
  int max;
  std::span<const std::string_view> names;
  std::string_view allowed;
};

constexpr std::array<Field, 5> kFields = {{
    {"minute", 0, 59, {}, "0-59, *, lists (0,30), ranges (10-20), steps (*/15)"},
    {"hour", 0, 23, {}, "0-23, *, lists (6,18), ranges (9-17, 22-2), steps (*/4)"},
    {"day of month",
     1,
     31,
     {},
     "1-31, *, ?, lists (1,15), ranges (1-7), steps (*/2), L (last day), 15W (nearest workday), LW"},
    {"month", 1, 12, kMonthNames, "1-12, JAN-DEC, *, lists (1,7), ranges (JUN-AUG, NOV-FEB), steps (*/3)"},
    {"day of week", 0, 6, kWeekdayNames,
     "0-7 (0 and 7 are Sunday), SUN-SAT, *, ?, lists (MON,WED), ranges (MON-FRI), steps (*/2), MON#2 (second "
     "Monday), 5L "
     "(last Friday)"},
}};
enum FieldIndex { kMinute, kHour, kDay, kMonth, kWeekday };

struct Preset {
  std::string_view name;
  std::string_view cron;
};
constexpr std::array<Preset, 8> kPresets = {{{"@hourly", "0 * * * *"},
                                             {"@daily", "0 0 * * *"},
                                             {"@midnight", "0 0 * * *"},
                                             {"@weekly", "0 0 * * 0"},
                                             {"@monthly", "0 0 1 * *"},
                                             {"@quarterly", "0 0 1 */3 *"},
                                             {"@yearly", "0 0 1 1 *"},
                                             {"@annually", "0 0 1 1 *"}}};

std::string Lowered(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lowered;
}

std::vector<std::string_view> Split(std::string_view text, std::string_view separators, bool keep_empty) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find_first_of(separators, from), text.size());
    if (keep_empty || to > from) parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

std::optional<int> Number(std::string_view text) {
  if (text.empty() || text.size() > 6) return std::nullopt;
  int number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace

class CronParser {
 public:
  explicit CronParser(std::string_view text) { cron_.text_ = std::string(text); }

  StatusOr<Cron> Parse() {
    std::string lowered = Lowered(cron_.text_);
    std::vector<std::string_view> fields = Split(lowered, " \t\r\n", false);
    if (fields.size() == 1 && fields[0].starts_with('@')) {
      ASSIGN_OR_RETURN(std::string_view preset, FindPreset(fields[0]));
      lowered = std::string(preset);
      fields = Split(lowered, " ", false);
    }
    RETURN_IF_ERROR(CheckFieldCount(fields.size()));
    std::array<Entries, 5> entries;
    for (std::size_t i = 0; i < entries.size(); ++i) RETURN_IF_ERROR(ParseField(i, fields[i], entries[i]));
    Store(entries, fields);
    if (!cron_.EverMatches()) return NeverFires(fields);
    return std::move(cron_);
  }

 private:
  // What one field's entries add up to.
  struct Entries {
    std::uint64_t bits = 0;
    bool star = false;   // an entry is `*` or `?`
    bool other = false;  // an entry is something else
  };

  Status Wrong(std::size_t index, std::string_view entry, std::string_view problem) const {
    const Field& field = kFields[index];
    return InvalidArgument("cron '" + cron_.text_ + "': " + std::string(field.name) + " '" +
                           std::string(entry) + "' " + std::string(problem) +
                           "; allowed: " + std::string(field.allowed));
  }

  StatusOr<std::string_view> FindPreset(std::string_view name) const {
    std::string known;
    for (const Preset& preset : kPresets) {
      if (preset.name == name) return preset.cron;
      known += (known.empty() ? "" : ", ") + std::string(preset.name);
    }
    return InvalidArgument("unknown schedule '" + cron_.text_ + "'; allowed: " + known +
                           ", or a cron of five fields");
  }

  Status CheckFieldCount(std::size_t count) const {
    if (count == 5) return OkStatus();
    const std::string prefix =
        "cron '" + cron_.text_ + "' has " + std::to_string(count) + (count == 1 ? " field" : " fields");
    if (count == 6 || count == 7) {
      return InvalidArgument(
          prefix +
          "; seconds and years are not supported, give five: minute hour day-of-month month day-of-week");
    }
    return InvalidArgument(prefix + "; give five: minute hour day-of-month month day-of-week");
  }

  Status ParseField(std::size_t index, std::string_view text, Entries& entries) {
    if (text.find('?') != std::string_view::npos && text != "?")
      return Wrong(index, text, "uses ? together with other text");
    const std::vector<std::string_view> parts = Split(text, ",", true);
    for (std::string_view part : parts) {
      if (part.empty()) return Wrong(index, text, "has an empty entry");
      if (part == "*" || (part == "?" && (index == kDay || index == kWeekday))) {
        entries.star = true;
        continue;
      }
      entries.other = true;
      bool done = false;
      if (index == kDay) {
        RETURN_IF_ERROR(ParseDayEntry(part, parts.size(), done));
      } else if (index == kWeekday) {
        RETURN_IF_ERROR(ParseWeekdayEntry(part, done));
      }
      if (!done) RETURN_IF_ERROR(ParseRange(index, part, entries.bits));
    }
    if (index == kWeekday && cron_.rules_.has_nth && (entries.bits != 0 || entries.star)) {
      return Wrong(index, text, "mixes # or L entries with plain ones");
    }
    return OkStatus();
  }

  // L, LW, 15W.
  Status ParseDayEntry(std::string_view entry, std::size_t entries, bool& done) {
    done = true;
    if (entry == "l") {
      cron_.rules_.last_day = true;
      return OkStatus();
    }
    const bool ends = entry.ends_with('w');
    if (!ends && !entry.starts_with('w')) {
      done = false;
      return OkStatus();
    }
    if (entries > 1) return Wrong(kDay, entry, "must stand alone: W cannot be part of a list");
    const std::string_view day = ends ? entry.substr(0, entry.size() - 1) : entry.substr(1);
    if (day == "l") {
      cron_.rules_.last_workday = true;
      return OkStatus();
    }
    const std::optional<int> number = Number(day);
    if (!number || *number < 1 || *number > 31)
      return Wrong(kDay, entry, "needs a day from 1 to 31 beside W");
    cron_.rules_.nearest_to = *number;
    return OkStatus();
  }

  // MON#2, 5L, L5.
  Status ParseWeekdayEntry(std::string_view entry, bool& done) {
    const std::size_t hash = entry.find('#');
    const bool is_last = hash == std::string_view::npos && (entry.ends_with('l') || entry.starts_with('l'));
    done = is_last || hash != std::string_view::npos;
    if (!done) return OkStatus();
    if (entry == "l") return Wrong(kWeekday, entry, "needs a day: 5L is the last Friday");
    std::uint64_t weekdays = 0;
    int nth = 0;
    if (is_last) {
      const std::string_view day = entry.ends_with('l') ? entry.substr(0, entry.size() - 1) : entry.substr(1);
      RETURN_IF_ERROR(ParseRange(kWeekday, day, weekdays));
    } else {
      const std::optional<int> number = Number(entry.substr(hash + 1));
      if (!number || *number < 1 || *number > 5)
        return Wrong(kWeekday, entry, "needs a number from 1 to 5 after #");
      nth = *number;
      RETURN_IF_ERROR(ParseRange(kWeekday, entry.substr(0, hash), weekdays));
    }
    for (std::size_t weekday = 0; weekday < 7; ++weekday) {
      if ((weekdays >> weekday & 1U) != 0) cron_.rules_.nth[weekday] |= static_cast<std::uint8_t>(1U << nth);
    }
    cron_.rules_.has_nth = true;
    return OkStatus();
  }

  // a, a-b, and either with /step; */step.
  Status ParseRange(std::size_t index, std::string_view entry, std::uint64_t& bits) const {
    const Field& field = kFields[index];
    int step = 1;
    std::string_view range = entry;
    const std::size_t slash = entry.find('/');
    if (slash != std::string_view::npos) {
      const std::optional<int> number = Number(entry.substr(slash + 1));
      if (!number || *number < 1) return Wrong(index, entry, "needs a step of at least 1 after /");
      step = *number;
      range = entry.substr(0, slash);
    }
    const std::size_t dash = range.find('-');
    int low = field.min;
    int high = field.max;
    if (dash != std::string_view::npos) {
      ASSIGN_OR_RETURN(low, ParseValue(index, entry, range.substr(0, dash)));
      const std::string_view end = range.substr(dash + 1);
      if (index == kDay && end == "l") {
        high = field.max;
      } else {
        ASSIGN_OR_RETURN(high, ParseValue(index, entry, end));
      }
      if (range.substr(0, dash) == end) {
        return Wrong(index, entry,
                     "is a range of one, which some crons read as every value: write the value alone, or *");
      }
      if (low == high) {  // 0-7: Sunday to Sunday
        low = field.min;
        high = field.max;
      }
    } else if (range != "*") {
      ASSIGN_OR_RETURN(low, ParseValue(index, entry, range));
      high = slash == std::string_view::npos ? low : field.max;
    }
    AddRange(field, low, high, step, bits);
    return OkStatus();
  }

  static void AddRange(const Field& field, int low, int high, int step, std::uint64_t& bits) {
    if (low <= high) {
      for (int value = low; value <= high; value += step) bits |= std::uint64_t{1} << value;
      return;
    }
    int last = low;
    for (int value = low; value <= field.max; value += step) {
      bits |= std::uint64_t{1} << value;
      last = value;
    }
    // How a step goes on across the end is croniter's own: Airflow's schedules depend on it.
    const int size = field.max - field.min + 1;
    const int left = field.max - last;
    const int skip = last - field.min + step > size && left < step ? step - left : 0;
    for (int value = field.min + skip; value <= high; value += step) bits |= std::uint64_t{1} << value;
  }

  StatusOr<int> ParseValue(std::size_t index, std::string_view entry, std::string_view text) const {
    const Field& field = kFields[index];
    for (std::size_t i = 0; i < field.names.size(); ++i) {
      if (field.names[i] == text) return static_cast<int>(i) + field.min;
    }
    std::optional<int> number = Number(text);
    if (!number) {
      const bool hashed = text.starts_with('h') || text.starts_with('r');
      return Wrong(index, entry, hashed ? "is a hashed value, which is not supported" : "is not understood");
    }
    if (index == kWeekday && *number == 7) number = 0;
    if (*number < field.min || *number > field.max) return Wrong(index, entry, "is out of range");
    return *number;
  }

  void Store(const std::array<Entries, 5>& entries, const std::vector<std::string_view>& fields) {
    const auto bits = [&entries](std::size_t index) {
      const Field& field = kFields[index];
      const std::uint64_t all =
          ((std::uint64_t{1} << (field.max + 1)) - 1) & ~((std::uint64_t{1} << field.min) - 1);
      return std::pair(entries[index].star ? all : entries[index].bits, all);
    };
    cron_.minutes_ = bits(kMinute).first;
    cron_.hours_ = static_cast<std::uint32_t>(bits(kHour).first);
    cron_.months_ = static_cast<std::uint16_t>(bits(kMonth).first);
    cron_.rules_.days = static_cast<std::uint32_t>(bits(kDay).first);
    cron_.rules_.weekdays = static_cast<std::uint8_t>(bits(kWeekday).first);
    cron_.covers_every_hour_ =
        entries[kHour].star ? !entries[kHour].other : bits(kHour).first == bits(kHour).second;
    // A list of all days counts as `*` only beside a field that is written with a star.
    const auto restricted = [&](std::size_t index, std::size_t beside, bool special) {
      const bool full = bits(index).first == bits(index).second && !special;
      return !entries[index].star && !(full && fields[beside].find('*') != std::string_view::npos);
    };
    const Cron::DayRules& rules = cron_.rules_;
    cron_.rules_.day_restricted =
        restricted(kDay, kWeekday, rules.last_day || rules.last_workday || rules.nearest_to != 0);
    cron_.rules_.weekday_restricted = restricted(kWeekday, kDay, rules.has_nth);
  }

  Status NeverFires(const std::vector<std::string_view>& fields) const {
    return InvalidArgument(
        "cron '" + cron_.text_ + "' never fires: no date has day of month '" + std::string(fields[kDay]) +
        "' in month '" + std::string(fields[kMonth]) + "'" +
        (fields[kWeekday] == "*" ? "" : " and day of week '" + std::string(fields[kWeekday]) + "'"));
  }

  Cron cron_;
};

StatusOr<Cron> Cron::Parse(std::string_view text) { return CronParser(text).Parse(); }

}  // namespace millrace
