#include "core/model/notification.h"

#include <gtest/gtest.h>

#include "core/model/codec.h"

namespace millrace {
namespace {

Notification Row(std::int64_t id) {
  Notification row;
  row.id = id;
  row.run = RunKey{7};
  row.dag_id = "daily";
  row.run_id = "manual__1";
  row.created_at = WallFromMicros(1'000'000);
  return row;
}

TEST(Notification, OneRowHasOneKeyWhateverBecomesOfIt) {
  Notification row = Row(3);
  const std::string key = IdempotencyKey(row);
  row.attempts = 4;
  row.state = NotificationState::kRunning;
  row.fence = {2, 9};
  row.reason = "refused";
  EXPECT_EQ(IdempotencyKey(row), key);
  EXPECT_EQ(key.size(), 36U);
  EXPECT_EQ(key[14], '8');
}

TEST(Notification, EveryRowHasAKeyOfItsOwnAlsoOnAnotherScheduler) {
  Notification other = Row(3);
  other.created_at += std::chrono::microseconds(1);
  EXPECT_NE(IdempotencyKey(Row(3)), IdempotencyKey(Row(4)));
  EXPECT_NE(IdempotencyKey(Row(3)), IdempotencyKey(other));
}

TEST(Notification, WordsAreReadBack) {
  for (int i = 0; i < kCallbackCauseCount; ++i) {
    const auto cause = static_cast<CallbackCause>(i);
    EXPECT_EQ(CallbackCauseFromString(ToString(cause)), cause);
  }
  for (const auto state :
       {NotificationState::kPending, NotificationState::kRunning, NotificationState::kDelivered,
        NotificationState::kFailed, NotificationState::kSuppressed}) {
    EXPECT_EQ(NotificationStateFromString(ToString(state)), state);
  }
  EXPECT_FALSE(CallbackCauseFromString("on_monday"));
}

TEST(Notification, ADeliveryIsReadBackFromItsText) {
  Delivery delivery;
  delivery.with = R"({"notify":"smtp","to":["a@example.com"]})";
  delivery.context = "{}";
  delivery.environment = {{"MILLRACE_V1", "it's"}, {"MILLRACE_DAG_ID", "daily"}};
  delivery.connections = {"mail"};
  delivery.files = {"tell.py"};
  delivery.dag_hash = "abc";
  delivery.timeout = std::chrono::seconds(5);
  const StatusOr<Delivery> read = DecodeDelivery(EncodeDelivery(delivery));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, delivery);
}

TEST(Notification, ADagKeepsItsCallbacksAndOneWithoutAnyIsWrittenAsBefore) {
  Dag dag;
  dag.id = "daily";
  dag.tasks.emplace_back().id = "extract";
  EXPECT_EQ(EncodeDag(dag).find("callbacks"), std::string::npos);
  dag.callbacks = {{CallbackCause::kRetry,
                    "notify",
                    Value(Value::Map{{"notify", "webhook"}}),
                    std::chrono::seconds(9),
                    {"hook"},
                    {},
                    {3, 5}}};
  dag.tasks[0].callbacks = {0};
  dag.run_callbacks = {0};
  dag.deadlines.emplace_back().callbacks = {0};
  const StatusOr<Dag> read = DecodeDag(EncodeDag(dag));
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->callbacks.size(), 1U);
  EXPECT_EQ(read->callbacks[0].on, CallbackCause::kRetry);
  EXPECT_EQ(read->callbacks[0].timeout, std::chrono::seconds(9));
  EXPECT_EQ(read->callbacks[0].connections, std::vector<std::string>{"hook"});
  EXPECT_EQ(read->tasks[0].callbacks, std::vector<std::int32_t>{0});
  EXPECT_EQ(read->run_callbacks, std::vector<std::int32_t>{0});
  EXPECT_EQ(read->deadlines[0].callbacks, std::vector<std::int32_t>{0});
}

}  // namespace
}  // namespace millrace
