// Windows, by tables: what Airflow's make of the same keys, but for hours where clocks change, which are told apart.
#include "core/calendar/partition_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/calendar/format.h"
#include "platform/zones.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = PartitionMapper::Kind;
using Window = PartitionWindow::Kind;

class PartitionWindowTest : public ::testing::Test {
 protected:
  static PartitionMapper Of(Kind kind, std::string_view input = "") {
    PartitionMapper mapper;
    mapper.kind = kind;
    mapper.input_format = input;
    return mapper;
  }
  static PartitionMapper Rollup(PartitionMapper upstream, Window window) {
    PartitionMapper mapper = Of(Kind::kRollup);
    mapper.parts = {std::move(upstream)};
    mapper.window = PartitionWindow{.kind = window, .segments = {}};
    return mapper;
  }
  static PartitionMapper Out(PartitionMapper upstream, Window window, bool is_backward = false) {
    PartitionMapper mapper = Of(Kind::kFanOut);
    mapper.parts = {std::move(upstream), Of(FanOutWriter(window))};
    mapper.window = PartitionWindow{.kind = window, .is_backward = is_backward, .segments = {}};
    return mapper;
  }
  static PartitionMapper Fixed(std::string_view key) {
    PartitionMapper mapper = Of(Kind::kFixed);
    mapper.fixed = key;
    return mapper;
  }
  static PartitionMapper Regions(std::int32_t minimum = 0) {
    PartitionMapper mapper = Rollup(Fixed("all"), Window::kSegment);
    mapper.window->segments = {"us", "eu", "apac"};
    mapper.minimum = minimum;
    return mapper;
  }
  static std::string Brief(const std::vector<std::string>& keys) {
    if (keys.empty()) return "none";
    return std::to_string(keys.size()) + ": " + keys.front() + " to " + keys.back();
  }
  // "MEMBER of COUNT: FIRST to LAST", or why not.
  std::string Place(const PartitionMapper& rollup, std::string_view key) {
    const StatusOr<WindowPlace> place = PlaceInWindow(rollup, key, zones_);
    return place.ok() ? place->member + " of " + Brief(place->keys) : place.status().message();
  }
  std::vector<std::string> Keys(const PartitionMapper& mapper, std::string_view key) {
    const StatusOr<std::vector<Partition>> partitions = MapPartitions(mapper, key, zones_);
    if (!partitions.ok()) return {partitions.status().message()};
    std::vector<std::string> keys;
    for (const Partition& one : *partitions) keys.push_back(one.key);
    return keys;
  }
  std::string Check(const PartitionMapper& mapper) { return CheckMapper(mapper, zones_).message(); }

  platform::TzdbZones zones_;
};

TEST_F(PartitionWindowTest, ARollUpWaitsForTheKeysOfItsPeriod) {
  const struct {
    Kind of;
    std::string_view input;
    Window window;
    std::string_view key, expected;
  } table[] = {
      {Kind::kHour, "", Window::kHour, "2024-03-13T10:42:15", "2024-03-13T10:42:00 of 60: 2024-03-13T10:00:00 to 2024-03-13T10:59:00"},
      {Kind::kDay, "", Window::kDay, "2024-03-13T10:00:00", "2024-03-13T10:00:00 of 24: 2024-03-13T00:00:00 to 2024-03-13T23:00:00"},
      {Kind::kDay, "%Y-%m-%dT%H", Window::kDay, "2024-03-13T23", "2024-03-13T23 of 24: 2024-03-13T00 to 2024-03-13T23"},
      {Kind::kWeek, "%Y-%m-%d", Window::kWeek, "2024-03-13", "2024-03-13 of 7: 2024-03-11 to 2024-03-17"},
      {Kind::kWeek, "%Y-%m-%d", Window::kWeek, "2025-01-01", "2025-01-01 of 7: 2024-12-30 to 2025-01-05"},
      {Kind::kMonth, "%Y-%m-%d", Window::kMonth, "2024-02-29", "2024-02-29 of 29: 2024-02-01 to 2024-02-29"},
      {Kind::kMonth, "%Y-%m-%d", Window::kMonth, "2023-02-01", "2023-02-01 of 28: 2023-02-01 to 2023-02-28"},
      {Kind::kMonth, "%Y-%m-%d", Window::kMonth, "2024-12-31", "2024-12-31 of 31: 2024-12-01 to 2024-12-31"},
      {Kind::kQuarter, "%Y-%m", Window::kQuarter, "2024-05", "2024-05 of 3: 2024-04 to 2024-06"},
      {Kind::kQuarter, "%Y-%m", Window::kQuarter, "2024-12", "2024-12 of 3: 2024-10 to 2024-12"},
      {Kind::kYear, "%Y-%m", Window::kYear, "2024-07", "2024-07 of 12: 2024-01 to 2024-12"},
      {Kind::kYear, "%m/%Y", Window::kYear, "07/2024", "07/2024 of 12: 01/2024 to 12/2024"},
  };
  for (const auto& [of, input, window, key, expected] : table) {
    const PartitionMapper rollup = Rollup(Of(of, input), window);
    EXPECT_EQ(Check(rollup), "") << key;
    EXPECT_EQ(Place(rollup, key), expected);
  }
}

