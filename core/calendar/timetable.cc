#include "core/calendar/timetable.h"

#include <algorithm>

#include "core/calendar/format.h"

namespace millrace {
namespace {

RunDates At(WallTime time) { return {time, time, time, time}; }

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
WallTime FirstFireAround(const FireTimes& fires, WallTime now) {
  const WallTime past = fires.AtOrBefore(now);
  const WallTime next = fires.AtOrAfter(now);
  const Duration grace = std::max<Duration>((next - past) / 10, std::chrono::minutes(5));
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
    return Unimplemented(
        "schedule '@continuous' is not supported yet; use a cron, a preset or a fixed interval");
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
      timetable.kind_ = DeltaTrigger{*delta};
    } else {
      timetable.kind_ = DeltaInterval{*delta};
    }
    return timetable;
  }
  ASSIGN_OR_RETURN(Cron cron, Cron::Parse(text));
  FireTimes fires(std::move(cron), zone);
  if (meaning == Meaning::kSchedule) {
    timetable.kind_ = CronTrigger{std::move(fires)};
  } else {
    timetable.kind_ = CronInterval{std::move(fires)};
  }
  return timetable;
}

std::optional<RunDates> Timetable::Next(const std::optional<Cursor>& last, const ScheduleWindow& window,
                                        WallTime now) const {
  const Question asked{last, window, now};
  return std::visit([&asked](const auto& kind) { return NextOf(kind, asked); }, kind_);
}

std::optional<RunDates> Timetable::NextOf(const Manual&, const Question&) { return std::nullopt; }

std::optional<RunDates> Timetable::NextOf(const Once&, const Question& asked) {
  if (asked.last) return std::nullopt;
  const WallTime time = asked.window.start.value_or(asked.now);
  if (IsPast(asked.window.end, time)) return std::nullopt;
  return At(time);
}

std::optional<RunDates> Timetable::NextOf(const CronTrigger& kind, const Question& asked) {
  const auto& [last, window, now] = asked;
  const FireTimes& fires = kind.fires;
  WallTime time = WallTime::min();
  if (!window.catchup) time = fires.AtOrBefore(now);
  if (last) {
    time = std::max(time, fires.After(last->run_after));
  } else if (!window.start) {
    time = std::max(time, FirstFireAround(fires, now));
  }
  if (window.start) time = std::max(time, fires.AtOrAfter(*window.start));
  if (IsPast(window.end, time)) return std::nullopt;
  return At(time);
}

std::optional<RunDates> Timetable::NextOf(const CronInterval& kind, const Question& asked) {
  const auto& [last, window, now] = asked;
  const FireTimes& fires = kind.fires;
  std::optional<WallTime> start;
  if (window.start) start = fires.AtOrAfter(*window.start);
  if (!window.catchup) start = std::max(start.value_or(WallTime::min()), LatestIntervalStart(fires, now));
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
  if (!window.catchup) time = std::max(time, FloorTo(now, time, kind.delta));
  if (window.start) time = std::max(time, *window.start);
  if (IsPast(window.end, time)) return std::nullopt;
  return At(time);
}

std::optional<RunDates> Timetable::NextOf(const DeltaInterval& kind, const Question& asked) {
  const auto& [last, window, now] = asked;
  std::optional<WallTime> start = window.start;
  if (!window.catchup) {
    start = std::max(start.value_or(WallTime::min()), FloorTo(now, WallTime(), kind.delta) - kind.delta);
  }
  if (last) {
    start = std::max(start.value_or(WallTime::min()), last->run_after);
    if (*start <= last->logical_date) *start += kind.delta;
  }
  if (!start || IsPast(window.end, *start)) return std::nullopt;
  return Covering(*start, *start + kind.delta);
}

RunDates Timetable::ForManual(WallTime at) const {
  RunDates dates = At(at);
  if (const auto* cron = std::get_if<CronInterval>(&kind_)) {
    dates.interval_end = cron->fires.AtOrBefore(at);
    dates.interval_start = cron->fires.Before(dates.interval_end);
  } else if (const auto* delta = std::get_if<DeltaInterval>(&kind_)) {
    dates.interval_start = at - delta->delta;
  }
  return dates;
}

std::vector<RunDates> Timetable::Upcoming(WallTime after, const ScheduleWindow& window, int count) const {
  std::vector<RunDates> runs;
  if (const auto* once = std::get_if<Once>(&kind_)) {
    const std::optional<RunDates> run = NextOf(*once, Question{std::nullopt, window, after});
    if (run && count > 0 && (!window.start || run->run_after > after)) runs.push_back(*run);
    return runs;
  }
  const ScheduleWindow every{window.start, window.end, /*catchup=*/true};
  // A fixed interval has no grid but the one its start date lays. A cron is stepped to `after` from two days
  // before: in a night when clocks change, what comes next depends on where one comes from.
  std::optional<Cursor> cursor = Cursor{WallTime::min(), after};
  if (const FireTimes* fires = Fires()) cursor->run_after = fires->AtOrBefore(after - std::chrono::hours(48));
  if (const Duration* delta = FixedInterval(); delta != nullptr && window.start) {
    const WallTime on_grid = FloorTo(after, *window.start, *delta);
    cursor = on_grid < *window.start ? std::nullopt : std::optional(Cursor{WallTime::min(), on_grid});
  }
  while (static_cast<int>(runs.size()) < count) {
    const std::optional<RunDates> run = Next(cursor, every, after);
    if (!run) break;
    cursor = Cursor::After(*run);
    if (run->run_after > after) runs.push_back(*run);
  }
  return runs;
}

const FireTimes* Timetable::Fires() const {
  if (const auto* trigger = std::get_if<CronTrigger>(&kind_)) return &trigger->fires;
  if (const auto* interval = std::get_if<CronInterval>(&kind_)) return &interval->fires;
  return nullptr;
}

const Duration* Timetable::FixedInterval() const {
  if (const auto* trigger = std::get_if<DeltaTrigger>(&kind_)) return &trigger->delta;
  if (const auto* interval = std::get_if<DeltaInterval>(&kind_)) return &interval->delta;
  return nullptr;
}

}  // namespace millrace
