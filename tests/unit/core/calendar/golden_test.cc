#include "tests/unit/core/calendar/golden.h"

namespace millrace {
namespace {

TEST(GoldenTest, RunDatesAreAirflows) { EXPECT_GT(ExpectGolden(/*stride=*/17), 50'000); }

}  // namespace
}  // namespace millrace
