#include "tests/unit/core/calendar/minute_scan.h"

namespace millrace {
namespace {

TEST(MinuteScanTest, SteppingFindsTheMinutesThatAScanFinds) {
  const platform::TzdbZones zones;
  std::size_t fires = 0;
  for (const char* zone : {"America/New_York", "Australia/Lord_Howe"}) {
    fires +=
        ExpectScanAgrees(zones, zone, 2026, {"0 2 * * *", "30 2 * * *", "*/30 1-3 * * *", "0 0 1-7 * MON"});
  }
  fires += ExpectScanAgrees(zones, "Europe/Berlin", 2026, {"30 * * * *"});
  fires += ExpectScanAgrees(zones, "Pacific/Apia", 2011, {"0 2 * * *", "0 0 L * *"});
  EXPECT_GT(fires, 10'000U);
}

}  // namespace
}  // namespace millrace
