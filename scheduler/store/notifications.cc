#include "scheduler/store/notifications.h"

#include "core/model/codec.h"
#include "scheduler/store/listing.h"

namespace millrace::store {
namespace {

class Notifications final : public NotificationReader {
 public:
  explicit Notifications(ReadPool& pool) : pool_(pool) {}

  StatusOr<Notification> GetNotification(std::int64_t id) override {
    return pool_.Read<Notification>([&](Database& database) {
      Query query(std::string("SELECT ") + kNotificationColumns + " FROM notification");
      query.Where("id = ?").Add(id);
      return One<Notification>(database, query, "Notification not found: " + std::to_string(id),
                               ReadNotification);
    });
  }

  StatusOr<Listing<Notification>> ListNotifications(const NotificationFilter& filter) override {
    return pool_.Read<Listing<Notification>>([&](Database& database) {
      const auto conditions = [&filter](Query& query) {
        if (filter.run) query.Where("run = ?").Add(ToInt(*filter.run));
        if (!filter.dag_id.empty()) query.Where("dag_id = ?").Add(filter.dag_id);
        if (!filter.task_id.empty()) query.Where("task_id = ?").Add(filter.task_id);
        AddTeams(query, filter.teams);
        // Written out, so that the partial indexes are found.
        if (filter.state) query.Where("state = " + std::to_string(static_cast<int>(*filter.state)));
      };
      return ListPage<Notification>(database, kNotificationColumns, "notification", conditions,
                                    filter.descending ? "id DESC" : "id", filter.page, ReadNotification);
    });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

const char* const kUpsertNotification =
    "INSERT INTO notification VALUES "
    "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,"
    "?23) ON CONFLICT (id) DO UPDATE SET state = ?12, attempts = ?13, due_at = ?15, ended_at = ?16, reason = "
    "?17, "
    "count = ?18, term = ?19, counter = ?20, session = ?21, worker = ?22";

void BindNotification(Statement& statement, const Notification& row) {
  statement.Bind(1, row.id);
  statement.Bind(2, ToInt(row.run));
  statement.Bind(3, std::int64_t{row.index});
  statement.Bind(4, static_cast<std::int64_t>(row.cause));
  statement.Bind(5, row.dag_id);
  statement.Bind(6, row.run_id);
  statement.Bind(7, row.task_id);
  statement.Bind(8, std::int64_t{row.map_index});
  statement.Bind(9, std::int64_t{row.try_number});
  statement.Bind(10, row.kind);
  statement.Bind(11, row.target);
  statement.Bind(12, static_cast<std::int64_t>(row.state));
  statement.Bind(13, std::int64_t{row.attempts});
  statement.Bind(14, ToMicros(row.created_at));
  statement.Bind(15, row.due_at);
  statement.Bind(16, row.ended_at);
  statement.Bind(17, row.reason);
  statement.Bind(18, std::int64_t{row.count});
  statement.Bind(19, std::int64_t{row.fence.term});
  statement.Bind(20, static_cast<std::int64_t>(row.fence.counter));
  statement.Bind(21, static_cast<std::int64_t>(ToInt(row.session)));
  statement.Bind(22, row.worker);
  statement.Bind(23, EncodeDelivery(row.delivery));
}

StatusOr<Notification> ReadNotification(const Statement& row) {
  Notification read;
  const auto number = [&row](int column) { return static_cast<std::int32_t>(row.Int(column)); };
  read.id = row.Int(0);
  read.run = RunKey{row.Int(1)};
  read.index = number(2);
  read.cause = static_cast<CallbackCause>(row.Int(3));
  read.dag_id = row.Text(4);
  read.run_id = row.Text(5);
  read.task_id = row.Text(6);
  read.map_index = number(7);
  read.try_number = number(8);
  read.kind = row.Text(9);
  read.target = row.Text(10);
  read.state = static_cast<NotificationState>(row.Int(11));
  read.attempts = number(12);
  read.created_at = WallFromMicros(row.Int(13));
  read.due_at = row.Time(14);
  read.ended_at = row.Time(15);
  read.reason = row.Text(16);
  read.count = number(17);
  read.fence = {static_cast<std::uint32_t>(row.Int(18)), static_cast<std::uint64_t>(row.Int(19))};
  read.session = SessionId{static_cast<std::uint64_t>(row.Int(20))};
  read.worker = row.Text(21);
  ASSIGN_OR_RETURN(read.delivery, DecodeDelivery(row.Text(22)));
  return read;
}

std::unique_ptr<NotificationReader> MakeNotificationReader(ReadPool& pool) {
  return std::make_unique<Notifications>(pool);
}

}  // namespace millrace::store
