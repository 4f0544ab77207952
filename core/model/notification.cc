#include "core/model/notification.h"

#include <algorithm>
#include <array>

namespace millrace {
namespace {

constexpr std::array<std::string_view, kCallbackCauseCount> kCauses = {
    "on_success", "on_failure", "on_retry", "on_skipped", "on_execute", "deadline", "lineage"};
constexpr std::array<std::string_view, 5> kStates = {"pending", "running", "delivered", "failed",
                                                     "suppressed"};

template <typename Enum, std::size_t n>
std::optional<Enum> FromString(const std::array<std::string_view, n>& names, std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view ToString(CallbackCause cause) { return kCauses[static_cast<std::size_t>(cause)]; }
std::optional<CallbackCause> CallbackCauseFromString(std::string_view text) {
  return FromString<CallbackCause>(kCauses, text);
}

std::string_view ToString(NotificationState state) { return kStates[static_cast<std::size_t>(state)]; }
std::optional<NotificationState> NotificationStateFromString(std::string_view text) {
  return FromString<NotificationState>(kStates, text);
}

bool IsOver(NotificationState state) { return state >= NotificationState::kDelivered; }

std::string IdempotencyKey(const Notification& row) {
  return UuidOf(std::to_string(row.id) + " " + std::to_string(ToMicros(row.created_at)) + " " +
                row.dag_id + " " + row.run_id + " " + row.task_id);
}

}  // namespace millrace