TEST_F(PartitionWindowTest, ATimeCountsForTheHourDayOrMonthThatItLiesIn) {
  EXPECT_THAT(Place(Rollup(Of(Kind::kDay), Window::kDay), "2024-03-13T10:07:30"), HasSubstr("2024-03-13T10:00:00 of 24"));
  EXPECT_THAT(Place(Rollup(Of(Kind::kWeek), Window::kWeek), "2024-03-17T23:59:59"), HasSubstr("2024-03-17T00:00:00 of 7"));
  EXPECT_THAT(Place(Rollup(Of(Kind::kYear, "%Y-%m-%d"), Window::kYear), "2024-02-29"), HasSubstr("2024-02-01 of 12"));
}

TEST_F(PartitionWindowTest, WeeksAndMonthsOfWindowsBeginWhereTheirMapperSays) {
  PartitionMapper week = Of(Kind::kWeek, "%Y-%m-%d");
  week.start = 6;
  EXPECT_EQ(Place(Rollup(week, Window::kWeek), "2024-03-13"), "2024-03-13 of 7: 2024-03-10 to 2024-03-16");
  PartitionMapper month = Of(Kind::kMonth, "%Y-%m-%d");
  month.start = 15;
  EXPECT_EQ(Place(Rollup(month, Window::kMonth), "2024-02-10"), "2024-02-10 of 31: 2024-01-15 to 2024-02-14");
  EXPECT_EQ(Place(Rollup(month, Window::kMonth), "2024-02-15"), "2024-02-15 of 29: 2024-02-15 to 2024-03-14");
}

TEST_F(PartitionWindowTest, ADayHasTheHoursThatItsClocksShow) {
  const auto day = [this](std::string_view zone, std::string_view input, std::string_view key) {
    PartitionMapper mapper = Of(Kind::kDay, input);
    mapper.timezone = zone;
    const StatusOr<WindowPlace> place = PlaceInWindow(Rollup(mapper, Window::kDay), key, zones_);
    EXPECT_TRUE(place.ok()) << place.status().ToString();
    return place->keys;
  };
  EXPECT_EQ(day("America/New_York", "%Y-%m-%dT%H", "2024-03-09T05").size(), 24U);
  const std::vector<std::string> shorter = day("America/New_York", "%Y-%m-%dT%H", "2024-03-10T05");
  EXPECT_EQ(shorter.size(), 23U) << "there is no two o'clock";
  EXPECT_EQ(shorter.at(1), "2024-03-10T01");
  EXPECT_EQ(shorter.at(2), "2024-03-10T03");
  EXPECT_EQ(day("America/New_York", "%Y-%m-%dT%H", "2024-11-03T05").size(), 24U) << "two hours have one name: either is enough";
  const std::vector<std::string> longer = day("America/New_York", "%Y-%m-%dT%H%z", "2024-11-03T05-0500");
  EXPECT_EQ(longer.size(), 25U);
  EXPECT_EQ(longer.at(1), "2024-11-03T01-0400");
  EXPECT_EQ(longer.at(2), "2024-11-03T01-0500");
  EXPECT_EQ(day("Europe/Berlin", "", "2024-03-31T12:00:00").size(), 23U);
  EXPECT_EQ(day("Australia/Lord_Howe", "%Y-%m-%dT%H", "2024-10-06T12").size(), 23U) << "half of an hour is left out, and its name";
  EXPECT_EQ(day("Australia/Lord_Howe", "%Y-%m-%dT%H", "2024-04-07T12").size(), 24U);
}

