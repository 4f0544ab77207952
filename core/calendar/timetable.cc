#include "core/calendar/timetable.h"

#include <algorithm>
#include <utility>

#include "core/calendar/format.h"

namespace millrace {
namespace {

// What is later than this was missed: `catchup: none` lets it go.
constexpr Duration kLate = std::chrono::minutes(5);
// Between two runs of @continuous, however short they are.
constexpr Duration kContinuousPause = std::chrono::seconds(1);

RunDates At(WallTime time) { return {time, time, time, time}; }

RunDates EndingAt(WallTime time, Duration span) { return {time, time - span, time - span, time}; }

RunDates Covering(WallTime start, WallTime end) { return {end, start, start, end}; }

bool IsPast(const std::optional<WallTime>& end, WallTime time) { return end && time > *end; }

WallTime FloorTo(WallTime time, WallTime anchor, Duration step) {
  Duration rest = (time - anchor) % step;
  if (rest < Duration(0)) rest += step;
  return time - rest;
}

// The start of the newest interval that is over at `now`, or is about to be.
WallTime LatestIntervalStart(const FireTimes& fires, WallTime now) {
  WallTime start = fires.Before(now);
  WallTime end = fires.After(start);
  while (end < now) {  // where the clock jumps, stepping back and forth can land one interval early
    start = end;
    end = fires.After(start);
  }
  return end == now ? start : fires.Before(start);
}

// The first fire of a DAG without start_date: the last one if it has only just passed, otherwise the next.
WallTime FirstFireAround(const FireTimes& fires, const std::optional<Duration>& immediately, WallTime now) {
  const WallTime past = fires.AtOrBefore(now);
  const WallTime next = fires.AtOrAfter(now);
  const Duration grace =
      immediately ? *immediately : std::max<Duration>((next - past) / 10, std::chrono::minutes(5));
  return now - past <= grace ? past : next;
}

}  // namespace

StatusOr<Timetable> Timetable::Parse(std::string_view text, Meaning meaning, const Zone& zone) {
  Timetable timetable;
  timetable.text_ = std::string(text);
  if (text == "@once") {
    timetable.kind_ = Once{};
    return timetable;
  }
  if (text == "@continuous") {
    timetable.kind_ = Continuous{};
    return timetable;
  }
  const bool is_word = text.find_first_of(" \t") == std::string_view::npos && !text.starts_with('@');
  if (is_word) {
    StatusOr<Duration> delta = ParseDuration(text);
    if (!delta.ok()) {
      return InvalidArgument(
          "schedule '" + timetable.text_ +
          "' is neither a cron of five fields, a preset such as @daily, nor an interval such as 6h");
    }
    if (*delta < std::chrono::seconds(1)) {
      return InvalidArgument("schedule '" + timetable.text_ +
                             "' is too short: an interval is at least one second");
    }
    if (meaning == Meaning::kSchedule) {
      timetable.kind_ = DeltaTrigger{*delta, Duration(0)};
    } else {
      timetable.kind_ = DeltaInterval{*delta};
    }
    return timetable;
  }
  ASSIGN_OR_RETURN(Cron cron, Cron::Parse(text));
  FireTimes fires(std::move(cron), zone);
  if (meaning == Meaning::kSchedule) {
    timetable.kind_ = CronTrigger{{std::move(fires)}, Duration(0), std::nullopt};
  } else {
    timetable.kind_ = CronInterval{std::move(fires)};
  }
  return timetable;
}

StatusOr<Timetable> Timetable::Of(const Schedule& schedule, const ZoneDatabase& zones) {
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find(schedule.timezone));
  Timetable timetable;
  switch (schedule.kind) {
    case ScheduleKind::kNone:
      return timetable;
    case ScheduleKind::kOnce:
      return Parse("@once", Meaning::kSchedule, *zone);
    case ScheduleKind::kContinuous:
      return Parse("@continuous", Meaning::kSchedule, *zone);
    case ScheduleKind::kCronInterval:
      return Parse(schedule.expression, Meaning::kScheduleInterval, *zone);
    case ScheduleKind::kCronTrigger: {
      ASSIGN_OR_RETURN(timetable, Parse(schedule.expression, Meaning::kSchedule, *zone));
      if (auto* cron = std::get_if<CronTrigger>(&timetable.kind_)) {
        cron->span = schedule.data_interval;
        cron->immediately = schedule.run_immediately;
        if (schedule.partitions) {
          cron->key_format = schedule.partitions->key_format;
          cron->run_offset = schedule.partitions->run_offset;
        }
      } else if (auto* delta = std::get_if<DeltaTrigger>(&timetable.kind_)) {
        delta->span = schedule.data_interval;
      }
      return timetable;
    }
    case ScheduleKind::kMultipleCron: {
      CronTrigger trigger{{}, schedule.data_interval, schedule.run_immediately};
      for (const std::string& text : schedule.crons) {
        ASSIGN_OR_RETURN(Cron cron, Cron::Parse(text));
        trigger.fires.emplace_back(std::move(cron), *zone);
      }
      if (trigger.fires.empty()) return InvalidArgument("a list of crons needs at least one");
      timetable.kind_ = std::move(trigger);
      break;
    }
    case ScheduleKind::kEvents:
      timetable.kind_ = Events{schedule.events, schedule.restrict_to_events};
      break;
  }
  timetable.text_ = schedule.written;
  return timetable;
}

