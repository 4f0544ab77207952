// A backfill: runs for every date of a DAG's timetable between two dates, a few at a time. The row is what
// the store keeps, the API shows and the engine goes on from; its cursor moves in the commit that makes the
// run. Plain data; the one rule here, what becomes of a date that has runs already, is shared by the preview
// and the action.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/model/run.h"

namespace millrace {

// What to do with a date whose run has ended: leave it, run it again when it failed, or run it again in any
// case.
enum class Reprocess : std::uint8_t { kNone, kFailed, kCompleted };
std::string_view ToString(Reprocess reprocess);
std::optional<Reprocess> ReprocessFromString(std::string_view text);

struct Backfill {
  std::int64_t id = 0;
  std::string dag_id;
  WallTime from{};  // of logical dates, both inclusive
  WallTime to{};
  Reprocess reprocess = Reprocess::kNone;
  bool run_backwards = false;
  bool latest_version = true;  // a run that is run again gets the newest DAG version
  std::int32_t max_active_runs = 10;
  std::string conf = "{}";
  std::string user;
  bool paused = false;
  bool cancelled = false;
  WallTime created_at{};  // dates that are not due by then do not belong to it
  WallTime updated_at{};
  std::optional<WallTime> completed_at;
  std::optional<WallTime> cursor;  // logical date of the last date it has dealt with
  std::int32_t dates = 0;          // of its range
  std::int32_t made = 0;           // of these, with a run made or run again
  std::int32_t skipped = 0;        // of these, left alone for the runs they have
  std::int64_t after = 0;          // another backfill (of a DAG upstream) that must have completed first
  friend bool operator==(const Backfill&, const Backfill&) = default;
};

enum class DateAction : std::uint8_t { kMake, kRunAgain, kLeave };
struct DateDecision {
  DateAction action = DateAction::kMake;
  std::string run_id;  // kRunAgain: which
};
// `runs`: those of the DAG for this date, oldest first. One that is under way is never doubled. A run that
// somebody triggered by hand and that has ended does not count as the date's run.
DateDecision Decide(Reprocess reprocess, WallTime date, const std::vector<Run>& runs);

}  // namespace millrace
