// When a cron fires in a zone: Airflow's rule for daylight saving time, exactly.
//
// - A cron that covers every hour is stepped by elapsed time: it fires in both passes of a repeated hour.
// - Any other follows the wall clock: a time that occurs twice fires once, at its second occurrence; a time
// that is skipped
//   fires as much later as the clock jumped (02:30 at 03:30). Times that then lie behind the last fire are
//   dropped.
//
// So the fires after T depend on where T stands in such a night; timetables therefore always step from fire
// to fire. Pure, any thread. Called by timetables only.
#pragma once

#include "core/base/zones.h"
#include "core/calendar/cron.h"

namespace millrace {

// The instant that a local time means: the second of two; for one that is skipped, as much later as the clock
// jumped.
WallTime ResolveLocal(const Zone& zone, LocalTime local);

class FireTimes {
 public:
  FireTimes(Cron cron, const Zone& zone) : cron_(std::move(cron)), zone_(&zone) {}

  WallTime After(WallTime time) const;
  // Usually before `time`; inside the first pass of a repeated hour it can be the coming second pass.
  WallTime Before(WallTime time) const;
  // `time` itself if it is a fire, otherwise After / Before.
  WallTime AtOrAfter(WallTime time) const;
  WallTime AtOrBefore(WallTime time) const;

  const Cron& cron() const { return cron_; }
  const Zone& zone() const { return *zone_; }

 private:
  Cron cron_;
  const Zone* zone_;
};

}  // namespace millrace
