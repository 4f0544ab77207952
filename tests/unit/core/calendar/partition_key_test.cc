#include "core/calendar/partition_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/calendar/format.h"
#include "core/calendar/time_pattern.h"
#include "core/calendar/timetable.h"
#include "platform/zones.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using Kind = PartitionMapper::Kind;

class PartitionTest : public ::testing::Test {
 protected:
  static PartitionMapper Of(Kind kind) {
    PartitionMapper mapper;
    mapper.kind = kind;
    return mapper;
  }
  // "KEY of DATE", or why not.
  std::string Map(const PartitionMapper& mapper, std::string_view key) {
    const StatusOr<Partition> partition = MapPartition(mapper, key, zones_);
    if (!partition.ok()) return partition.status().message();
    return partition->key + (partition->date ? " of " + FormatTime(*partition->date) : "");
  }
  static WallTime T(std::string_view text) { return ParseTimeUtc(text).value(); }

  platform::TzdbZones zones_;
};

TEST_F(PartitionTest, AMapperGivesTheStartOfWhatItsKeyLiesIn) {
  const struct {
    Kind kind;
    std::string_view key, expected;
  } table[] = {
      {Kind::kIdentity, "eu|x", "eu|x"},
      {Kind::kHour, "2024-03-13T10:42:15", "2024-03-13T10 of 2024-03-13T10:00:00Z"},
      {Kind::kDay, "2024-03-13T10:42:15", "2024-03-13 of 2024-03-13T00:00:00Z"},
      {Kind::kWeek, "2024-03-13T10:42:15", "2024-03-11 (W11) of 2024-03-11T00:00:00Z"},
      {Kind::kWeek, "2024-03-11T00:00:00", "2024-03-11 (W11) of 2024-03-11T00:00:00Z"},
      {Kind::kWeek, "2025-01-01T00:00:00", "2024-12-30 (W01) of 2024-12-30T00:00:00Z"},
      {Kind::kMonth, "2024-02-29T23:59:59", "2024-02 of 2024-02-01T00:00:00Z"},
      {Kind::kQuarter, "2024-03-31T10:42:15", "2024-Q1 of 2024-01-01T00:00:00Z"},
      {Kind::kQuarter, "2024-12-31T10:42:15", "2024-Q4 of 2024-10-01T00:00:00Z"},
      {Kind::kYear, "2024-12-31T10:42:15", "2024 of 2024-01-01T00:00:00Z"},
  };
  for (const auto& [kind, key, expected] : table) EXPECT_EQ(Map(Of(kind), key), expected);
}

TEST_F(PartitionTest, WeeksAndMonthsBeginWhereTheyAreToldTo) {
  PartitionMapper week = Of(Kind::kWeek);
  week.start = 6;
  week.output_format = "%Y-%m-%d";
  EXPECT_EQ(Map(week, "2024-03-13T10:42:15"), "2024-03-10 of 2024-03-10T00:00:00Z");
  EXPECT_EQ(Map(week, "2024-03-10T00:00:00"), "2024-03-10 of 2024-03-10T00:00:00Z");
  PartitionMapper month = Of(Kind::kMonth);
  month.start = 15;
  EXPECT_EQ(Map(month, "2024-01-14T00:00:00"), "2023-12 of 2023-12-15T00:00:00Z");
  EXPECT_EQ(Map(month, "2024-01-15T00:00:00"), "2024-01 of 2024-01-15T00:00:00Z");
}

TEST_F(PartitionTest, FormatsAreTheAuthors) {
  PartitionMapper day = Of(Kind::kDay);
  day.input_format = "%Y/%m/%d %H:%M";
  day.output_format = "%Y_%m_%d";
  EXPECT_EQ(Map(day, "2024/03/13 10:42"), "2024_03_13 of 2024-03-13T00:00:00Z");
  PartitionMapper quarter = Of(Kind::kQuarter);
  quarter.output_format = "Q{quarter} of %Y, {quarter}";
  EXPECT_EQ(Map(quarter, "2024-08-01T00:00:00"), "Q3 of 2024, 3 of 2024-07-01T00:00:00Z");
}

TEST_F(PartitionTest, ATimeIsCutInTheMappersZone) {
  PartitionMapper day = Of(Kind::kDay);
  day.timezone = "Asia/Taipei";
  EXPECT_EQ(Map(day, "2024-03-13T23:00:00"), "2024-03-13 of 2024-03-12T16:00:00Z") << "without an offset it is of there";
  day.input_format = "%Y-%m-%dT%H:%M:%S%z";
  day.output_format = "%Y-%m-%d %z %Z";
  EXPECT_EQ(Map(day, "2024-03-13T23:00:00+0000"), "2024-03-14 +0800 Asia/Taipei of 2024-03-13T16:00:00Z");
  EXPECT_EQ(Map(day, "2024-03-13T23:00:00-05:00"), "2024-03-14 +0800 Asia/Taipei of 2024-03-13T16:00:00Z");
  EXPECT_EQ(Map(day, "2024-03-13T23:00:00Z"), "2024-03-14 +0800 Asia/Taipei of 2024-03-13T16:00:00Z");
}