std::optional<RunDates> Timetable::Ask(const Question& asked) const {
  return std::visit([&asked](const auto& kind) { return NextOf(kind, asked); }, kind_);
}

std::optional<RunDates> Timetable::Next(const std::optional<Cursor>& last, const ScheduleWindow& window,
                                        WallTime now) const {
  const std::optional<RunDates> next = Ask({last, window, now});
  const bool may_be_missed =
      !std::holds_alternative<Once>(kind_) && !std::holds_alternative<Continuous>(kind_);
  if (window.catchup != Catchup::kNone || !may_be_missed || !next || next->run_after >= now - kLate)
    return next;
  const std::optional<Cursor> missed = Cursor::After(*next);
  return Ask({missed, window, now});
}

std::optional<RunDates> Timetable::NextOf(const Manual&, const Question&) { return std::nullopt; }

std::optional<RunDates> Timetable::NextOf(const Once&, const Question& asked) {
  if (asked.last) return std::nullopt;
  const WallTime time = asked.window.start.value_or(asked.now);
  if (IsPast(asked.window.end, time)) return std::nullopt;
  return At(time);
}

// Airflow's, but no two runs of one moment, and none in less than a second of another.
std::optional<RunDates> Timetable::NextOf(const Continuous&, const Question& asked) {
  const auto& [last, window, now] = asked;
  WallTime start = window.start.value_or(now);
  WallTime end = std::max(start, now);
  if (last) {
    start = std::max(last->run_after, last->logical_date + kContinuousPause);
    end = std::max(now, start + kContinuousPause);
  }
  if (IsPast(window.end, end)) return std::nullopt;
  return Covering(start, end);
}

std::optional<WallTime> Timetable::NextFire(const FireTimes& fires, const CronTrigger& kind,
                                            const Question& asked) {
  const auto& [last, window, now] = asked;
  WallTime time = WallTime::min();
  if (!asked.all()) time = fires.AtOrBefore(now);
  if (last) {
    time = std::max(time, fires.After(last->run_after));
  } else if (!window.start) {
    time = std::max(time, FirstFireAround(fires, kind.immediately, now));
  }
  if (window.start) time = std::max(time, fires.AtOrAfter(*window.start));
  if (IsPast(window.end, time)) return std::nullopt;
  return time;
}

// Of several crons' answers the earliest; without catchup the latest that is due, if one is.
std::optional<RunDates> Timetable::NextOf(const CronTrigger& kind, const Question& asked) {
  const auto key = [&asked](WallTime time) {
    const bool due = !asked.all() && time <= asked.now;
    return std::pair(!due, due ? -ToMicros(time) : ToMicros(time));
  };
  std::optional<WallTime> best;
  for (const FireTimes& fires : kind.fires) {
    const std::optional<WallTime> time = NextFire(fires, kind, asked);
    if (time && (!best || key(*time) < key(*best))) best = time;
  }
  if (!best) return std::nullopt;
  return EndingAt(*best, kind.span);
}

