#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "core/calendar/format.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/tzif.h"
#include "platform/zones.h"

namespace millrace::platform {
namespace {

TEST(ZonesTest, AnUnknownZoneIsNotFoundByName) {
  const TzdbZones zones;
  const auto missing = zones.Find("America/Atlantis");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_NE(missing.status().message().find("America/Atlantis"), std::string::npos);
  for (const char* name : {"", "/etc/passwd", "../../etc/passwd", "posix", "America"})
    EXPECT_FALSE(zones.Find(name).ok()) << name;
}

TEST(ZonesTest, UtcIsAlwaysKnownAndAZoneKeepsItsAddress) {
  const TzdbZones zones;
  const auto utc = zones.Find("UTC");
  ASSERT_TRUE(utc.ok());
  EXPECT_EQ((*utc)->OffsetAt(WallTime()), Duration(0));
  EXPECT_EQ(*utc, *zones.Find("UTC"));
}

TEST(ZonesTest, LocalTimesComeOnceTwiceOrNever) {
  const TzdbZones zones;
  const Zone& berlin = **zones.Find("Europe/Berlin");
  const auto at = [](const char* text) { return LocalTime(ParseTimeUtc(text)->time_since_epoch()); };
  EXPECT_EQ(berlin.FromLocal(at("2026-06-01T12:00Z")).size(), 1U);
  EXPECT_EQ(berlin.FromLocal(at("2026-03-29T02:30Z")).size(), 0U);
  const auto twice = berlin.FromLocal(at("2026-10-25T02:30Z"));
  ASSERT_EQ(twice.size(), 2U);
  EXPECT_LT(twice[0], twice[1]);
  EXPECT_EQ(FormatTime(twice[0], berlin), "2026-10-25T02:30:00+02:00");
}

TEST(ZonesTest, SummerTimeIsKnownFarAhead) {
  const TzdbZones zones;
  const Zone& new_york = **zones.Find("America/New_York");
  EXPECT_EQ(FormatTime(*ParseTimeUtc("2036-07-01"), new_york), "2036-06-30T20:00:00-04:00");
  EXPECT_EQ(FormatTime(*ParseTimeUtc("2060-07-01"), new_york), "2060-06-30T20:00:00-04:00");
  EXPECT_EQ(FormatTime(*ParseTimeUtc("2060-12-01"), new_york), "2060-11-30T19:00:00-05:00");
  const Zone& lord_howe = **zones.Find("Australia/Lord_Howe");
  EXPECT_EQ(FormatTime(*ParseTimeUtc("2099-01-01"), lord_howe), "2099-01-01T11:00:00+11:00");
}

TEST(TzifTest, WhatIsNoZoneFileIsAnErrorAndNoCrash) {
  std::ifstream file("/usr/share/zoneinfo/America/New_York", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_TRUE(ReadTzif(whole).ok());
  int refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size)
    refused += ReadTzif(std::string_view(whole).substr(0, size)).ok() ? 0 : 1;
  EXPECT_GT(refused, static_cast<int>(whole.size()) - 40);  // without its rule at the end a file is still one
  std::mt19937 random(3);
  for (int i = 0; i < 5'000; ++i) {
    std::string changed = whole;
    for (int change = 0; change < 3; ++change)
      changed[random() % changed.size()] = static_cast<char>(random());
    static_cast<void>(ReadTzif(changed).ok());
  }
}

TEST(ClockTest, BothClocksGoForward) {
  const SystemClock clock;
  const Now first = clock.now();
  const Now second = clock.now();
  EXPECT_LE(first.boot, second.boot);
  EXPECT_GT(first.wall, *ParseTimeUtc("2020-01-01"));
}

TEST(LogTest, ALineIsOneLineAndLowerLevelsAreDropped) {
  ::testing::internal::CaptureStderr();
  SpdlogSink sink(LogLevel::kInfo);
  sink.Log(LogLevel::kDebug, "hidden");
  sink.Log(LogLevel::kInfo, "Run started (run=12, note={}\n2001 forged)");
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("hidden"), std::string::npos);
  EXPECT_NE(written.find("Z info    Run started (run=12, note={}\\n2001 forged)\n"), std::string::npos)
      << written;
}

}  // namespace
}  // namespace millrace::platform
