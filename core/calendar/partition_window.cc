#include "core/calendar/partition_window.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "core/calendar/fire_times.h"
#include "core/calendar/partition_time.h"

namespace millrace {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::year_month_day;
using WindowKind = PartitionWindow::Kind;
using MapperKind = PartitionMapper::Kind;

// A mapper of times and the window of its periods have one order: hour, day, week, month, quarter, year.
MapperKind PeriodOf(WindowKind window) {
  return static_cast<MapperKind>(static_cast<int>(MapperKind::kHour) + static_cast<int>(window));
}

std::string_view WindowName(WindowKind kind) {
  constexpr std::string_view kNames[] = {"hour", "day", "week", "month", "quarter", "year", "segment"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view PeriodName(MapperKind kind) {
  constexpr std::string_view kNames[] = {"hourly", "daily", "weekly", "monthly", "quarterly", "yearly"};
  return kNames[static_cast<std::size_t>(kind) - static_cast<std::size_t>(MapperKind::kHour)];
}

// Of the longest there is where clocks do not change.
std::size_t MostKeys(const PartitionWindow& window) {
  constexpr std::size_t kMost[] = {60, 24, 7, 31, 3, 12};
  return window.kind == WindowKind::kSegment ? window.segments.size() : kMost[static_cast<std::size_t>(window.kind)];
}

// Of the first 28 days of a month.
LocalTime MonthsLater(LocalTime day, int months) {
  const year_month_day date(std::chrono::floor<days>(day));
  return local_days(year_month_day(date + std::chrono::months(months)));
}

// What clocks show at the minutes, hours, days or months of the period that begins, or ends, with that at `start`.
std::vector<LocalTime> StepsOf(const PartitionWindow& window, LocalTime start) {
  std::vector<LocalTime> steps;
  const auto each = [&](int count, Duration step) {
    if (window.is_backward) start -= (count - 1) * step;
    for (int i = 0; i < count; ++i) steps.push_back(start + i * step);
  };
  switch (window.kind) {
    case WindowKind::kHour:
      each(60, std::chrono::minutes(1));
      break;
    case WindowKind::kDay:
      each(24, std::chrono::hours(1));
      break;
    case WindowKind::kWeek:
      each(7, days(1));
      break;
    case WindowKind::kMonth: {
      // Backwards it is as long as the month before, and ends with the day itself.
      const auto length = window.is_backward ? start - MonthsLater(start, -1) : MonthsLater(start, 1) - start;
      each(static_cast<int>(length / days(1)), days(1));
      break;
    }
    case WindowKind::kQuarter:
    case WindowKind::kYear: {
      const int count = window.kind == WindowKind::kYear ? 12 : 3;
      const int first = window.is_backward ? 1 - count : 0;
      for (int i = 0; i < count; ++i) steps.push_back(MonthsLater(start, first + i));
      break;
    }
    case WindowKind::kSegment:
      break;
  }
  return steps;
}

struct WindowStep {
  WallTime at;
  LocalTime shown;
};

// Ascending. Of minutes and hours those that there are: none of what a clock leaves out, both of what it shows twice.
StatusOr<std::vector<WindowStep>> TimesOf(const PartitionWindow& window, LocalTime start, const Zone& zone) {
  std::vector<WindowStep> times;
  for (const LocalTime step : StepsOf(window, start)) {
    const year_month_day day(std::chrono::floor<days>(step));
    if (day.year() < std::chrono::year(1) || day.year() > std::chrono::year(9999))
      return InvalidArgument("its window lies outside of years 1 to 9999");
    if (window.kind == WindowKind::kHour || window.kind == WindowKind::kDay) {
      for (const WallTime at : zone.FromLocal(step)) times.push_back({at, step});
    } else {
      times.push_back({ResolveLocal(zone, step), step});
    }
  }
  std::stable_sort(times.begin(), times.end(), [](const WindowStep& a, const WindowStep& b) { return a.at < b.at; });
  return times;
}

StatusOr<WindowPlace> PlaceInPeriod(const PartitionMapper& rollup, std::string_view key, const ZoneDatabase& zones) {
  const PartitionMapper& upstream = rollup.parts.front();
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find(upstream.timezone));
  ASSIGN_OR_RETURN(const KeyTime time, ReadKeyTime(upstream, key, *zone));
  ASSIGN_OR_RETURN(const std::vector<WindowStep> steps, TimesOf(*rollup.window, time.start, *zone));
  WindowPlace place;
  std::set<std::string> known;
  for (const WindowStep& step : steps) {
    ASSIGN_OR_RETURN(Partition written, PartitionAt(step.at, InputFormatOf(upstream), *zone));
    if (place.member.empty() || step.at <= time.at) place.member = written.key;
    if (known.insert(written.key).second) place.keys.push_back(std::move(written.key));
  }
  if (place.keys.empty()) {
    return InvalidArgument("'" + std::string(key) + "' is a time that clocks in " + upstream.timezone + " leave out");
  }
  return place;
}

Status CheckMonths(const PartitionMapper& mapper) {
  const WindowKind window = mapper.window->kind;
  const bool of_months = window >= WindowKind::kMonth && window <= WindowKind::kYear;
  if (!of_months || mapper.parts.front().kind >= MapperKind::kMonth) return OkStatus();
  return InvalidArgument("window '" + std::string(WindowName(window)) +
                         "' begins with a month: the upstream_mapper must be monthly, quarterly or yearly");
}

Status CheckFanOut(const PartitionMapper& mapper) {
  const WindowKind window = mapper.window->kind;
  const PartitionMapper& upstream = mapper.parts.front();
  const PartitionMapper& downstream = mapper.parts.back();
  if (window == WindowKind::kSegment) {
    if (downstream.kind == MapperKind::kIdentity) return OkStatus();
    return InvalidArgument("the keys of window 'segment' are those of the runs: leave the downstream_mapper out");
  }
  if (!MapsTimes(upstream.kind)) {
    return InvalidArgument("window '" + std::string(WindowName(window)) +
                           "' needs an upstream_mapper of times: hourly, daily, weekly, monthly, quarterly or yearly");
  }
  if (!MapsTimes(downstream.kind)) {
    return InvalidArgument("window '" + std::string(WindowName(window)) +
                           "' needs a downstream_mapper that writes times, for example {uses: hourly, with: "
                           "{output_format: \"%Y-%m-%dT%H:%M\"}}");
  }
  return CheckMonths(mapper);
}

// Written in UTC, where every hour is there once.
Status CheckMembersDiffer(const PartitionMapper& rollup, const ZoneDatabase& zones) {
  PartitionMapper plain = rollup;
  plain.parts.front().timezone = "UTC";
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find("UTC"));
  const WallTime sample = std::chrono::sys_days(std::chrono::year(2001) / 3 / 1);
  const StatusOr<Partition> key = PartitionAt(sample, InputFormatOf(plain.parts.front()), *zone);
  if (!key.ok()) return key.status().WithContext("input_format");
  ASSIGN_OR_RETURN(const KeyTime time, ReadKeyTime(plain.parts.front(), key->key, *zone));
  ASSIGN_OR_RETURN(const WindowPlace place, PlaceInWindow(plain, key->key, zones));
  if (place.keys.size() == StepsOf(*plain.window, time.start).size()) return OkStatus();
  return InvalidArgument("input_format '" + std::string(InputFormatOf(plain.parts.front())) +
                         "' writes several keys of window '" + std::string(WindowName(plain.window->kind)) +
                         "' alike: which of them has come could not be told");
}

Status CheckSegments(const PartitionMapper& rollup, const ZoneDatabase& zones) {
  std::optional<std::string> run;
  for (const std::string& segment : rollup.window->segments) {
    StatusOr<Partition> mapped = MapPartition(rollup.parts.front(), segment, zones);
    if (!mapped.ok()) return mapped.status().WithContext("window 'segment'");
    if (run && *run != mapped->key) {
      return InvalidArgument("the keys of window 'segment' count for different runs, '" + *run + "' and '" + mapped->key +
                             "', of which none would ever be full: {uses: fixed_key, with: {downstream_key: all}} makes "
                             "them one");
    }
    run = std::move(mapped->key);
  }
  return OkStatus();
}

Status CheckRollup(const PartitionMapper& rollup, const ZoneDatabase& zones) {
  const PartitionWindow& window = *rollup.window;
  const std::string name(WindowName(window.kind));
  if (rollup.minimum > 0 && static_cast<std::size_t>(rollup.minimum) > MostKeys(window)) {
    return InvalidArgument("wait_policy 'minimum_count': window '" + name + "' has " + std::to_string(MostKeys(window)) +
                           " keys at most, never " + std::to_string(rollup.minimum));
  }
  if (window.kind == WindowKind::kSegment) return CheckSegments(rollup, zones);
  if (window.is_backward) {
    return InvalidArgument("window '" + name + "': direction backward is a fan-out's; a roll-up's would never be full, "
                           "since its keys count for several runs");
  }
  if (rollup.parts.front().kind != PeriodOf(window.kind)) {
    return InvalidArgument("window '" + name + "' needs an upstream_mapper whose runs are about as much: " +
                           std::string(PeriodName(PeriodOf(window.kind))));
  }
  return CheckMembersDiffer(rollup, zones);
}

}  // namespace

