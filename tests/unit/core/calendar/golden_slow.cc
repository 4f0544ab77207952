#include <cstdio>

#include "tests/unit/core/calendar/golden.h"

namespace millrace {
namespace {

TEST(GoldenSlowTest, RunDatesAreAirflowsInTwelveZonesOverTwentyYears) {
  const std::int64_t dates = ExpectGolden(/*stride=*/1);
  std::printf("%lld dates are Airflow's\n", static_cast<long long>(dates));
  EXPECT_GT(dates, 1'000'000);
}

}  // namespace
}  // namespace millrace
