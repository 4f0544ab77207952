// Holds timetables against Airflow's own, whose answers over twenty years golden.txt keeps as hashes
// (oracle.py made it). A zone whose rules on this machine are not those that oracle.py saw (tz data of another
// year) is left out, and the test says so. To see where two chains part: calendar_dump and oracle.py --dump print both.
// Used by a quick test over some of the lines and by a long one over all.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/calendar/format.h"
#include "core/calendar/timetable.h"
#include "platform/zones.h"

namespace millrace {

struct GoldenLine {
  std::string what;
  std::string zone;
  std::string cron;
  std::int64_t end = 0;
  int count = 0;
  std::string hash;
  std::set<std::int64_t> left_out;
  bool stuck = false;  // Airflow raises after these dates; we go on
};

inline std::vector<std::string> SplitBars(const std::string& line) {
  std::vector<std::string> parts;
  for (std::size_t from = 0;;) {
    const std::size_t to = line.find(" | ", from);
    parts.push_back(line.substr(from, to == std::string::npos ? to : to - from));
    if (to == std::string::npos) return parts;
    from = to + 3;
  }
}

inline std::vector<GoldenLine> ReadGolden() {
  std::ifstream file(MILLRACE_GOLDEN);
  std::vector<GoldenLine> lines;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> parts = SplitBars(line);
    GoldenLine golden{parts.at(0), parts.at(1), parts.at(2), std::stoll(parts.at(3)), std::stoi(parts.at(4)),
                      parts.at(5), {}};
    golden.stuck = parts.size() > 6 && parts[6] == "stuck";
    if (parts.size() > 6 && !golden.stuck) {
      std::istringstream moments(parts[6]);
      for (std::string moment; std::getline(moments, moment, ',');)
        golden.left_out.insert(std::stoll(moment));
    }
    lines.push_back(std::move(golden));
  }
  return lines;
}

inline WallTime Second(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

inline std::int64_t ToSeconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

inline const WallTime kStart = *ParseTimeUtc("2007-01-01");

// As in oracle.py.
inline std::vector<std::int64_t> Moments() {
  std::vector<std::int64_t> moments;
  constexpr std::int64_t kStep = 20LL * 365 * 86400 / 97;
  for (std::int64_t i = 0; i < 97; ++i)
    moments.push_back(ToSeconds(kStart) + i * kStep / 60 * 60 + (i % 3) * 17);
  for (const char* day : {"2026-03-08", "2026-11-01"}) {
    for (std::int64_t i = 0; i < 96; ++i) moments.push_back(ToSeconds(*ParseTimeUtc(day)) + i * 900);
  }
  return moments;
}

class DateHash {
 public:
  void Add(WallTime a, WallTime b) {
    ++count_;
    for (const WallTime time : {a, b}) Mix(ToSeconds(time));
  }
  void Mix(std::int64_t number) { value_ = (value_ ^ static_cast<std::uint64_t>(number)) * 0x100000001B3; }
  int count() const { return count_; }
  std::string hex() const {
    std::ostringstream out;
    out.fill('0');
    out.width(16);
    out << std::hex << value_;
    return out.str();
  }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325;
  int count_ = 0;
};

inline DateHash Answers(const Timetable& timetable, const GoldenLine& golden) {
  DateHash hash;
  if (golden.what.starts_with("schedule")) {
    const ScheduleWindow window{kStart, Second(golden.end), Catchup::kAll};
    std::optional<Cursor> cursor;
    for (auto run = timetable.Next(cursor, window, kStart); run;
         run = timetable.Next(cursor, window, kStart)) {
      if (golden.stuck && hash.count() == golden.count) break;
      hash.Add(run->run_after, run->logical_date);
      cursor = Cursor::After(*run);
    }
    return hash;
  }
  const ScheduleWindow window{kStart, std::nullopt, Catchup::kLast};
  for (const std::int64_t moment : Moments()) {
    if (golden.left_out.contains(moment)) continue;
    if (golden.what.starts_with("manual")) {
      const RunDates run = timetable.ForManual(Second(moment));
      hash.Add(run.interval_start, run.interval_end);
    } else if (const auto run = timetable.Next(std::nullopt, window, Second(moment))) {
      hash.Add(run->run_after, run->logical_date);
    }
  }
  return hash;
}

// The schedule of a line, as oracle.py writes it.
inline StatusOr<Timetable> TimetableOf(const GoldenLine& golden, const ZoneDatabase& zones) {
  Schedule schedule;
  schedule.timezone = golden.zone;
  schedule.kind = golden.what.ends_with("schedule_interval") ? ScheduleKind::kCronInterval : ScheduleKind::kCronTrigger;
  schedule.expression = golden.cron;
  if (golden.cron.starts_with("every ")) {
    schedule.expression = golden.cron.substr(6) + "s";
  } else if (const std::size_t covering = golden.cron.find(" covering "); covering != std::string::npos) {
    schedule.expression = golden.cron.substr(0, covering);
    schedule.data_interval = std::chrono::seconds(std::stoll(golden.cron.substr(covering + 10)));
  } else if (golden.cron.find(" ; ") != std::string::npos) {
    schedule.kind = ScheduleKind::kMultipleCron;
    std::istringstream crons(golden.cron);
    for (std::string cron; std::getline(crons >> std::ws, cron, ';');) schedule.crons.push_back(cron);
  }
  return Timetable::Of(schedule, zones);
}

// As zone_hash in oracle.py.
inline std::string ZoneHash(const Zone& zone) {
  DateHash hash;
  for (std::int64_t moment = 1'164'931'200; moment < 1'830'297'600; moment += std::int64_t{3} * 3600)
    hash.Mix(std::chrono::floor<std::chrono::seconds>(zone.OffsetAt(Second(moment))).count());
  return hash.hex();
}

// Those that have other rules on this machine.
inline std::set<std::string> ChangedZones(const std::vector<GoldenLine>& lines, const ZoneDatabase& zones) {
  std::set<std::string> changed;
  for (const GoldenLine& golden : lines) {
    if (golden.what != "zone") continue;
    const auto zone = zones.Find(golden.zone);
    if (zone.ok() && ZoneHash(**zone) == golden.hash) continue;
    changed.insert(golden.zone);
    std::printf("%s has other rules here than golden.txt knows: left out\n", golden.zone.c_str());
  }
  return changed;
}

// Every `stride`-th line of golden.txt. Returns how many dates agreed.
inline std::int64_t ExpectGolden(std::size_t stride) {
  const platform::TzdbZones zones;
  const std::vector<GoldenLine> lines = ReadGolden();
  const std::set<std::string> changed = ChangedZones(lines, zones);
  EXPECT_LE(changed.size(), 3u) << "golden.txt is out of date: let oracle.py make it anew";
  std::int64_t dates = 0;
  for (std::size_t i = 0; i < lines.size(); i += stride) {
    const GoldenLine& golden = lines[i];
    if (golden.what == "zone" || changed.contains(golden.zone)) continue;
    const StatusOr<Timetable> timetable = TimetableOf(golden, zones);
    EXPECT_TRUE(timetable.ok()) << timetable.status().message();
    if (!timetable.ok()) continue;
    const DateHash hash = Answers(*timetable, golden);
    EXPECT_TRUE(hash.count() == golden.count && hash.hex() == golden.hash)
        << golden.what << " | " << golden.zone << " | " << golden.cron << ": " << hash.count()
        << " dates, Airflow " << golden.count;
    if (hash.hex() == golden.hash) dates += hash.count();
  }
  return dates;
}

}  // namespace millrace