std::optional<RunDates> Timetable::NextOf(const CronInterval& kind, const Question& asked) {
  const auto& [last, window, now] = asked;
  const FireTimes& fires = kind.fires;
  std::optional<WallTime> start;
  if (window.start) start = fires.AtOrAfter(*window.start);
  if (!asked.all()) start = std::max(start.value_or(WallTime::min()), LatestIntervalStart(fires, now));
  if (last) {
    // Aligned, because the schedule may have changed since.
    start = std::max(start.value_or(WallTime::min()), fires.AtOrBefore(last->run_after));
    if (*start <= last->logical_date) start = fires.After(std::max(*start, last->logical_date));
  }
  if (!start || IsPast(window.end, *start)) return std::nullopt;
  return Covering(*start, fires.After(*start));
}

// Airflow starts such a schedule at whatever moment it first looks; ours stays on the grid that the start
// date (or the last run) lays, so that run dates do not drift with the scheduler's wake-ups.
std::optional<RunDates> Timetable::NextOf(const DeltaTrigger& kind, const Question& asked) {
  const auto& [last, window, now] = asked;
  WallTime time = last ? last->run_after + kind.delta : window.start.value_or(now);
  if (!asked.all()) time = std::max(time, FloorTo(now, time, kind.delta));
  if (window.start) time = std::max(time, *window.start);
  if (IsPast(window.end, time)) return std::nullopt;
  return EndingAt(time, kind.span);
}

std::optional<RunDates> Timetable::NextOf(const DeltaInterval& kind, const Question& asked) {
  const auto& [last, window, now] = asked;
  std::optional<WallTime> start = window.start;
  if (!asked.all()) {
    start = std::max(start.value_or(WallTime::min()), FloorTo(now, WallTime(), kind.delta) - kind.delta);
  }
  if (last) {
    start = std::max(start.value_or(WallTime::min()), last->run_after);
    if (*start <= last->logical_date) *start += kind.delta;
  }
  if (!start || IsPast(window.end, *start)) return std::nullopt;
  return Covering(*start, *start + kind.delta);
}

// Airflow asks for events from now on; ours may ask late, so what has only just passed still counts, and
// after the first run what was missed is as for a cron.
std::optional<RunDates> Timetable::NextOf(const Events& kind, const Question& asked) {
  const auto& [last, window, now] = asked;
  const auto at_least = [&kind](WallTime time) {
    return std::lower_bound(kind.times.begin(), kind.times.end(), time);
  };
  auto next = window.start ? at_least(*window.start) : kind.times.begin();
  if (last) {
    next = std::max(next, std::upper_bound(kind.times.begin(), kind.times.end(), last->run_after));
    const auto due = std::upper_bound(kind.times.begin(), kind.times.end(), now);
    if (!asked.all() && due > next) next = due - 1;
  } else if (!asked.all()) {
    next = std::max(next, at_least(now - kLate));
  }
  if (next == kind.times.end() || IsPast(window.end, *next)) return std::nullopt;
  return At(*next);
}

RunDates Timetable::ForManual(WallTime at) const {
  if (const auto* events = std::get_if<Events>(&kind_); events != nullptr && events->restricts) {
    const auto after = std::upper_bound(events->times.begin(), events->times.end(), at);
    if (!events->times.empty()) return At(after == events->times.begin() ? *after : *(after - 1));
  }
  RunDates dates = At(at);
  if (const auto* cron = std::get_if<CronInterval>(&kind_)) {
    dates.interval_end = cron->fires.AtOrBefore(at);
    dates.interval_start = cron->fires.Before(dates.interval_end);
  } else if (const auto* delta = std::get_if<DeltaInterval>(&kind_)) {
    dates.interval_start = at - delta->delta;
  } else if (const auto* trigger = std::get_if<CronTrigger>(&kind_)) {
    dates.interval_start = at - trigger->span;
  } else if (const auto* step = std::get_if<DeltaTrigger>(&kind_)) {
    dates.interval_start = at - step->span;
  }
  return dates;
}

