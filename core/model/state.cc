#include "core/model/state.h"

#include <array>
#include <initializer_list>

namespace millrace {
namespace {

constexpr std::array<std::string_view, kTaskStateCount> kTaskStateNames = {
    "none",    "scheduled",    "queued",           "running",         "success", "failed",   "up_for_retry",
    "up_for_reschedule", "upstream_failed", "skipped", "deferred", "restarting", "removed"};
constexpr std::array<std::string_view, 4> kRunStateNames = {"queued", "running", "success", "failed"};
constexpr std::array<std::string_view, 5> kRunTypeNames = {"scheduled", "manual", "backfill", "asset_triggered",
                                                           "operator_triggered"};

constexpr std::uint16_t Bit(TaskState state) { return static_cast<std::uint16_t>(1U << static_cast<unsigned>(state)); }
constexpr std::uint16_t Bits(std::initializer_list<TaskState> states) {
  std::uint16_t bits = 0;
  for (TaskState state : states) bits = static_cast<std::uint16_t>(bits | Bit(state));
  return bits;
}

using enum TaskState;
// Row: from. Set bits: where the engine may take it by itself.
constexpr std::array<std::uint16_t, kTaskStateCount> kLegal = {
    /* none */ Bits({kScheduled, kUpstreamFailed, kSkipped, kRemoved, kSuccess, kFailed, kDeferred}),
    /* scheduled */
    Bits({kQueued, kRunning, kSuccess, kFailed, kSkipped, kUpForRetry, kUpForReschedule, kUpstreamFailed, kDeferred,
          kRemoved}),
    // back to scheduled: the assignment never reached its worker, or the worker was lost
    /* queued */ Bits({kRunning, kSuccess, kFailed, kSkipped, kUpForRetry, kScheduled, kRestarting, kUpForReschedule, kDeferred}),
    /* running */ Bits({kSuccess, kFailed, kSkipped, kUpForRetry, kScheduled, kRestarting, kUpForReschedule, kDeferred}),
    /* success */ 0,
    /* failed */ 0,
    /* up_for_retry */ Bits({kScheduled, kFailed, kSkipped, kUpstreamFailed, kRemoved}),
    /* up_for_reschedule */ Bits({kScheduled, kFailed, kSkipped, kUpForRetry, kRemoved}),
    /* upstream_failed */ 0,
    /* skipped */ 0,
    /* deferred */ Bits({kScheduled, kSuccess, kFailed, kSkipped, kUpForRetry, kUpForReschedule, kRemoved}),
    /* restarting */ Bits({kNone, kScheduled, kUpForRetry, kFailed, kSuccess, kSkipped}),
    /* removed */ 0,
};

template <typename Enum, std::size_t kCount>
std::optional<Enum> FromName(const std::array<std::string_view, kCount>& names, std::string_view text) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToString(TaskState state) { return kTaskStateNames[static_cast<std::size_t>(state)]; }
std::string_view ToString(RunState state) { return kRunStateNames[static_cast<std::size_t>(state)]; }
std::string_view ToString(RunType type) { return kRunTypeNames[static_cast<std::size_t>(type)]; }
std::optional<TaskState> TaskStateFromString(std::string_view text) { return FromName<TaskState>(kTaskStateNames, text); }
std::optional<RunState> RunStateFromString(std::string_view text) { return FromName<RunState>(kRunStateNames, text); }

bool IsTerminal(TaskState state) {
  return (Bits({kSuccess, kFailed, kUpstreamFailed, kSkipped, kRemoved}) & Bit(state)) != 0;
}
bool IsTerminal(RunState state) { return state == RunState::kSuccess || state == RunState::kFailed; }
bool HasAttempt(TaskState state) { return (Bits({kQueued, kRunning, kRestarting}) & Bit(state)) != 0; }

bool IsLegal(TaskState from, TaskState to, bool by_user) {
  if (by_user && (Bits({kSuccess, kFailed, kSkipped}) & Bit(to)) != 0) return from != to;
  if (by_user && to == kNone)
    return IsTerminal(from) || (Bits({kUpForRetry, kUpForReschedule, kDeferred, kRestarting}) & Bit(from)) != 0;
  if (by_user && to == kRemoved) return IsTerminal(from) || from == kNone;
  return (kLegal[static_cast<std::size_t>(from)] & Bit(to)) != 0;
}

bool IsLegal(RunState from, RunState to, bool by_user) {
  if (by_user) return from != to;
  if (from == RunState::kQueued) return to == RunState::kRunning || to == RunState::kFailed;
  return from == RunState::kRunning && (IsTerminal(to) || to == RunState::kQueued);  // queued: it is tried again
}

}  // namespace millrace