StatusOr<WindowPlace> PlaceInWindow(const PartitionMapper& rollup, std::string_view key, const ZoneDatabase& zones) {
  if (rollup.window->kind != WindowKind::kSegment) return PlaceInPeriod(rollup, key, zones);
  const std::vector<std::string>& segments = rollup.window->segments;
  if (std::find(segments.begin(), segments.end(), key) != segments.end())
    return WindowPlace{std::string(key), segments};
  std::string known;
  for (const std::string& segment : segments) known += (known.empty() ? "" : ", ") + segment;
  return InvalidArgument("'" + std::string(key) + "' is none of the window's keys: " + known);
}

WindowProgress ProgressOf(const PartitionMapper& rollup, const std::vector<std::string>& keys,
                          const ZoneDatabase& zones) {
  WindowProgress progress;
  std::vector<std::string> window;
  std::set<std::string> members;
  for (const std::string& key : keys) {
    StatusOr<WindowPlace> place = PlaceInWindow(rollup, key, zones);
    if (!place.ok()) continue;
    members.insert(std::move(place->member));
    window = std::move(place->keys);
  }
  for (std::string& key : window) (members.contains(key) ? progress.arrived : progress.missing).push_back(std::move(key));
  progress.needed = NeededKeys(rollup, window.size());
  return progress;
}