std::optional<Partition> Timetable::PartitionOf(const RunDates& dates) const {
  const auto* cron = std::get_if<CronTrigger>(&kind_);
  if (cron == nullptr || cron->key_format.empty()) return std::nullopt;
  const FireTimes& fires = cron->fires.front();
  WallTime date = dates.run_after;
  for (std::int32_t left = cron->run_offset; left > 0; --left) date = fires.After(date);
  for (std::int32_t left = cron->run_offset; left < 0; ++left) date = fires.Before(date);
  StatusOr<Partition> partition = PartitionAt(date, cron->key_format, fires.zone());
  return partition.ok() ? std::optional(std::move(partition).value()) : std::nullopt;  // dagbag refuses such formats
}

std::vector<RunDates> Timetable::Upcoming(WallTime after, const ScheduleWindow& window, int count) const {
  std::vector<RunDates> runs;
  if (is_continuous()) return runs;
  if (const auto* once = std::get_if<Once>(&kind_)) {
    const std::optional<RunDates> run = NextOf(*once, Question{std::nullopt, window, after});
    if (run && count > 0 && (!window.start || run->run_after > after)) runs.push_back(*run);
    return runs;
  }
  const ScheduleWindow every{window.start, window.end, Catchup::kAll};
  std::optional<Cursor> cursor = Before(after, window);
  while (static_cast<int>(runs.size()) < count) {
    const std::optional<RunDates> run = Next(cursor, every, after);
    if (!run) break;
    cursor = Cursor::After(*run);
    if (run->run_after > after) runs.push_back(*run);
  }
  return runs;
}

std::optional<Cursor> Timetable::LastBefore(WallTime time, const ScheduleWindow& window) const {
  const WallTime just_before = time - Duration(1);
  const bool is_fixed =
      std::holds_alternative<DeltaTrigger>(kind_) || std::holds_alternative<DeltaInterval>(kind_);
  if (is_manual() || (is_fixed && !window.start)) return std::nullopt;
  if (std::holds_alternative<Once>(kind_) || is_continuous()) {
    if (!window.start || *window.start >= time) return std::nullopt;
    if (is_continuous()) return Cursor{time - 2 * kContinuousPause, time - kContinuousPause};
    return Cursor{*window.start, *window.start};
  }
  const ScheduleWindow every{window.start, window.end, Catchup::kAll};
  std::optional<Cursor> cursor = Before(just_before, window);
  while (true) {
    const std::optional<RunDates> run = Next(cursor, every, time);
    if (!run || run->logical_date >= time) return cursor;
    cursor = Cursor::After(*run);
  }
}

// A fixed interval has no grid but the one its start date lays. A cron is stepped to `time` from two days
// before: in a night when clocks change, what comes next depends on where one comes from.
std::optional<Cursor> Timetable::Before(WallTime time, const ScheduleWindow& window) const {
  const WallTime days_ago = time - std::chrono::hours(48);
  Cursor cursor{WallTime::min(), time};
  if (const auto* trigger = std::get_if<CronTrigger>(&kind_)) {
    for (const FireTimes& fires : trigger->fires)
      cursor.run_after = std::min(cursor.run_after, fires.AtOrBefore(days_ago));
  } else if (const auto* interval = std::get_if<CronInterval>(&kind_)) {
    cursor.run_after = interval->fires.AtOrBefore(days_ago);
  } else if (const auto* step = std::get_if<DeltaTrigger>(&kind_); step != nullptr && window.start) {
    cursor.run_after = FloorTo(time, *window.start, step->delta);
  } else if (const auto* delta = std::get_if<DeltaInterval>(&kind_); delta != nullptr && window.start) {
    cursor.run_after = FloorTo(time, *window.start, delta->delta);
  } else {
    return cursor;
  }
  const bool is_grid =
      std::holds_alternative<DeltaTrigger>(kind_) || std::holds_alternative<DeltaInterval>(kind_);
  if (is_grid && cursor.run_after < *window.start) return std::nullopt;
  return cursor;
}

}  // namespace millrace
