#include "core/base/url_text.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(UrlText, WhatIsNoLetterDigitOrKeptIsEncodedByteByByte) {
  EXPECT_EQ(UrlEncoded("az-AZ_09.~"), "az-AZ_09.~");
  EXPECT_EQ(UrlEncoded("manual__2001-03-01T00:00:00+00:00"), "manual__2001-03-01T00%3A00%3A00%2B00%3A00");
  EXPECT_EQ(UrlEncoded("a b/\xc3\xa9"), "a%20b%2F%C3%A9");
  EXPECT_EQ(UrlEncoded("lake/a b", "/"), "lake/a%20b");
  EXPECT_EQ(UrlEncoded(std::string_view("\0\xff", 2)), "%00%FF");
}

}  // namespace
}  // namespace millrace
