#include "worker/readers/spellings.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "worker/readers/values.h"

namespace millrace::readers {
namespace {

template <typename T>
std::optional<T> Integer(const std::string& text) {
  const std::string padded = text + "99999999";  // what lies behind is not read as part of it
  T value = 0;
  return ReadInteger(padded.data(), text.size(), value) ? std::optional(value) : std::nullopt;
}

TEST(Spellings, IntegersOfEveryLengthAndTheirLimits) {
  std::uint64_t expected = 0;
  std::string text;
  for (int i = 1; i <= 19; ++i) {
    expected = expected * 10 + static_cast<std::uint64_t>(i % 10);
    text += static_cast<char>('0' + i % 10);
    EXPECT_EQ(Integer<std::uint64_t>(text), expected);
    EXPECT_EQ(Integer<std::int64_t>("-" + text), -static_cast<std::int64_t>(expected));
  }
  EXPECT_EQ(Integer<std::int64_t>("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(Integer<std::int64_t>("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(Integer<std::int64_t>("9223372036854775808"), std::nullopt);
  EXPECT_EQ(Integer<std::int8_t>("-128"), -128);
  EXPECT_EQ(Integer<std::int8_t>("128"), std::nullopt);
  EXPECT_EQ(Integer<std::uint8_t>("-1"), std::nullopt);
  EXPECT_EQ(Integer<std::uint8_t>("-0"), 0);
  for (const char* other : {"", "-", "+", "1.5", "1e3", " 1", "1 ", "0x10", "1_0", "--1", "1:", "/", "\xb1", "12345678a", "a2345678901"}) {
    EXPECT_EQ(Integer<std::int64_t>(other), std::nullopt) << other;
  }
}

TEST(Spellings, DatesAndTimestamps) {
  const auto date = [](const std::string& text) {
    std::int32_t days = 0;
    return ReadDate(text.data(), text.size(), days) ? std::optional(days) : std::nullopt;
  };
  EXPECT_EQ(date("1970-01-01"), 0);
  EXPECT_EQ(date("2000-02-29"), 11016);
  EXPECT_EQ(date("1969-12-31"), -1);
  EXPECT_EQ(date("0001-01-01"), -719162);
  EXPECT_EQ(date("9999-12-31"), 2932896);
  for (const char* other : {"1900-02-29", "2001-04-31", "2001-13-01", "2001-00-01", "2001-01-00", "2001-1-01", "2001/01/01", "x001-01-01"}) {
    EXPECT_EQ(date(other), std::nullopt) << other;
  }
  const auto timestamp = [](const std::string& text) {
    std::int64_t micros = 0;
    return ReadTimestamp(text.data(), text.size(), micros) ? std::optional(micros) : std::nullopt;
  };
  EXPECT_EQ(timestamp("1970-01-02"), 86'400'000'000);
  EXPECT_EQ(timestamp("1970-01-01 01:02:03"), 3'723'000'000);
  EXPECT_EQ(timestamp("1969-12-31T23:59:59.5"), -500'000);
  EXPECT_EQ(timestamp("1970-01-01 00:00:00.000012"), 12);
  for (const char* other : {"1970-01-01 24:00:00", "1970-01-01 00:00", "1970-01-01 00:00:00.", "1970-01-01 00:00:00.1234567",
                            "1970-01-01 00:00:00Z", "1970-01-01x00:00:00"}) {
    EXPECT_EQ(timestamp(other), std::nullopt) << other;
  }
}

TEST(Spellings, DecimalsAreRoundedHalfAwayFromZero) {
  const auto decimal = [](const std::string& text, int width, int scale) {
    __int128 value = 0;
    const std::string padded = text + "        ";
    return ReadDecimal(padded.data(), text.size(), width, scale, value) ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
  };
  EXPECT_EQ(decimal("12.345", 6, 2), 1235);
  EXPECT_EQ(decimal("-12.345", 6, 2), -1235);
  EXPECT_EQ(decimal("12.3449", 6, 2), 1234);
  EXPECT_EQ(decimal(".5", 6, 2), 50);
  EXPECT_EQ(decimal("5.", 6, 2), 500);
  EXPECT_EQ(decimal("1.5e1", 6, 2), 1500);
  EXPECT_EQ(decimal("5e-3", 6, 2), 1);
  EXPECT_EQ(decimal("9999.994", 6, 2), 999999);
  EXPECT_EQ(decimal("9999.995", 6, 2), std::nullopt);
  for (const char* other : {"", ".", "-", "1e", "1.2.3", "nan", "1,5"}) EXPECT_EQ(decimal(other, 6, 2), std::nullopt) << other;
}

TEST(Spellings, TypesThatAreReadHere) {
  EXPECT_EQ(ValueTypeOf("DECIMAL(18,2)")->kind, ValueKind::kDecimal64);
  EXPECT_EQ(ValueTypeOf("DECIMAL(18,2)")->scale, 2);
  EXPECT_EQ(ValueTypeOf("BIGINT")->kind, ValueKind::kInt64);
  for (const char* other : {"HUGEINT", "TIME", "TIMESTAMP WITH TIME ZONE", "JSON", "INTEGER[]", "DECIMAL(39,2)", "DECIMAL(2,3)", ""}) {
    EXPECT_FALSE(ValueTypeOf(other).has_value()) << other;
  }
}

TEST(Utf8, IsToldFromWhatIsNone) {
  for (const char* good : {"", "plain", "é€😀", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(IsUtf8(good)) << good;
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "12345678\xff",
                          "\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(Utf8, WhatIsNoneBecomesReadableAndIsCutBetweenCharacters) {
  EXPECT_EQ(Readable("caf\u00e9 \"1\""), "caf\u00e9 \"1\"");
  EXPECT_EQ(Readable("caf\xe9 1"), "caf\\xe9 1");
  EXPECT_EQ(Readable("a\u20acb", 3), "a");
  EXPECT_EQ(Readable("a\u20acb", 4), "a\u20ac");
  EXPECT_EQ(Readable("abc", 2), "ab");
  EXPECT_EQ(Readable("\x80\x80\x80\x80\x80", 4), "\\x80");
}

}  // namespace
}  // namespace millrace::readers
