// The outbox in the real store: read by the API, and in a store that an older program has written.
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

class NotificationsTest : public StoreTest {
 protected:
  void CommitRows(std::vector<Notification> rows) {
    Batch batch;
    batch.notifications = std::move(rows);
    Commit(std::move(batch));
  }
  static Notification Row(std::int64_t id, const std::string& dag_id, NotificationState state) {
    Notification row;
    row.id = id;
    row.run = RunKey{id};
    row.dag_id = dag_id;
    row.run_id = "r";
    row.task_id = "t";
    row.state = state;
    row.delivery.with = "{}";
    return row;
  }
};

TEST_F(NotificationsTest, TheyAreReadByStateDagTaskAndRunNewestFirst) {
  Open();
  CommitRows({Row(1, "a", NotificationState::kDelivered), Row(2, "a", NotificationState::kFailed),
              Row(3, "b", NotificationState::kFailed)});
  NotificationReader& reader = readers_->notifications();
  EXPECT_EQ(reader.GetNotification(2).value(), Row(2, "a", NotificationState::kFailed));
  EXPECT_EQ(reader.GetNotification(9).status().code(), Code::kNotFound);
  EXPECT_EQ(reader.ListNotifications({})->rows.front().id, 3);
  EXPECT_EQ(reader.ListNotifications({.dag_id = "a"})->total, 2);
  EXPECT_EQ(
      reader.ListNotifications({.state = NotificationState::kFailed, .descending = false})->rows.front().id,
      2);
  EXPECT_EQ(reader.ListNotifications({.run = RunKey{1}})->total, 1);
  EXPECT_EQ(reader.ListNotifications({.task_id = "u"})->total, 0);
}

TEST_F(NotificationsTest, AStoreOfAProgramThatHadNoOutboxGetsOne) {
  LeaveOlder(7);
  Open();
  EXPECT_EQ(image_.next_notification, 1);
  CommitRows({Row(1, "a", NotificationState::kPending)});
  Open();
  EXPECT_EQ(image_.notifications.size(), 1U);
  EXPECT_EQ(image_.next_notification, 2);
}

}  // namespace
}  // namespace millrace::store
