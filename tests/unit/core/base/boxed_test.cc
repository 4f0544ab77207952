#include "core/base/boxed.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(Boxed, OneThatHoldsNothingIsAsLargeAsAPointer) {
  struct Large {
    char bytes[1000] = {};
  };
  EXPECT_EQ(sizeof(Boxed<Large>), sizeof(void*));
  EXPECT_FALSE(Boxed<Large>().has_value());
}

TEST(Boxed, ACopyIsAValueOfItsOwn) {
  Boxed<std::string> first(std::string("one"));
  Boxed<std::string> second = first;
  *second += " and more";
  EXPECT_EQ(*first, "one");
  EXPECT_EQ(*second, "one and more");
  first = second;
  second.reset();
  EXPECT_EQ(*first, "one and more");
  EXPECT_FALSE(second);
}

TEST(Boxed, AnOptionalBecomesOneWithWhatItHolds) {
  Boxed<int> number = std::optional<int>(7);
  EXPECT_EQ(*number, 7);
  number = std::optional<int>();
  EXPECT_FALSE(number.has_value());
  number.emplace(8);
  number = std::nullopt;
  EXPECT_FALSE(number.has_value());
}

TEST(Boxed, AssigningOneToItselfChangesNothing) {
  Boxed<std::string> text(std::string("kept"));
  const Boxed<std::string>& same = text;
  text = same;
  EXPECT_EQ(*text, "kept");
}

}  // namespace
}  // namespace millrace
