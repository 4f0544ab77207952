// The outbox in the real store: read by the API, and in a store that an older program has written.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "platform/clock.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/sqlite.h"
#include "scheduler/store/sqlite_readers.h"
#include "scheduler/store/sqlite_store.h"

namespace millrace::store {
namespace {

class Silent : public LogSink {
 public:
  void Log(LogLevel, std::string_view) override {}
};

class NotificationsTest : public testing::Test {
 protected:
  NotificationsTest() {
    std::string pattern = testing::TempDir() + "millrace-outbox-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~NotificationsTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    StatusOr<std::unique_ptr<Store>> opened = OpenSqliteStore(folder_, log_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(opened).value();
    image_ = store_->Load().value();
  }
  void Commit(std::vector<Notification> rows) {
    Batch batch;
    batch.term = image_.term;
    batch.sequence = ++image_.sequence;
    batch.notifications = std::move(rows);
    std::promise<CommitResult> done;
    store_->Commit(std::make_shared<const Batch>(std::move(batch)),
                   [&](CommitResult result) { done.set_value(std::move(result)); });
    ASSERT_EQ(done.get_future().get().outcome, CommitOutcome::kDurable);
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

  Silent log_;
  platform::SystemClock clock_;
  std::string folder_;
  std::unique_ptr<Store> store_;
  Image image_;
};

TEST_F(NotificationsTest, TheyAreReadByStateDagTaskAndRunNewestFirst) {
  Open();
  Commit({Row(1, "a", NotificationState::kDelivered), Row(2, "a", NotificationState::kFailed),
          Row(3, "b", NotificationState::kFailed)});
  const auto readers = SqliteReaders::Open(folder_, clock_).value();
  NotificationReader& reader = readers->notifications();
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
  {
    const auto database = Database::Open(DatabasePath(folder_), Database::Mode::kReadWrite).value();
    ASSERT_TRUE(MakeOlder(*database, 7).ok());
  }
  Open();
  EXPECT_EQ(image_.next_notification, 1);
  Commit({Row(1, "a", NotificationState::kPending)});
  store_.reset();
  Open();
  EXPECT_EQ(image_.notifications.size(), 1U);
  EXPECT_EQ(image_.next_notification, 2);
}

}  // namespace
}  // namespace millrace::store