TEST_F(PartitionWindowTest, OfTwoHoursWithOneNameTheOffsetSaysWhichHasCome) {
  PartitionMapper day = Of(Kind::kDay, "%Y-%m-%dT%H:%M%z");
  day.timezone = "America/New_York";
  EXPECT_THAT(Place(Rollup(day, Window::kDay), "2024-11-03T05:30+0000"), HasSubstr("2024-11-03T01:00-0400 of 25"));
  EXPECT_THAT(Place(Rollup(day, Window::kDay), "2024-11-03T06:30+0000"), HasSubstr("2024-11-03T01:00-0500 of 25"));
}

TEST_F(PartitionWindowTest, ADayThatBeginsAnHourLateHasTheKeyThatACronGivesIt) {
  PartitionMapper week = Of(Kind::kWeek);
  week.timezone = "America/Sao_Paulo";  // no midnight on 2018-11-04
  const StatusOr<WindowPlace> place = PlaceInWindow(Rollup(week, Window::kWeek), "2018-10-31T00:00:00", zones_);
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->keys.back(), "2018-11-04T01:00:00");
  EXPECT_THAT(Place(Rollup(week, Window::kWeek), "2018-11-04T01:00:00"), HasSubstr("2018-11-04T01:00:00 of 7"));
}

TEST_F(PartitionWindowTest, AnHourThatThereIsNotHasNoMinutes) {
  PartitionMapper hour = Of(Kind::kHour);
  hour.timezone = "America/New_York";
  EXPECT_THAT(Place(Rollup(hour, Window::kHour), "2024-03-10T02:30:00"), HasSubstr("leave out"));
  EXPECT_THAT(Place(Rollup(hour, Window::kHour), "2024-03-10T03:30:00"), HasSubstr("of 60"));
}

TEST_F(PartitionWindowTest, ASetOfKeysIsRolledUpUnderOne) {
  EXPECT_EQ(Check(Regions()), "");
  EXPECT_EQ(Place(Regions(), "eu"), "eu of 3: us to apac");
  EXPECT_EQ(Place(Regions(), "mars"), "'mars' is none of the window's keys: us, eu, apac");
  EXPECT_THAT(Keys(Regions(), "eu"), ElementsAre("all"));
  EXPECT_THAT(Keys(Regions(), "mars"), ElementsAre(HasSubstr("none of the window's keys")));
}

TEST_F(PartitionWindowTest, AMinimumIsSoManyOrAllButSoManyAndNeverNone) {
  EXPECT_EQ(NeededKeys(Regions(), 3), 3U);
  EXPECT_EQ(NeededKeys(Regions(2), 3), 2U);
  EXPECT_EQ(NeededKeys(Regions(3), 2), 2U) << "a short day has fewer hours than were asked for";
  EXPECT_EQ(NeededKeys(Regions(-1), 3), 2U);
  EXPECT_EQ(NeededKeys(Regions(-3), 3), 1U);
  EXPECT_EQ(NeededKeys(Regions(-9), 3), 1U);
}

TEST_F(PartitionWindowTest, ProgressIsWhatHasComeAndWhatIsMissing) {
  const WindowProgress progress = ProgressOf(Regions(-1), {"apac", "us", "apac", "mars"}, zones_);
  EXPECT_THAT(progress.arrived, ElementsAre("us", "apac"));
  EXPECT_THAT(progress.missing, ElementsAre("eu"));
  EXPECT_EQ(progress.needed, 2U);
}

