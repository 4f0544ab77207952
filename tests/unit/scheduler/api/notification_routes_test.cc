#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

class NotificationRoutesTest : public ApiTest {
 protected:
  NotificationRoutesTest() {
    Notification row;
    row.id = 7;
    row.run = RunKey{2};
    row.index = 0;
    row.dag_id = "daily_flights";
    row.run_id = "manual__2";
    row.task_id = "extract";
    row.target = "webhook by alerts";
    row.kind = "notify";
    row.state = NotificationState::kFailed;
    row.attempts = 10;
    row.reason = "refused";
    row.delivery.with = R"({"notify":"webhook","body":{"a":1}})";
    rows_.notifications.push_back(row);
    row.id = 8;
    row.state = NotificationState::kDelivered;
    row.dag_id = "other";
    rows_.notifications.push_back(row);
  }
  Answered Get(const std::string& path) { return Ask("GET", path, Token("viewer")); }
};

TEST_F(NotificationRoutesTest, TheOutboxIsListedNewestFirstAndByStateAndDag) {
  Start();
  const Answered all = Get("/millrace/v1/notifications");
  ASSERT_EQ(all.status, 200) << all.text;
  EXPECT_EQ(all.At("total_entries"), Value(2));
  EXPECT_EQ(all.At("notifications.0.id"), Value(8));
  EXPECT_EQ(all.At("notifications.1.event"), Value("on_failure"));
  EXPECT_EQ(all.At("notifications.1.message"), Value());
  EXPECT_EQ(Get("/millrace/v1/notifications?state=failed").At("notifications.0.reason"), Value("refused"));
  EXPECT_EQ(Get("/millrace/v1/notifications?dag_id=other").Count("notifications"), 1U);
  EXPECT_EQ(Get("/millrace/v1/notifications?state=lost").status, 422);
  EXPECT_EQ(Get("/millrace/v1/notifications?dag_run_id=manual__2").status, 422);
}

TEST_F(NotificationRoutesTest, OneShowsItsMessage) {
  Start();
  const Answered one = Get("/millrace/v1/notifications/7");
  ASSERT_EQ(one.status, 200) << one.text;
  EXPECT_EQ(one.At("message.body.a"), Value(1));
  EXPECT_EQ(Get("/millrace/v1/notifications/9").status, 404);
  EXPECT_EQ(Get("/millrace/v1/notifications/x").status, 404);
}

TEST_F(NotificationRoutesTest, OneIsTriedAgainByThoseWhoMayChangeRuns) {
  Start();
  EXPECT_EQ(Ask("POST", "/millrace/v1/notifications/7/retry", Token("viewer")).status, 403);
  inbox_.answer = [](const Command&) -> CommandReply { return CommandResult{}; };
  const Answered done = Ask("POST", "/millrace/v1/notifications/7/retry", Token("user"));
  ASSERT_EQ(done.status, 200) << done.text;
  bool sent = false;
  for (const Command& command : inbox_.commands()) {
    if (const auto* retry = std::get_if<RetryNotification>(&command)) {
      sent = true;
      EXPECT_EQ(retry->row.id, 7);
      EXPECT_EQ(retry->row.delivery.with, R"({"notify":"webhook","body":{"a":1}})");
    }
  }
  EXPECT_TRUE(sent);
}

}  // namespace
}  // namespace millrace::api
