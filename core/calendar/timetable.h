// What turns a schedule into run dates. A value, immutable, any thread; pure: `now` is an argument. The zone
// it was made with must outlive it (zones live as long as the database). Held by a DAG version; asked by the
// engine, by `dagctl dags next-execution` and by backfills. It does not know paused DAGs, max_active_runs or
// which runs exist.
//
// How a scheduler uses it, with one Cursor a DAG:
//
//     next = timetable.Next(cursor, window, now)
//     nothing            -> no more runs (until the DAG changes)
//     run_after >  now   -> wake at run_after and ask again then, with the clock of then; store nothing
//     run_after <= now   -> create the run and store Cursor::After(*next), in one transaction; ask again
//
// Each answer's logical_date and run_after lie strictly after the cursor's, so no date comes twice: not after
// a crash (the cursor moved with the run or not at all), not when the clock steps back, not when the schedule
// is edited. After downtime, asking again is the policy: with catchup every missed date follows, one per
// question; with `last`, the answer skips to the latest date that is due, and older ones never come; with
// `none`, dates more than five minutes late never come. Do not keep an answer across downtime: it would be a
// stale date.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/calendar/fire_times.h"
#include "core/calendar/partition_key.h"
#include "core/model/schedule.h"

namespace millrace {

struct RunDates {
  WallTime run_after;     // the run may start from here on
  WallTime logical_date;  // what the run is called after
  WallTime interval_start;
  WallTime interval_end;
  friend bool operator==(const RunDates&, const RunDates&) = default;
};

// The last run that the timetable gave birth to (manual runs and backfills do not count). Empty before the
// first.
struct Cursor {
  WallTime logical_date;
  WallTime run_after;
  static Cursor After(const RunDates& dates) { return {dates.logical_date, dates.run_after}; }
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

// start_date, end_date and catchup of a DAG. An end before which nothing is due is no error: Next says
// nothing.
struct ScheduleWindow {
  std::optional<WallTime> start;
  std::optional<WallTime> end;  // inclusive: of fire times, for `schedule_interval` of interval starts
  Catchup catchup = Catchup::kLast;
};

class Timetable {
 public:
  // What a text means under the two keys of a DAG file.
  enum class Meaning {
    kSchedule,  // `schedule`, Airflow 3: a run at each time; logical date = interval start = interval end =
                // that time
    kScheduleInterval,  // `schedule_interval`, Airflow 2: a run after each interval; logical date = interval
                        // start
  };

  // Manual runs only (`schedule: null`).
  Timetable() = default;
  // A cron, a preset, "@once", "@continuous", or a fixed interval as a duration ("6h", "PT6H", "1d").
  // INVALID_ARGUMENT says what is wrong with it.
  static StatusOr<Timetable> Parse(std::string_view text, Meaning meaning, const Zone& zone);
  // What a DAG's schedule says about time. INVALID_ARGUMENT as above, NOT_FOUND for its zone.
  static StatusOr<Timetable> Of(const Schedule& schedule, const ZoneDatabase& zones);

  std::optional<RunDates> Next(const std::optional<Cursor>& last, const ScheduleWindow& window,
                               WallTime now) const;

  // Dates of a run that somebody asks for at (or for) a time: logical date and run_after are that time; under
  // `schedule_interval` the interval is the last whole one before it; where manual runs are restricted to
  // events, all dates are those of the last event; otherwise the interval ends at that time.
  RunDates ForManual(WallTime at) const;

  // The next `count` runs whose run_after lies strictly after `after`, in order, as if each ran in turn.
  std::vector<RunDates> Upcoming(WallTime after, const ScheduleWindow& window, int count) const;

  // The cursor of a DAG that has had every run whose logical date lies before `time`; none when there was no run.
  std::optional<Cursor> LastBefore(WallTime time, const ScheduleWindow& window) const;

  // What a run with these dates is about; nothing when the schedule's runs have no partitions by date.
  std::optional<Partition> PartitionOf(const RunDates& dates) const;

  bool is_manual() const { return std::holds_alternative<Manual>(kind_); }
  // Only one run at a time makes sense: each begins where the one before it ended.
  bool is_continuous() const { return std::holds_alternative<Continuous>(kind_); }
  // The schedule as written; "" for manual.
  const std::string& text() const { return text_; }

 private:
  struct Manual {};
  struct Once {};
  struct Continuous {};
  struct CronTrigger {
    std::vector<FireTimes> fires;  // at the times of each; at one time only once
    Duration span{0};              // of the interval that ends at a fire
    std::optional<Duration> immediately;
    std::string key_format;  // of the partition's date; "": runs have none
    std::int32_t run_offset = 0;
  };
  struct CronInterval {
    FireTimes fires;
  };
  struct DeltaTrigger {
    Duration delta;
    Duration span{0};
  };
  struct DeltaInterval {
    Duration delta;
  };
  struct Events {
    std::vector<WallTime> times;
    bool restricts = false;
  };
  struct Question {
    const std::optional<Cursor>& last;
    const ScheduleWindow& window;
    WallTime now;
    bool all() const { return window.catchup == Catchup::kAll; }
  };

  static std::optional<RunDates> NextOf(const Manual&, const Question& asked);
  static std::optional<RunDates> NextOf(const Once&, const Question& asked);
  static std::optional<RunDates> NextOf(const Continuous&, const Question& asked);
  static std::optional<RunDates> NextOf(const CronTrigger& kind, const Question& asked);
  static std::optional<RunDates> NextOf(const CronInterval& kind, const Question& asked);
  static std::optional<RunDates> NextOf(const DeltaTrigger& kind, const Question& asked);
  static std::optional<RunDates> NextOf(const DeltaInterval& kind, const Question& asked);
  static std::optional<RunDates> NextOf(const Events& kind, const Question& asked);
  static std::optional<WallTime> NextFire(const FireTimes& fires, const CronTrigger& kind,
                                          const Question& asked);

  std::optional<RunDates> Ask(const Question& asked) const;
  // Where to begin so that stepping from fire to fire meets every one after `time`.
  std::optional<Cursor> Before(WallTime time, const ScheduleWindow& window) const;
  std::variant<Manual, Once, Continuous, CronTrigger, CronInterval, DeltaTrigger, DeltaInterval, Events>
      kind_;
  std::string text_;
};

}  // namespace millrace
