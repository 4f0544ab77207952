// Prints a chain of runs, "run_after logical_date" in seconds, one a line, as `oracle.py --dump` does for
// Airflow:
//   calendar_dump schedule|schedule_interval ZONE CRON
#include <cstdio>
#include <string_view>

#include "core/calendar/format.h"
#include "core/calendar/timetable.h"
#include "platform/zones.h"

int main(int argc, char** argv) {
  using millrace::Timetable;
  if (argc != 4) {
    std::fprintf(stderr, "usage: calendar_dump schedule|schedule_interval ZONE CRON\n");
    return 2;
  }
  const millrace::platform::TzdbZones zones;
  const auto zone = zones.Find(argv[2]);
  if (!zone.ok()) {
    std::fprintf(stderr, "%s\n", zone.status().message().c_str());
    return 1;
  }
  const auto meaning = std::string_view(argv[1]) == "schedule" ? Timetable::Meaning::kSchedule
                                                               : Timetable::Meaning::kScheduleInterval;
  const auto timetable = Timetable::Parse(argv[3], meaning, **zone);
  if (!timetable.ok()) {
    std::fprintf(stderr, "%s\n", timetable.status().message().c_str());
    return 1;
  }
  const millrace::ScheduleWindow window{*millrace::ParseTimeUtc("2007-01-01"),
                                        *millrace::ParseTimeUtc("2027-01-01"), millrace::Catchup::kAll};
  std::optional<millrace::Cursor> cursor;
  for (auto run = timetable->Next(cursor, window, {}); run; run = timetable->Next(cursor, window, {})) {
    std::printf("%lld %lld\n", static_cast<long long>(millrace::ToMicros(run->run_after) / 1'000'000),
                static_cast<long long>(millrace::ToMicros(run->logical_date) / 1'000'000));
    cursor = millrace::Cursor::After(*run);
  }
  return 0;
}
