#include "core/base/base64.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

// RFC 4648, section 10.
TEST(Base64Test, EncodesWhatTheStandardGivesAsExamples) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foo"), "Zm9v");
  EXPECT_EQ(Base64("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
}

TEST(Base64Test, BytesMayHaveAnyValue) {
  EXPECT_EQ(Base64(std::string_view("\x00\xff\xfe\x80", 4)), "AP/+gA==");
}

}  // namespace
}  // namespace millrace
