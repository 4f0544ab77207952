#include "scheduler/engine/outlet_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Task Loader() {
  Task task;
  task.id = "load";
  task.outlets = {"orders", "users"};
  task.outlet_aliases = {"files", "others"};
  return task;
}

// "dataset extra alias,alias" of each.
std::vector<std::string> Told(const Task& task, const std::string& result,
                              const std::vector<XComValue>& xcoms = {}) {
  const StatusOr<std::vector<OutletEvent>> events = OutletEventsOf(task, result, xcoms);
  if (!events.ok()) return {events.status().message()};
  std::vector<std::string> told;
  for (const OutletEvent& event : *events) {
    std::string text = event.dataset.name + " " + event.extra;
    for (const std::string& alias : event.aliases) text += " " + alias;
    for (const std::string& key : event.partition_keys) text += " @" + key;
    told.push_back(std::move(text));
  }
  return told;
}

std::string Refused(const std::string& said) { return Told(Loader(), "", {{kOutletEvents, said}}).at(0); }

TEST(OutletEvents, WithoutAWordOfTheTaskEachOutletHasOneAndAliasesHaveNone) {
  EXPECT_THAT(Told(Loader(), ""), ElementsAre("orders {}", "users {}"));
  EXPECT_THAT(Told(Loader(), R"("outlet_events")"), ElementsAre("orders {}", "users {}"));
  EXPECT_THAT(Told(Task(), R"({"outlet_events": 7})"), ElementsAre())
      << "it has no outlets: its result is its own";
}

TEST(OutletEvents, WhatIsReturnedOrPushedGivesThemTheirExtra) {
  EXPECT_THAT(Told(Loader(), R"({"rows": 1, "outlet_events": {"users": {"extra": {"rows": 3}}}})"),
              ElementsAre("orders {}", R"(users {"rows":3})"));
  EXPECT_THAT(
      Told(Loader(), "7", {{kOutletEvents, R"({"orders": {"extra": null}, "users": {"extra": {"a": 1}}})"}}),
      ElementsAre("orders {}", R"(users {"a":1})"));
}

TEST(OutletEvents, AnAliasStandsForWhatTheTaskNames) {
  EXPECT_THAT(Told(Loader(), R"({"outlet_events": {"files": "f1", "others": {"dataset": "f2"}}})"),
              ElementsAre("orders {}", "users {}", "f1 {} files", "f2 {} others"));
  const StatusOr<std::vector<OutletEvent>> events = OutletEventsOf(
      Loader(), "",
      {{kOutletEvents,
        R"({"files": {"dataset": {"uri": "s3://f", "group": "raw", "extra": {"n": 1}}, "extra": {"m": 2}}})"}});
  ASSERT_TRUE(events.ok()) << events.status().ToString();
  const OutletEvent& file = events->back();
  EXPECT_EQ(file.dataset.name, "s3://f");
  EXPECT_EQ(file.dataset.group, "raw");
  EXPECT_EQ(*file.dataset.extra.Find("n"), Value(1));
  EXPECT_EQ(file.extra, R"({"m":2})");
}

TEST(OutletEvents, WhatIsAttachedAlikeIsOneAndWithAnotherExtraAnother) {
  EXPECT_THAT(
      Told(
          Loader(),
          R"({"outlet_events": {"files": ["f", "f", {"dataset": "f", "extra": {"n": 1}}], "others": ["f"]}})"),
      ElementsAre("orders {}", "users {}", "f {} files others", R"(f {"n":1} files)"));
  EXPECT_THAT(Told(Loader(), R"({"outlet_events": {"files": ["orders"]}})"),
              ElementsAre("orders {}", "users {}", "orders {} files"));
}

TEST(OutletEvents, ATaskTellsOfWhichPartitionsTheyAre) {
  EXPECT_THAT(Told(Loader(), R"({"outlet_events": {"users": {"partition_keys": ["eu", "us", "eu"], "extra": {"n": 1}}}})"),
              ElementsAre("orders {}", R"(users {"n":1} @eu @us)"));
  EXPECT_THAT(Told(Loader(), R"({"outlet_events": {"users": {"partition_keys": "eu"}, "orders": {"partition_keys": []}}})"),
              ElementsAre("orders {}", "users {} @eu"));
  EXPECT_THAT(Told(Loader(), R"({"outlet_events": {"files": [{"dataset": "f", "partition_keys": ["eu"]}, "f"]}})"),
              ElementsAre("orders {}", "users {}", "f {} files @eu", "f {} files"));
  EXPECT_THAT(Refused(R"({"orders": {"partition_keys": ["eu", 7]}})"),
              HasSubstr("outlet_events: 'orders': 'partition_keys' must be texts of 1 to 250 bytes without control characters, not 7"));
  EXPECT_THAT(Refused(R"({"orders": {"partition_keys": [""]}})"), HasSubstr("not \"\""));
  EXPECT_THAT(Refused(R"({"orders": {"partition_keys": {"eu": 1}}})"), HasSubstr("must be texts"));
  EXPECT_THAT(Refused(R"({"files": [{"dataset": "f", "partition_keys": ["a\nb"]}]})"), HasSubstr("must be texts"));
  std::string many = "\"0\"";
  for (int i = 1; i <= 1000; ++i) many += ",\"" + std::to_string(i) + "\"";
  EXPECT_THAT(Refused(R"({"orders": {"partition_keys": [)" + many + "]}}"), HasSubstr("has 1001 keys; at most 1000 are allowed"));
}

TEST(OutletEvents, WhatDoesNotFitIsRefusedWithItsPlace) {
  EXPECT_EQ(Refused("[1]"), "outlet_events must be an object by outlet, not a list");
  EXPECT_EQ(Refused(R"({"orderz": {}})"),
            "outlet_events: 'orderz' is none of the task's outlets, which are orders, users, files, others");
  EXPECT_EQ(Told(Task(), "", {{kOutletEvents, R"({"a": {}})"}}).at(0),
            "outlet_events: 'a' is none of the task's outlets; it has none");
  EXPECT_EQ(Refused(R"({"orders": [1]})"), "outlet_events: 'orders' must be an object with 'extra' or 'partition_keys'");
  EXPECT_EQ(Refused(R"({"orders": {"rows": 1}})"), "outlet_events: 'orders': it has 'rows'; known are extra, partition_keys");
  EXPECT_EQ(Refused(R"({"orders": {"extra": 1}})"),
            "outlet_events: 'orders': 'extra' must be an object, not a integer");
  EXPECT_EQ(Refused(R"({"files": [{"extra": {}}]})"), "outlet_events: 'files': 'dataset' is missing");
  EXPECT_THAT(Refused(R"({"files": [""]})"), HasSubstr("'dataset' must be a name of printable ASCII"));
  EXPECT_THAT(Refused(R"({"files": [{"dataset": {"title": "x"}}]})"), HasSubstr("'dataset': it has 'title'"));
}

}  // namespace
}  // namespace millrace::engine
