#include "core/calendar/format.h"

#include <gtest/gtest.h>

#include "platform/zones.h"

namespace millrace {
namespace {

TEST(DurationTest, EveryFormReadsAsTheSameLength) {
  const std::pair<const char*, Duration> cases[] = {{"90s", std::chrono::seconds(90)},
                                                    {"5m", std::chrono::minutes(5)},
                                                    {"2h30m", std::chrono::minutes(150)},
                                                    {"2h 30m", std::chrono::minutes(150)},
                                                    {"1d", std::chrono::hours(24)},
                                                    {"1w", std::chrono::hours(168)},
                                                    {"500ms", std::chrono::milliseconds(500)},
                                                    {"1.5h", std::chrono::minutes(90)},
                                                    {"PT5M", std::chrono::minutes(5)},
                                                    {"P1DT2H", std::chrono::hours(26)},
                                                    {"PT0.25S", std::chrono::milliseconds(250)},
                                                    {"300", std::chrono::seconds(300)},
                                                    {"0.5", std::chrono::milliseconds(500)},
                                                    {"0", Duration(0)},
                                                    {"P2W", std::chrono::hours(336)},
                                                    {"10000d", std::chrono::hours(240'000)}};
  for (const auto& [text, length] : cases) {
    const StatusOr<Duration> parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    EXPECT_EQ(*parsed, length) << text;
  }
}

TEST(DurationTest, WhatIsNoDurationIsRefused) {
  for (const char* text : {"",
                           " ",
                           "five",
                           "5x",
                           "-5m",
                           "5m5m",
                           "5m30",
                           "m",
                           "P",
                           "PT",
                           "P1M",
                           "P1Y",
                           "PT1H1D",
                           "P1H",
                           "5 m",
                           "1h ",
                           "1.h",
                           ".5",
                           "1e3",
                           "PT5",
                           "99999999999999999999s",
                           "10001d",
                           "999999999999999w"}) {
    const StatusOr<Duration> parsed = ParseDuration(text);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(DurationTest, FormattingGivesBackTheSameLength) {
  for (const char* text : {"0s", "90s", "1h30m", "1d", "1d2h3m4.5s", "0.000001s", "10000d", "59.999999s"}) {
    const Duration parsed = *ParseDuration(text);
    EXPECT_EQ(*ParseDuration(FormatDuration(parsed)), parsed) << text;
  }
  EXPECT_EQ(FormatDuration(std::chrono::minutes(150)), "2h30m");
  EXPECT_EQ(FormatDuration(std::chrono::milliseconds(1500)), "1.5s");
}

TEST(TimeTest, TextsWithOffsetsReadAsInstants) {
  const std::pair<const char*, const char*> cases[] = {
      {"2001-03-01T02:00:00Z", "2001-03-01T02:00:00Z"},
      {"2001-03-01T02:00:00+00:00", "2001-03-01T02:00:00Z"},
      {"2001-03-01 02:00:00-05:00", "2001-03-01T07:00:00Z"},
      {"2001-03-01T02:00:00.25+0530", "2001-02-28T20:30:00.250000Z"},
      {"2001-03-01t02:00z", "2001-03-01T02:00:00Z"},
      {"2001-03-01", "2001-03-01T00:00:00Z"},
      {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
      {"0001-01-01", "0001-01-01T00:00:00Z"}};
  for (const auto& [text, expected] : cases) {
    const StatusOr<WallTime> parsed = ParseTimeUtc(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    EXPECT_EQ(FormatTime(*parsed), expected) << text;
  }
}

TEST(TimeTest, WhatIsNoTimeIsRefused) {
  for (const char* text :
       {"", "2001", "2001-3-1", "2001-02-29", "2001-13-01", "2001-03-01T", "2001-03-01T24:00:00Z",
        "2001-03-01T02:60Z", "2001-03-01T02:00:61Z", "2001-03-01T02:00:00", "2001-03-01T02:00:00X",
        "2001-03-01T02:00:00+25:00", "2001-03-01T02:00:00.Z", "2001-03-01T02:00:00Zjunk", "20010301",
        "0000-01-01", "2001-03-01junk", "2001-03-01T02:00:00+1"}) {
    EXPECT_FALSE(ParseTimeUtc(text).ok()) << text;
  }
}

TEST(TimeTest, TextsWithoutOffsetAreLocalToTheZone) {
  const platform::TzdbZones zones;
  const Zone& new_york = **zones.Find("America/New_York");
  EXPECT_EQ(FormatTime(*ParseTime("2001-01-01", new_york)), "2001-01-01T05:00:00Z");
  EXPECT_EQ(FormatTime(*ParseTime("2001-07-01T12:00", new_york)), "2001-07-01T16:00:00Z");
  EXPECT_EQ(FormatTime(*ParseTime("2001-07-01T12:00Z", new_york)), "2001-07-01T12:00:00Z");
  EXPECT_EQ(FormatTime(*ParseTime("2026-03-08T02:30", new_york), new_york), "2026-03-08T03:30:00-04:00");
  EXPECT_EQ(FormatTime(*ParseTime("2026-11-01T01:30", new_york), new_york), "2026-11-01T01:30:00-05:00");
}

TEST(TimeTest, AirflowsFormsAreInUtc) {
  const WallTime time = *ParseTimeUtc("2001-03-01T02:03:04Z");
  EXPECT_EQ(FormatDs(time), "2001-03-01");
  EXPECT_EQ(FormatDsNodash(time), "20010301");
  EXPECT_EQ(FormatTs(time), "2001-03-01T02:03:04+00:00");
  EXPECT_EQ(FormatTsNodash(time), "20010301T020304");
  EXPECT_EQ(FormatTsNodashWithTz(time), "20010301T020304+0000");
  const WallTime fraction = time + Duration(500);
  EXPECT_EQ(FormatTs(fraction), "2001-03-01T02:03:04.000500+00:00");
  EXPECT_EQ(FormatTsNodash(fraction), "20010301T020304");
  EXPECT_EQ(FormatTsNodashWithTz(fraction), "20010301T020304.000500+0000");
}

}  // namespace
}  // namespace millrace
