#include "worker/tasks/mask.h"

#include <gtest/gtest.h>

namespace millrace::tasks {
namespace {

TEST(MaskTest, ASecretIsHiddenWhereverTheTextIsCut) {
  const std::string text = "connecting as hunter2secret, then hunt and hunter2secret";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); second += 5) {
      Mask mask({"hunter2secret"});
      std::string shown = mask.Feed(text.substr(0, first));
      shown += mask.Feed(text.substr(first, second - first));
      shown += mask.Feed(text.substr(second));
      shown += mask.Finish();
      ASSERT_EQ(shown, "connecting as ***, then hunt and ***") << first << " " << second;
    }
  }
}

TEST(MaskTest, TextThatBeginsNoSecretIsNotHeldBack) {
  Mask mask({"hunter2"});
  EXPECT_EQ(mask.Feed("a line\n"), "a line\n");
  EXPECT_EQ(mask.Feed("ends in hun"), "ends in ");
  EXPECT_EQ(mask.Feed("gry\n"), "hungry\n");
}

TEST(MaskTest, WhatBeginsASecretButEndsIsShownAtTheEnd) {
  Mask mask({"hunter2"});
  EXPECT_EQ(mask.Feed("hunter"), "");
  EXPECT_EQ(mask.Finish(), "hunter");
}

TEST(MaskTest, PasswordsOfUrisAreSecretsAsWrittenAndAsMeant) {
  const Mask mask(SecretsOf("postgresql://ana:p%40ss%2Fword@db:5432/flights?sslpassword=also-this&mode=x"));
  EXPECT_EQ(mask.Apply("p%40ss%2Fword p@ss/word also-this mode=x db:5432"), "*** *** *** mode=x db:5432");
  EXPECT_EQ(mask.Apply("postgresql://ana:p%40ss%2Fword@db:5432/flights?sslpassword=also-this&mode=x"), "***");
}

TEST(MaskTest, AFileIsNoSecret) {
  EXPECT_EQ(Mask(SecretsOf("duckdb:///data/warehouse.duckdb")).Apply("wrote /data/warehouse.duckdb"),
            "wrote /data/warehouse.duckdb");
}

}  // namespace
}  // namespace millrace::tasks
