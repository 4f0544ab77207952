// Callbacks: what a DAG file says is to be told when something happens (Callback), and the outbox row that
// the same commit writes as the transition that caused it (Notification); a lineage event is such a row, too. Workers
// deliver rows as attempts; what becomes of them changes no task and no run. Plain data.
//
// Deliberately not here: how a notifier works (the task kinds of core/spec do it), who delivers when
// (scheduler/engine/outbox.cc).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/model/ids.h"
#include "core/model/value.h"

namespace millrace {

// Something outside its run that templates read.
struct LookupRef {
  enum class Kind : std::uint8_t { kVariable, kConnection, kPreviousSuccess };
  Kind kind = Kind::kVariable;
  std::string name;  // "" for kPreviousSuccess
  friend auto operator<=>(const LookupRef&, const LookupRef&) = default;
};

// kLineage: no DAG file asks for it, the scheduler's flags do.
enum class CallbackCause : std::uint8_t { kSuccess, kFailure, kRetry, kSkipped, kExecute, kDeadline, kLineage };
inline constexpr int kCallbackCauseCount = 7;
// "on_failure", as in the field on_failure_callback; "deadline", "lineage".
std::string_view ToString(CallbackCause cause);
std::optional<CallbackCause> CallbackCauseFromString(std::string_view text);

// One thing to do, of one field of a DAG file: a task kind with its fields, as in a task.
struct Callback {
  CallbackCause on = CallbackCause::kFailure;
  std::string kind;                             // of core/spec: "notify", "shell", "python", "http"
  Value with;                                   // templates not yet rendered
  Duration timeout = std::chrono::seconds(60);  // of one try
  std::vector<std::string> connections;
  std::vector<std::string> files;
  Position where;
  std::vector<LookupRef> lookups = {};  // what its templates read outside the run
};

// What a worker is asked to do, rendered when the row was made: a retry says what the first try said. With `lookups` it
// is rendered at each try instead, from the names as they were then and from what is looked up now: values of
// variables and connections stand in no row.
struct Delivery {
  std::string with;     // JSON
  std::string context;  // JSON object; only for kinds that ask for it
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> connections;  // names; never values
  std::vector<std::string> files;
  std::string dag_hash;  // the version whose files they are
  Duration timeout{0};
  std::vector<LookupRef> lookups = {};
  std::string names = {};  // with `lookups`: what `with`, whose templates are not rendered, sees; JSON
  std::string place = {};  // and where it was written, for messages
  std::optional<WallTime> before = {};  // and the run's logical date
  std::string team = {};                // of the DAG: whose connections and variables it may use
  friend bool operator==(const Delivery&, const Delivery&) = default;
};
// The most bytes of a row's delivery: a message is not for moving data.
inline constexpr std::size_t kMaxDeliveryBytes = 64 * 1024;

enum class NotificationState : std::uint8_t {
  kPending,  // waits for a worker, or for its next try
  kRunning,  // a worker has it
  kDelivered,
  kFailed,      // given up, or it could not be made; may be tried again by hand
  kSuppressed,  // its run had told enough: counts what was not told
};
std::string_view ToString(NotificationState state);
std::optional<NotificationState> NotificationStateFromString(std::string_view text);

struct Notification {
  std::int64_t id = 0;  // grows by one
  RunKey run{};
  std::int32_t index = -1;  // the task instance; -1: the run itself
  CallbackCause cause = CallbackCause::kFailure;
  std::string dag_id;
  std::string run_id;
  std::string task_id;  // "": of the run
  std::int32_t map_index = -1;
  std::int32_t try_number = 0;  // of the task instance
  std::string kind;
  std::string target;  // for people: "smtp to ops@example.com"
  NotificationState state = NotificationState::kPending;
  std::int32_t attempts = 0;  // begun, since it was made or last tried by hand
  WallTime created_at{};
  std::optional<WallTime> due_at;  // of the next try
  std::optional<WallTime> ended_at;
  std::string reason;  // why the last try failed
  std::int32_t count = 1;
  Fence fence;  // of the last try, and where it was
  SessionId session{};
  std::string worker;
  Delivery delivery;
  friend bool operator==(const Notification&, const Notification&) = default;
};

// Delivered, failed, suppressed.
bool IsOver(NotificationState state);

// What receivers tell a repetition by (header Idempotency-Key, Message-ID): the same for every try of a row,
// another for every other row, also of another scheduler. A UUID.
std::string IdempotencyKey(const Notification& row);

// The place of a notification's log among its run's: no task instance has this index. The try is the id's
// lower bits.
inline constexpr std::int32_t kNotificationLog = INT32_MAX;

}  // namespace millrace
