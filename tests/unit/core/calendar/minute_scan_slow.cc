#include "tests/unit/core/calendar/minute_scan.h"

namespace millrace {
namespace {

TEST(MinuteScanSlowTest, SteppingFindsTheMinutesThatAScanFindsInTenZonesOverTwentyYears) {
  const platform::TzdbZones zones;
  const std::vector<const char*> crons = {
      "0 2 * * *",      "30 2 * * *",   "30 1 * * *",        "0 0 * * *",
      "*/30 1-3 * * *", "0 22-2 * * *", "20/25 0-4 * * SUN", "*/15 9-17 * * MON-FRI",
      "0 0 15W * *",    "0 0 * * 5L",   "0 0 13 * FRI",      "0 0 L * *"};
  // By elapsed time an hourly cron meets every hour only where clocks jump by whole hours.
  const std::vector<const char*> hourly = {"30 * * * *", "*/10 * * * *"};
  std::size_t fires = 0;
  for (int year = 2007; year < 2027; ++year) {
    for (const char* zone :
         {"America/New_York", "Europe/London", "Europe/Berlin", "Africa/Casablanca", "America/Sao_Paulo",
          "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "America/Havana", "Asia/Tehran"}) {
      fires += ExpectScanAgrees(zones, zone, year, crons);
    }
    for (const char* zone : {"America/New_York", "Europe/Berlin"})
      fires += ExpectScanAgrees(zones, zone, year, hourly);
  }
  std::printf("%zu fires agree\n", fires);
  EXPECT_GT(fires, 1'000'000U);
}

}  // namespace
}  // namespace millrace
