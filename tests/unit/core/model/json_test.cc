#include "core/model/json.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(JsonTest, TextComesBackAsItWas) {
  const std::string text = R"({"b":1,"a":[true,null,-2.5,"é\n"],"c":{}})";
  StatusOr<Value> value = ParseJson(text);
  ASSERT_TRUE(value.ok()) << value.status().message();
  EXPECT_EQ(ToJson(*value), text);
}

TEST(JsonTest, ADeepDocumentIsRefusedAndDoesNotCrash) {
  const std::string deep(100000, '[');
  EXPECT_EQ(ParseJson(deep).status().code(), Code::kInvalidArgument);
  EXPECT_NE(ParseJson(deep).status().message().find("64 levels"), std::string::npos);
}

TEST(JsonTest, ADuplicateKeyIsNamed) {
  EXPECT_EQ(ParseJson(R"({"a":1,"a":2})").status().message(), "duplicate key: a");
}

TEST(JsonTest, BrokenTextSaysAtWhichByte) {
  EXPECT_NE(ParseJson(R"({"a":)").status().message().find("byte 6"), std::string::npos)
      << ParseJson(R"({"a":)").status().message();
}

TEST(JsonTest, AnIntegerBeyondSixtyFourBitsBecomesANumber) {
  EXPECT_TRUE(ParseJson("18446744073709551615")->is_double());
  EXPECT_EQ(ParseJson("9223372036854775807")->as_int(), 9223372036854775807LL);
}

}  // namespace
}  // namespace millrace