TEST_F(PartitionTest, AProductMapsEachPartOfAKey) {
  PartitionMapper product = Of(Kind::kProduct);
  product.parts = {Of(Kind::kIdentity), Of(Kind::kDay)};
  EXPECT_EQ(Map(product, "us|2026-03-10T09:00:00"), "us|2026-03-10 of 2026-03-10T00:00:00Z");
  EXPECT_THAT(Map(product, "us|eu|2026-03-10T09:00:00"), HasSubstr("has 3 parts between '|', not 2"));
  EXPECT_THAT(Map(product, "us"), HasSubstr("has 1 parts"));
  EXPECT_THAT(Map(product, "us|today"), HasSubstr("part 2: 'today' does not look like '%Y-%m-%dT%H:%M:%S'"));
  product.delimiter = "--";
  product.parts = {Of(Kind::kHour), Of(Kind::kDay)};
  EXPECT_EQ(Map(product, "2026-03-10T09:30:00--2026-03-10T09:30:00"), "2026-03-10T09--2026-03-10") << "two times are no one time";
}

TEST_F(PartitionTest, KeysThatAMapperCannotReadAreToldOf) {
  EXPECT_THAT(Map(Of(Kind::kDay), "2024-03-13"), HasSubstr("does not look like"));
  EXPECT_THAT(Map(Of(Kind::kDay), "2024-02-30T00:00:00"), HasSubstr("does not look like"));
  EXPECT_THAT(Map(Of(Kind::kDay), ""), HasSubstr("does not look like"));
  PartitionMapper month = Of(Kind::kMonth);
  month.start = 2;
  EXPECT_THAT(Map(month, "0001-01-01T00:00:00"), HasSubstr("years 1 to 9999"));
  PartitionMapper allowed = Of(Kind::kAllowed);
  allowed.allowed = {"us", "eu"};
  EXPECT_EQ(Map(allowed, "eu"), "eu");
  EXPECT_THAT(Map(allowed, "apac"), HasSubstr("'apac' is none of the allowed keys: us, eu"));
  EXPECT_THAT(Map(Of(Kind::kIdentity), std::string(251, 'x')), HasSubstr("1 to 250 bytes"));
  EXPECT_THAT(Map(Of(Kind::kIdentity), "a\nb"), HasSubstr("no control characters"));
}

TEST_F(PartitionTest, AMapperThatCannotWorkIsFoundBeforeAKeyComes) {
  const auto check = [this](std::string_view input, std::string_view output, std::string_view zone = "UTC") {
    PartitionMapper mapper = Of(Kind::kDay);
    mapper.input_format = input;
    mapper.output_format = output;
    mapper.timezone = zone;
    return CheckMapper(mapper, zones_).message();
  };
  EXPECT_EQ(check("", ""), "");
  EXPECT_EQ(check("%Y%j", "%G-W%V"), "");
  EXPECT_THAT(check("%Q", ""), HasSubstr("input_format: strftime does not know '%Q'"));
  EXPECT_THAT(check("%G-W%V", ""), HasSubstr("cannot be read back"));
  EXPECT_THAT(check("", "%Q"), HasSubstr("output_format: strftime does not know '%Q'"));
  EXPECT_THAT(check("", "", "Mars/Olympus"), HasSubstr("Mars/Olympus"));
}

TEST_F(PartitionTest, ACronsRunIsAboutItsFireOrOneSoManyFiresAway) {
  Schedule schedule;
  schedule.kind = ScheduleKind::kCronTrigger;
  schedule.expression = "0 2 * * 1-5";
  schedule.timezone = "America/New_York";
  schedule.partitions.emplace();
  schedule.partitions->key_format = kPartitionKeyFormat;
  const WallTime monday = T("2026-03-09T06:00:00Z");  // two in the morning, the day after clocks changed
  const RunDates dates{monday, monday, monday, monday};
  const auto at = [&](std::int32_t offset) {
    schedule.partitions->run_offset = offset;
    const std::optional<Partition> partition = Timetable::Of(schedule, zones_)->PartitionOf(dates);
    return partition ? partition->key + " of " + FormatTime(*partition->date) : "none";
  };
  EXPECT_EQ(at(0), "2026-03-09T02:00:00 of 2026-03-09T06:00:00Z");
  EXPECT_EQ(at(-1), "2026-03-06T02:00:00 of 2026-03-06T07:00:00Z");
  EXPECT_EQ(at(2), "2026-03-11T02:00:00 of 2026-03-11T06:00:00Z");
  schedule.partitions.reset();
  EXPECT_EQ(Timetable::Of(schedule, zones_)->PartitionOf(dates), std::nullopt);
}

TEST_F(PartitionTest, PatternsReadOffsets) {
  EXPECT_EQ(ParseByPattern("01:30+0200", "%H:%M%z")->offset, std::chrono::hours(2));
  EXPECT_EQ(ParseByPattern("01:30 -03:30", "%H:%M %z")->offset, -std::chrono::minutes(210));
  EXPECT_EQ(ParseByPattern("01:30Z", "%H:%M%z")->offset, Duration(0));
  EXPECT_EQ(ParseByPattern("01:30", "%H:%M")->offset, std::nullopt);
  for (const char* text : {"01:30", "01:30+2", "01:30+02000", "01:30+0260", "01:30+24:00"})
    EXPECT_FALSE(ParseByPattern(text, "%H:%M%z").ok()) << text;
}

}  // namespace
}  // namespace millrace