TEST_F(PartitionWindowTest, AFanOutCountsForEveryKeyOfItsPeriod) {
  const struct {
    Kind of;
    std::string_view input;
    Window window;
    bool is_backward;
    std::string_view key, expected;
  } table[] = {
      {Kind::kDay, "%Y-%m-%d", Window::kDay, false, "2024-03-13", "24: 2024-03-13T00 to 2024-03-13T23"},
      {Kind::kDay, "%Y-%m-%d", Window::kDay, true, "2024-03-13", "24: 2024-03-12T01 to 2024-03-13T00"},
      {Kind::kWeek, "", Window::kWeek, false, "2024-03-13T05:00:00", "7: 2024-03-11 to 2024-03-17"},
      {Kind::kWeek, "", Window::kWeek, true, "2024-03-13T05:00:00", "7: 2024-03-05 to 2024-03-11"},
      {Kind::kDay, "%Y-%m-%d", Window::kWeek, true, "2024-03-01", "7: 2024-02-24 to 2024-03-01"},
      {Kind::kMonth, "%Y-%m", Window::kMonth, false, "2024-02", "29: 2024-02-01 to 2024-02-29"},
      {Kind::kMonth, "%Y-%m", Window::kMonth, true, "2024-03", "29: 2024-02-02 to 2024-03-01"},
      {Kind::kQuarter, "%Y-%m", Window::kQuarter, false, "2024-05", "3: 2024-04 to 2024-06"},
      {Kind::kMonth, "%Y-%m", Window::kQuarter, true, "2024-02", "3: 2023-12 to 2024-02"},
      {Kind::kYear, "%Y", Window::kYear, false, "2024", "12: 2024-01 to 2024-12"},
      {Kind::kMonth, "%Y-%m", Window::kYear, true, "2024-03", "12: 2023-04 to 2024-03"},
  };
  for (const auto& [of, input, window, is_backward, key, expected] : table) {
    const PartitionMapper mapper = Out(Of(of, input), window, is_backward);
    EXPECT_EQ(Check(mapper), "") << key;
    EXPECT_EQ(Brief(Keys(mapper, key)), expected);
  }
}

TEST_F(PartitionWindowTest, AFanOutsKeysAreWrittenByItsDownstreamMapperAndStandForTheirTimes) {
  PartitionMapper mapper = Out(Of(Kind::kYear, "%Y"), Window::kYear);
  mapper.parts[1] = Of(Kind::kQuarter);
  EXPECT_THAT(Keys(mapper, "2024"), ElementsAre("2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"));
  mapper = Out(Of(Kind::kHour, "%Y-%m-%dT%H"), Window::kHour);
  mapper.parts[1] = Of(Kind::kHour);
  mapper.parts[1].output_format = "%H:%M";
  EXPECT_EQ(Brief(Keys(mapper, "2024-03-13T10")), "60: 10:00 to 10:59");
  PartitionMapper week = Of(Kind::kWeek);
  week.timezone = "Europe/Berlin";
  const StatusOr<std::vector<Partition>> days = MapPartitions(Out(week, Window::kWeek), "2024-03-31T12:00:00", zones_);
  ASSERT_TRUE(days.ok());
  EXPECT_EQ(days->front().key, "2024-03-25");
  EXPECT_EQ(FormatTime(*days->front().date), "2024-03-24T23:00:00Z");
  EXPECT_EQ(FormatTime(*days->back().date), "2024-03-30T23:00:00Z");
}

TEST_F(PartitionWindowTest, AFanOutOfASetCountsForEachOfIt) {
  PartitionMapper mapper = Out(Of(Kind::kIdentity), Window::kSegment);
  mapper.window->segments = {"us", "eu"};
  EXPECT_EQ(Check(mapper), "");
  EXPECT_THAT(Keys(mapper, "whatever"), ElementsAre("us", "eu"));
}

TEST_F(PartitionWindowTest, AChainMapsWhatTheOneBeforeItMade) {
  PartitionMapper chain = Of(Kind::kChain);
  chain.parts = {Out(Of(Kind::kYear, "%Y"), Window::kYear), Out(Of(Kind::kMonth, "%Y-%m"), Window::kMonth)};
  EXPECT_EQ(Check(chain), "");
  EXPECT_EQ(Brief(Keys(chain, "2024")), "366: 2024-01-01 to 2024-12-31");
  chain.parts = {Of(Kind::kDay), Of(Kind::kMonth, "%Y-%m-%d")};
  EXPECT_THAT(Keys(chain, "2024-03-13T05:00:00"), ElementsAre("2024-03"));
  chain.parts = {Out(Of(Kind::kYear, "%Y"), Window::kYear), Of(Kind::kQuarter, "%Y-%m")};
  EXPECT_THAT(Keys(chain, "2024"), ElementsAre("2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"));
  EXPECT_THAT(Keys(chain, "then"), ElementsAre(HasSubstr("does not look like")));
}

