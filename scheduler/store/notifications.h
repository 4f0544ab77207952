// The outbox's table: its columns, rows in and out, and the reader. Used by the store's thread (Bind) and by
// readers on any thread.
#pragma once

#include <memory>

#include "core/model/notification.h"
#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

inline constexpr const char* kNotificationColumns =
    "id, run, idx, cause, dag_id, run_id, task_id, map_index, try_number, kind, target, state, attempts, "
    "created_at, "
    "due_at, ended_at, reason, count, term, counter, session, worker, delivery";
// Takes what BindNotification binds. What was written first about who, what and why stays.
extern const char* const kUpsertNotification;

void BindNotification(Statement& statement, const Notification& row);
StatusOr<Notification> ReadNotification(const Statement& row);

// `pool` outlives it.
std::unique_ptr<NotificationReader> MakeNotificationReader(ReadPool& pool);

}  // namespace millrace::store
