#include "core/model/state_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;

TEST(StateStore, AKeyHasABoundAndNoControlCharacters) {
  EXPECT_TRUE(CheckStateKey("s3://bucket/part 1").ok());
  EXPECT_TRUE(CheckStateKey(std::string(512, 'k')).ok());
  for (const std::string& bad : {std::string(), std::string(513, 'k'), std::string("a\nb"), std::string("a\0b", 3)})
    EXPECT_EQ(CheckStateKey(bad).code(), Code::kInvalidArgument) << bad;
}

TEST(StateStore, AValueIsJsonOfABoundedSizeAndNotNull) {
  for (const char* good : {"0", "false", "\"\"", "[]", "{}", "12345678901234567890"})
    EXPECT_TRUE(CheckStateValue(good).ok()) << good;
  EXPECT_THAT(CheckStateValue("null").message(), HasSubstr("delete the key"));
  EXPECT_THAT(CheckStateValue("{").message(), HasSubstr("not JSON"));
  EXPECT_THAT(CheckStateValue("NaN").message(), HasSubstr("not JSON"));
  EXPECT_TRUE(CheckStateValue("\"" + std::string(65'533, 'x') + "\"").ok());
  EXPECT_THAT(CheckStateValue("\"" + std::string(65'534, 'x') + "\"").message(), HasSubstr("at most 65535"));
}

TEST(StateStore, ARequestSaysWhatItNeedsAndNoMore) {
  StateRequest clear;
  clear.op = StateOp::kClear;
  EXPECT_TRUE(CheckStateRequest(clear).ok()) << "it has no key";
  StateRequest set{.op = StateOp::kSet, .dataset = "", .key = "k", .json = "1"};
  EXPECT_TRUE(CheckStateRequest(set).ok());
  set.retention = kForEver;
  EXPECT_TRUE(CheckStateRequest(set).ok());
  set.retention = Duration(-2);
  EXPECT_FALSE(CheckStateRequest(set).ok());
  set.retention = std::chrono::hours(24 * 365 * 200);
  EXPECT_FALSE(CheckStateRequest(set).ok());
  set.retention = std::chrono::hours(1);
  set.dataset = "orders";
  EXPECT_THAT(CheckStateRequest(set).message(), HasSubstr("until it is deleted"));
}

}  // namespace
}  // namespace millrace
