#include "dagctl/text_diff.h"

#include <gtest/gtest.h>

namespace millrace::dagctl {
namespace {

std::string Diff(std::string_view before, std::string_view after, int context = 1) {
  std::string text;
  for (const DiffLine& line : DiffTexts(before, after, context)) text += line.sign + line.text + "\n";
  return text;
}

TEST(TextDiff, the_same_text_has_no_difference) {
  EXPECT_EQ(Diff("a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(Diff("", ""), "");
}

TEST(TextDiff, lines_that_stay_frame_those_that_change) {
  EXPECT_EQ(Diff("a\nb\nc\nd\n", "a\nb\nx\nd\n"), "@from line 2 to line 2\n b\n-c\n+x\n d\n");
  EXPECT_EQ(Diff("a\n", "a\nb\n"), "@from line 1 to line 1\n a\n+b\n");
  EXPECT_EQ(Diff("a\nb\n", "b\n"), "@from line 1 to line 1\n-a\n b\n");
  EXPECT_EQ(Diff("", "a\n"), "@from line 1 to line 1\n+a\n");
}

TEST(TextDiff, changes_far_apart_are_two_hunks) {
  EXPECT_EQ(Diff("1\n2\n3\n4\n5\n6\n7\n", "x\n2\n3\n4\n5\n6\ny\n"),
            "@from line 1 to line 1\n-1\n+x\n 2\n@from line 6 to line 6\n 6\n-7\n+y\n");
}

TEST(TextDiff, what_both_have_in_another_order_is_kept_as_far_as_it_goes) {
  EXPECT_EQ(Diff("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", 9),
            "@from line 1 to line 1\n-a\n-b\n c\n-a\n b\n+a\n b\n a\n+c\n");
}

}  // namespace
}  // namespace millrace::dagctl
