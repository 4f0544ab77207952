#include "core/calendar/cron.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace millrace {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::year;
using ::testing::HasSubstr;

Cron Parsed(std::string_view text) {
  StatusOr<Cron> cron = Cron::Parse(text);
  EXPECT_TRUE(cron.ok()) << cron.status().message();
  return std::move(cron).value();
}

LocalTime Local(int y, unsigned m, unsigned d, int hour = 0, int minute = 0) {
  return local_days(year(y) / static_cast<int>(m) / static_cast<int>(d)) + hours(hour) + minutes(minute);
}

std::string Error(std::string_view text) {
  const StatusOr<Cron> cron = Cron::Parse(text);
  return cron.ok() ? "accepted: " + std::string(text) : cron.status().message();
}

struct NextCase {
  const char* cron;
  LocalTime after;
  LocalTime next;
};

TEST(CronTest, NextFindsTheFirstMatchStrictlyAfter) {
  const NextCase cases[] = {
      {"* * * * *", Local(2001, 3, 1, 2, 0), Local(2001, 3, 1, 2, 1)},
      {"0 2 * * *", Local(2001, 3, 1, 2, 0), Local(2001, 3, 2, 2, 0)},
      {"0 2 * * *", Local(2001, 3, 1, 1, 59), Local(2001, 3, 1, 2, 0)},
      {"*/15 9-17 * * MON-FRI", Local(2026, 11, 20, 17, 45), Local(2026, 11, 23, 9, 0)},
      {"5/15 * * * *", Local(2026, 1, 1, 0, 5), Local(2026, 1, 1, 0, 20)},
      {"0 22-2 * * *", Local(2026, 1, 1, 2, 0), Local(2026, 1, 1, 22, 0)},
      {"0 0 L * *", Local(2024, 2, 1), Local(2024, 2, 29)},
      {"0 0 15,L * *", Local(2023, 2, 15), Local(2023, 2, 28)},
      {"0 0 15W * *", Local(2026, 8, 1), Local(2026, 8, 14)},  // the 15th is a Saturday
      {"0 0 1W * *", Local(2026, 8, 1), Local(2026, 8, 3)},    // the 1st is a Saturday: not into July
      {"0 0 31W * *", Local(2026, 5, 1), Local(2026, 5, 29)},  // the 31st is a Sunday: not into June
      {"0 0 LW * *", Local(2026, 5, 1), Local(2026, 5, 29)},
      {"0 0 ? * MON#1", Local(2026, 11, 20), Local(2026, 12, 7)},
      {"0 0 * * L5", Local(2026, 11, 20), Local(2026, 11, 27)},
      {"0 0 * * 5L", Local(2026, 11, 20), Local(2026, 11, 27)},
      {"0 0 * * FRIL", Local(2026, 11, 27), Local(2026, 12, 25)},
      {"0 0 13 * FRI", Local(2026, 11, 7), Local(2026, 11, 13)},  // OR: also the 20th
      {"0 0 13 * FRI", Local(2026, 11, 13), Local(2026, 11, 20)},
      {"0 0 29 2 *", Local(2096, 3, 1), Local(2104, 2, 29)},  // 2100 is no leap year
      {"0 0 * NOV-FEB *", Local(2026, 2, 28), Local(2026, 11, 1)},
      {"0 0 * * 7", Local(2026, 11, 20), Local(2026, 11, 22)},
      {"@quarterly", Local(2026, 11, 20), Local(2027, 1, 1)},
      {"@Midnight", Local(2026, 11, 20, 5), Local(2026, 11, 21)},
  };
  for (const NextCase& c : cases) EXPECT_EQ(Parsed(c.cron).Next(c.after), c.next) << c.cron;
}

TEST(CronTest, SecondsWithinAMinuteDoNotMatter) {
  const Cron cron = Parsed("0 2 * * *");
  EXPECT_EQ(cron.Next(Local(2001, 3, 1, 1, 59) + std::chrono::seconds(59)), Local(2001, 3, 1, 2, 0));
  EXPECT_EQ(cron.Previous(Local(2001, 3, 1, 2, 0) + Duration(1)), Local(2001, 3, 1, 2, 0));
  EXPECT_EQ(cron.Previous(Local(2001, 3, 1, 2, 0)), Local(2001, 2, 28, 2, 0));
}

TEST(CronTest, PresetsAreTheirCrons) {
  const std::pair<const char*, const char*> pairs[] = {
      {"@hourly", "0 * * * *"},           {"@daily", "0 0 * * *"},
      {"@weekly", "0 0 * * 0"},           {"@monthly", "0 0 1 * *"},
      {"@quarterly", "0 0 1 1,4,7,10 *"}, {"@yearly", "0 0 1 JAN *"},
      {"@annually", "0 0 1 1 ?"}};
  for (const auto& [preset, cron] : pairs) {
    LocalTime a = Local(2026, 2, 3);
    LocalTime b = a;
    for (int i = 0; i < 50; ++i) {
      a = Parsed(preset).Next(a);
      b = Parsed(cron).Next(b);
      ASSERT_EQ(a, b) << preset;
    }
  }
}

