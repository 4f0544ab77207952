#include "core/model/notification.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace millrace {
namespace {

constexpr std::array<std::string_view, kCallbackCauseCount> kCauses = {
    "on_success", "on_failure", "on_retry", "on_skipped", "on_execute", "deadline"};
constexpr std::array<std::string_view, 5> kStates = {"pending", "running", "delivered", "failed",
                                                     "suppressed"};

template <typename Enum, std::size_t n>
std::optional<Enum> FromString(const std::array<std::string_view, n>& names, std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

std::uint64_t Fnv(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash ^= hash >> 32;
  return hash * 0x9e3779b97f4a7c15ULL;
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
  const std::string text = std::to_string(row.id) + " " + std::to_string(ToMicros(row.created_at)) + " " +
                           row.dag_id + " " + row.run_id + " " + row.task_id;
  const std::uint64_t high = Fnv(0xcbf29ce484222325ULL, text);
  const std::uint64_t low = Fnv(high, text);
  std::array<char, 37> uuid{};
  // Version 8 (custom), variant 10.
  std::snprintf(uuid.data(), uuid.size(), "%08x-%04x-8%03x-%04x-%012llx", static_cast<unsigned>(high >> 32U),
                static_cast<unsigned>((high >> 16U) & 0xffffU), static_cast<unsigned>(high & 0xfffU),
                static_cast<unsigned>(((low >> 48U) & 0x3fffU) | 0x8000U),
                static_cast<unsigned long long>(low & 0xffffffffffffULL));
  return uuid.data();
}

}  // namespace millrace
