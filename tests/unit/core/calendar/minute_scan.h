// Holds a timetable against a scan of every minute: slow, and written from the rule as fire_times.h states
// it, not from the code. Used by a quick test over a few zones and years, and by a long one over many.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/calendar/format.h"
#include "core/calendar/timetable.h"
#include "platform/zones.h"

namespace millrace {

// A year of one zone, minute by minute: every local minute with the instants that show it.
class LocalMinutes {
 public:
  LocalMinutes(const Zone& zone, WallTime from, WallTime to) {
    for (WallTime time = from; time < to; time += std::chrono::minutes(1))
      shown_[zone.ToLocal(time)].push_back(time);
    const LocalTime first = shown_.begin()->first;
    const LocalTime last = shown_.rbegin()->first;
    LocalTime before_gap = first;
    for (LocalTime local = first; local <= last; local += std::chrono::minutes(1)) {
      const auto found = shown_.find(local);
      if (found != shown_.end()) {
        resolved_.emplace_back(local, found->second.back());
        before_gap = local;
      } else {  // skipped: as far after the gap's last minute before it, on the clock of before
        resolved_.emplace_back(local, shown_[before_gap].back() + (local - before_gap));
      }
    }
  }
  const std::vector<std::pair<LocalTime, WallTime>>& resolved() const { return resolved_; }

 private:
  std::map<LocalTime, std::vector<WallTime>> shown_;
  std::vector<std::pair<LocalTime, WallTime>> resolved_;
};

inline std::vector<WallTime> ScannedFires(const Cron& cron, const Zone& zone, const LocalMinutes& minutes,
                                          WallTime from, WallTime to) {
  std::vector<WallTime> fires;
  if (cron.covers_every_hour()) {
    for (WallTime time = from; time < to; time += std::chrono::minutes(1)) {
      if (cron.Matches(zone.ToLocal(time))) fires.push_back(time);
    }
    return fires;
  }
  for (const auto& [local, instant] : minutes.resolved()) {
    if (!cron.Matches(local) || instant < from || instant >= to) continue;
    if (!fires.empty() && local <= zone.ToLocal(fires.back())) continue;
    fires.push_back(instant);
  }
  return fires;
}

// Returns how many fires agreed.
inline std::size_t ExpectScanAgrees(const ZoneDatabase& zones, std::string_view zone_name, int year,
                                    const std::vector<const char*>& crons) {
  const Zone& zone = **zones.Find(zone_name);
  const auto first_of = [](int y) { return *ParseTimeUtc(std::to_string(y) + "-01-01"); };
  const WallTime from = first_of(year);
  const WallTime to = first_of(year + 1);
  const LocalMinutes minutes(zone, from - std::chrono::hours(48), to + std::chrono::hours(48));
  std::size_t agreed = 0;
  for (const char* text : crons) {
    const Cron cron = *Cron::Parse(text);
    const FireTimes fires(cron, zone);
    std::vector<WallTime> stepped;
    for (WallTime time = fires.After(from - Duration(1)); time < to; time = fires.After(time))
      stepped.push_back(time);
    const std::vector<WallTime> scanned = ScannedFires(cron, zone, minutes, from, to);
    EXPECT_EQ(stepped.size(), scanned.size()) << zone_name << ' ' << year << ' ' << text;
    for (std::size_t i = 0; i < std::min(stepped.size(), scanned.size()); ++i) {
      EXPECT_EQ(FormatTime(stepped[i], zone), FormatTime(scanned[i], zone)) << text;
      if (stepped[i] != scanned[i]) break;
      ++agreed;
    }
  }
  return agreed;
}

}  // namespace millrace