TEST_F(PartitionWindowTest, AnUpdateThatWouldCountForTooManyCountsForNone) {
  PartitionMapper week = Out(Of(Kind::kWeek), Window::kWeek);
  week.max_keys = 7;
  EXPECT_EQ(Keys(week, "2024-03-13T05:00:00").size(), 7U);
  week.max_keys = 6;
  EXPECT_THAT(Keys(week, "2024-03-13T05:00:00"),
              ElementsAre("'2024-03-13T05:00:00' would count for 7 runs or more, and max_downstream_keys is 6"));
  PartitionMapper chain = Of(Kind::kChain);
  chain.parts = {Out(Of(Kind::kYear, "%Y"), Window::kYear), Out(Of(Kind::kMonth, "%Y-%m"), Window::kMonth),
                 Out(Of(Kind::kDay, "%Y-%m-%d"), Window::kDay)};
  EXPECT_THAT(Keys(chain, "2024"), ElementsAre(HasSubstr("max_downstream_keys is 1000")));
}

TEST_F(PartitionWindowTest, OfSeveralKeysNoneIsTheOne) {
  EXPECT_THAT(MapPartition(Out(Of(Kind::kWeek), Window::kWeek), "2024-03-13T05:00:00", zones_).status().message(),
              HasSubstr("counts for 7 keys, not one"));
  EXPECT_EQ(MapPartition(Fixed("all"), "eu", zones_)->key, "all");
}

TEST_F(PartitionWindowTest, AWindowThatItsMapperDoesNotFitIsFoundBeforeAKeyComes) {
  EXPECT_THAT(Check(Rollup(Of(Kind::kDay), Window::kWeek)), HasSubstr("needs an upstream_mapper whose runs are about as much: weekly"));
  EXPECT_THAT(Check(Rollup(Of(Kind::kIdentity), Window::kDay)), HasSubstr("about as much: daily"));
  EXPECT_THAT(Check(Rollup(Of(Kind::kWeek, "%Y-%m"), Window::kWeek)), HasSubstr("input_format '%Y-%m' writes several keys of window 'week' alike"));
  PartitionMapper mapper = Rollup(Of(Kind::kDay), Window::kDay);
  mapper.window->is_backward = true;
  EXPECT_THAT(Check(mapper), HasSubstr("direction backward is a fan-out's"));
  mapper = Rollup(Of(Kind::kDay), Window::kDay);
  mapper.minimum = 25;
  EXPECT_THAT(Check(mapper), HasSubstr("window 'day' has 24 keys at most, never 25"));
  EXPECT_THAT(Check(Regions(4)), HasSubstr("window 'segment' has 3 keys at most, never 4"));
  mapper = Regions();
  mapper.parts = {Of(Kind::kIdentity)};
  EXPECT_THAT(Check(mapper), HasSubstr("count for different runs, 'us' and 'eu'"));
  EXPECT_THAT(Check(Out(Of(Kind::kIdentity), Window::kWeek)), HasSubstr("needs an upstream_mapper of times"));
  EXPECT_THAT(Check(Out(Of(Kind::kHour), Window::kHour)), HasSubstr("needs a downstream_mapper that writes times"));
  EXPECT_THAT(Check(Out(Of(Kind::kWeek), Window::kMonth)), HasSubstr("window 'month' begins with a month"));
  mapper = Out(Of(Kind::kIdentity), Window::kSegment);
  mapper.parts[1] = Of(Kind::kDay);
  EXPECT_THAT(Check(mapper), HasSubstr("leave the downstream_mapper out"));
}

TEST_F(PartitionWindowTest, MappersOfSeveralKeysStandWhereTheyCan) {
  PartitionMapper product = Of(Kind::kProduct);
  product.parts = {Of(Kind::kIdentity), Out(Of(Kind::kWeek), Window::kWeek)};
  EXPECT_THAT(Check(product), HasSubstr("a part of a chain only"));
  product.parts = {Of(Kind::kIdentity), Rollup(Of(Kind::kWeek), Window::kWeek)};
  EXPECT_THAT(Check(product), HasSubstr("let it be the outermost one"));
  PartitionMapper chain = Of(Kind::kChain);
  chain.parts = {product, Of(Kind::kIdentity)};
  EXPECT_THAT(Check(chain), HasSubstr("let it be the outermost one"));
  EXPECT_THAT(Check(Fixed("")), HasSubstr("is no partition key"));
}

}  // namespace
}  // namespace millrace
