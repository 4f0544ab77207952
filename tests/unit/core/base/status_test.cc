#include "core/base/status.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace millrace {
namespace {

StatusOr<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("not even: " + std::to_string(n));
  return n / 2;
}

StatusOr<int> Quarter(int n) {
  ASSIGN_OR_RETURN(int half, Half(n));
  return Half(half);
}

TEST(StatusTest, AValueComesThroughAssignOrReturn) { EXPECT_EQ(*Quarter(8), 2); }

TEST(StatusTest, AnErrorStopsTheCallerAndKeepsItsMessage) {
  EXPECT_EQ(Quarter(6).status(), InvalidArgument("not even: 3"));
  EXPECT_EQ(Quarter(6).status().ToString(), "INVALID_ARGUMENT: not even: 3");
}

TEST(StatusTest, ContextIsAddedToErrorsOnly) {
  EXPECT_EQ(NotFound("etl").WithContext("load").message(), "load: etl");
  EXPECT_TRUE(OkStatus().WithContext("load").ok());
}

TEST(StatusTest, AFullDiskIsToldFromOtherErrors) {
  EXPECT_EQ(ErrnoStatus(ENOSPC, "write").code(), Code::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus(EIO, "write").code(), Code::kInternal);
}

TEST(StatusDeathTest, AValueThatIsNotThereAborts) { EXPECT_DEATH((void)*Half(1), "check failed"); }

}  // namespace
}  // namespace millrace
