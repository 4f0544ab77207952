// The states of runs and task instances, Airflow's words, and the one table of legal transitions that every change is
// checked against.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace {

enum class RunState : std::uint8_t { kQueued, kRunning, kSuccess, kFailed };

enum class TaskState : std::uint8_t {
  kNone,             // waits for its upstream
  kScheduled,        // may start; waits for a slot, a pool or a limit
  kQueued,           // assigned to a worker, not known to have started
  kRunning,
  kSuccess,
  kFailed,
  kUpForRetry,       // failed, starts again at its due time
  kUpForReschedule,  // failed, starts again at its due time, and no retry is used up; sensors between two looks are deferred
  kUpstreamFailed,
  kSkipped,
  kDeferred,         // waits and holds no slot: in the engine, or a sensor that looks from time to time on a worker
  kRestarting,       // cleared while running: the running attempt is being stopped
  kRemoved,          // its task is gone from the DAG
};
inline constexpr int kTaskStateCount = 13;

enum class RunType : std::uint8_t {
  kScheduled,
  kManual,
  kBackfill,
  kAssetTriggered,
  kOperatorTriggered,  // by a task of another run
};

// The words of the API, the store's documentation and the dashboard: "up_for_retry". kNone is "none".
std::string_view ToString(TaskState state);
std::string_view ToString(RunState state);
std::string_view ToString(RunType type);
std::optional<TaskState> TaskStateFromString(std::string_view text);
std::optional<RunState> RunStateFromString(std::string_view text);

// success, failed, upstream_failed, skipped, removed: the instance will not run again unless someone clears it.
bool IsTerminal(TaskState state);
bool IsTerminal(RunState state);
// queued, running, restarting: an attempt may be alive on a worker.
bool HasAttempt(TaskState state);

// The transition table. Clearing (any terminal state to none) and marking (any state to success, failed or skipped) are
// legal because a user asks for them; `by_user` says that one did.
bool IsLegal(TaskState from, TaskState to, bool by_user);
bool IsLegal(RunState from, RunState to, bool by_user);

}  // namespace millrace