std::size_t NeededKeys(const PartitionMapper& rollup, std::size_t expected) {
  const auto all = static_cast<std::int64_t>(expected);
  const std::int64_t wanted = rollup.minimum > 0 ? rollup.minimum : all + rollup.minimum;
  return static_cast<std::size_t>(std::max<std::int64_t>(1, std::min(wanted, all)));
}

StatusOr<std::vector<Partition>> FanOut(const PartitionMapper& mapper, std::string_view key,
                                        const ZoneDatabase& zones) {
  std::vector<Partition> partitions;
  const PartitionMapper& upstream = mapper.parts.front();
  if (mapper.window->kind == WindowKind::kSegment) {
    RETURN_IF_ERROR(MapPartition(upstream, key, zones).status());
    for (const std::string& segment : mapper.window->segments) partitions.push_back({segment, std::nullopt});
    return partitions;
  }
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find(upstream.timezone));
  ASSIGN_OR_RETURN(const KeyTime time, ReadKeyTime(upstream, key, *zone));
  ASSIGN_OR_RETURN(const std::vector<WindowStep> steps, TimesOf(*mapper.window, time.start, *zone));
  const PartitionMapper& downstream = mapper.parts.back();
  std::set<std::string> known;
  for (const WindowStep& step : steps) {
    ASSIGN_OR_RETURN(Partition one, WriteKeyTime(step.shown, step.at, OutputFormatOf(downstream), *zone,
                                                 downstream.kind == MapperKind::kQuarter));
    if (known.insert(one.key).second) partitions.push_back(std::move(one));
  }
  return partitions;
}

PartitionMapper::Kind FanOutWriter(PartitionWindow::Kind window) {
  switch (window) {
    case WindowKind::kDay:
      return MapperKind::kHour;
    case WindowKind::kWeek:
    case WindowKind::kMonth:
      return MapperKind::kDay;
    case WindowKind::kQuarter:
    case WindowKind::kYear:
      return MapperKind::kMonth;
    default:
      return MapperKind::kIdentity;
  }
}

Status CheckWindow(const PartitionMapper& mapper, const ZoneDatabase& zones) {
  return mapper.kind == MapperKind::kRollup ? CheckRollup(mapper, zones) : CheckFanOut(mapper);
}

}  // namespace millrace