TEST(CronTest, ErrorsNameFieldTextAndWhatIsAllowed) {
  EXPECT_EQ(Error("61 * * * *"),
            "cron '61 * * * *': minute '61' is out of range; allowed: 0-59, *, lists (0,30), ranges (10-20), "
            "steps (*/15)");
  EXPECT_THAT(Error("0 24 * * *"), HasSubstr("hour '24' is out of range"));
  EXPECT_THAT(Error("0 0 0 * *"), HasSubstr("day of month '0' is out of range"));
  EXPECT_THAT(Error("0 0 * 13 *"), HasSubstr("month '13' is out of range"));
  EXPECT_THAT(Error("0 0 * * 8"), HasSubstr("day of week '8' is out of range"));
  EXPECT_THAT(Error("0 0 * * MOON"), HasSubstr("day of week 'moon' is not understood"));
  EXPECT_THAT(Error("*/0 * * * *"), HasSubstr("'*/0' needs a step of at least 1"));
  EXPECT_THAT(Error("1,,2 * * * *"), HasSubstr("has an empty entry"));
  EXPECT_THAT(Error("-5 * * * *"), HasSubstr("is not understood"));
  EXPECT_THAT(Error("5- * * * *"), HasSubstr("is not understood"));
  EXPECT_THAT(Error("1-2-3 * * * *"), HasSubstr("is not understood"));
  EXPECT_THAT(Error("? * * * *"), HasSubstr("is not understood"));
  EXPECT_THAT(Error("0 0 ?,1 * *"), HasSubstr("uses ? together"));
  EXPECT_THAT(Error("H * * * *"), HasSubstr("hashed"));
  EXPECT_THAT(Error("0 0 15W,3 * *"), HasSubstr("must stand alone"));
  EXPECT_THAT(Error("0 0 32W * *"), HasSubstr("from 1 to 31"));
  EXPECT_THAT(Error("0 0 * * MON#6"), HasSubstr("from 1 to 5"));
  EXPECT_THAT(Error("0 0 * * L"), HasSubstr("5L is the last Friday"));
  EXPECT_THAT(Error("0 0 * * MON#1,FRI"), HasSubstr("mixes"));
  EXPECT_THAT(Error("0 9-9 * * *"), HasSubstr("range of one"));
  EXPECT_THAT(Error("99999999999999999999 * * * *"), HasSubstr("is not understood"));
}

TEST(CronTest, OtherThanFiveFieldsIsRefused) {
  EXPECT_THAT(Error(""), HasSubstr("0 fields"));
  EXPECT_THAT(Error("0 2 * *"), HasSubstr("4 fields"));
  EXPECT_THAT(Error("0 0 2 * * *"), HasSubstr("seconds and years are not supported"));
  EXPECT_THAT(Error("0 0 2 * * * 2026"), HasSubstr("seconds and years are not supported"));
  EXPECT_THAT(Error("@fortnightly"), HasSubstr("unknown schedule '@fortnightly'; allowed: @hourly"));
}

TEST(CronTest, AnExpressionThatNeverFiresIsRefusedWithItsReason) {
  EXPECT_EQ(Error("0 0 31 2 *"), "cron '0 0 31 2 *' never fires: no date has day of month '31' in month '2'");
  EXPECT_THAT(Error("0 0 30,31 FEB *"), HasSubstr("never fires"));
  EXPECT_THAT(Error("0 0 31 4,6,9,11 *"), HasSubstr("never fires"));
  EXPECT_THAT(Error("0 0 15W * MON#1"), HasSubstr("and day of week 'mon#1'"));
  EXPECT_THAT(Error("0 0 31 2 MON"), HasSubstr("accepted"));  // OR: Mondays
}

TEST(CronTest, CoversEveryHourSeesListsToo) {
  EXPECT_TRUE(Parsed("0 * * * *").covers_every_hour());
  EXPECT_TRUE(Parsed("0 0-23 * * *").covers_every_hour());
  EXPECT_TRUE(Parsed("0 */1 * * *").covers_every_hour());
  EXPECT_FALSE(Parsed("0 */2 * * *").covers_every_hour());
  EXPECT_FALSE(Parsed("0 1-23 * * *").covers_every_hour());
}

// Bytes that strangers may send: an error or a cron whose Next and Previous agree with Matches, never more.
TEST(CronTest, RandomTextEitherFailsOrKeepsItsPromises) {
  std::mt19937 random(7);
  const std::string_view alphabet = "0123456789*,-/LW#? jfmasondetuhri@";
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (int field = 0; field < 5; ++field) {
      if (field != 0) text += ' ';
      if (random() % 2 == 0) {
        text += '*';
        continue;
      }
      const int length = 1 + static_cast<int>(random() % 4);
      for (int c = 0; c < length; ++c) text += random() % 2 == 0 ? '2' : alphabet[random() % alphabet.size()];
    }
    const StatusOr<Cron> cron = Cron::Parse(text);
    if (!cron.ok()) continue;
    ++accepted;
    const LocalTime from = Local(2026, 1, 1) + minutes(random() % 1'000'000);
    const LocalTime next = cron->Next(from);
    ASSERT_GT(next, from) << text;
    ASSERT_TRUE(cron->Matches(next)) << text;
    ASSERT_EQ(cron->Previous(next + minutes(1)), next) << text;
    ASSERT_LE(cron->Previous(next), from) << text;
  }
  EXPECT_GT(accepted, 1'000);
}

TEST(CronTest, TimesFarOutsideTheCalendarAreClamped) {
  const Cron cron = Parsed("0 2 * * *");
  EXPECT_EQ(cron.Next(LocalTime::min()), Local(1, 1, 1, 2));
  EXPECT_GT(cron.Previous(LocalTime::max()), Local(9999, 12, 30));
}

}  // namespace
}  // namespace millrace
