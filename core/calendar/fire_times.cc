#include "core/calendar/fire_times.h"

namespace millrace {
namespace {

// The last instant before a gap that swallows `local`: local clocks jump over it once within the widest
// offsets there are.
WallTime LastBeforeGap(const Zone& zone, LocalTime local) {
  WallTime before = WallTime(local.time_since_epoch()) - std::chrono::hours(30);
  WallTime after = WallTime(local.time_since_epoch()) + std::chrono::hours(30);
  while (after - before > Duration(1)) {
    const WallTime middle = before + (after - before) / 2;
    (zone.ToLocal(middle) < local ? before : after) = middle;
  }
  return before;
}

}  // namespace

WallTime ResolveLocal(const Zone& zone, LocalTime local) {
  const std::vector<WallTime> instants = zone.FromLocal(local);
  if (!instants.empty()) return instants.back();
  return WallTime(local.time_since_epoch()) - zone.OffsetAt(LastBeforeGap(zone, local));
}

WallTime FireTimes::After(WallTime time) const {
  const LocalTime local = zone_->ToLocal(time);
  const LocalTime next = cron_.Next(local);
  return cron_.covers_every_hour() ? time + (next - local) : ResolveLocal(*zone_, next);
}

WallTime FireTimes::Before(WallTime time) const {
  const LocalTime local = zone_->ToLocal(time);
  const LocalTime previous = cron_.Previous(local);
  return cron_.covers_every_hour() ? time - (local - previous) : ResolveLocal(*zone_, previous);
}

WallTime FireTimes::AtOrAfter(WallTime time) const {
  const WallTime next = After(time);
  return Before(next) == time ? time : next;
}

WallTime FireTimes::AtOrBefore(WallTime time) const {
  const WallTime previous = Before(time);
  return After(previous) == time ? time : previous;
}

}  // namespace millrace
