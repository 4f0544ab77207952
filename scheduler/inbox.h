// Where other threads leave events and commands for the loop, and ask it questions. Gateway, API, dagbag and auth see
// only this; the loop drains it. Bounded by class: heartbeats always pass; reports are refused (the worker keeps them)
// and commands are refused (the API answers 429) when their class is full.
//
// Any thread. Callbacks run on the loop's thread and must only hand over.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/model/command.h"
#include "core/model/event.h"

namespace millrace {

// Why a task instance is not running, or how it ended: "upstream", "pool", "limit", "slot", "timer", "paused", ...
struct WhyReason {
  std::string kind;
  std::string message;
};
struct Why {
  TaskState state = TaskState::kNone;
  std::vector<WhyReason> reasons;
};

// A worker as the engine sees it now.
struct WorkerView {
  SessionId session{};
  WorkerOffer offer;
  bool connected = false;
  bool draining = false;
  std::int32_t slots_used = 0;
  std::int32_t attempts = 0;
  WallTime joined_at{};
  WallTime last_heartbeat{};
};

// A pool as the engine sees it now; slots, not task instances.
struct PoolView {
  PoolRow row;
  std::int64_t running = 0;
  std::int64_t queued = 0;
  std::int64_t scheduled = 0;  // that wait for it, or for a limit or worker besides
  std::int64_t deferred = 0;   // of those that are deferred, whether they take slots or not
};

// Questions change nothing; the loop answers them between events from the engine's state.
struct AskWhy {
  RunKey run{};
  std::int32_t index = 0;
};
struct AskWorkers {};
// Which run and task instance an attempt belongs to, if it is alive; for log chunks.
struct AskJob {
  JobKey job;
};
struct AskPools {};
using Question = std::variant<AskWhy, AskWorkers, AskJob, AskPools>;
// AskJob: the running job's report, JSON.
using Answer =
    std::variant<StatusOr<Why>, std::vector<WorkerView>, StatusOr<std::string>, std::vector<PoolView>>;

class Inbox {
 public:
  virtual ~Inbox() = default;

  // RESOURCE_EXHAUSTED when the event's class is full.
  virtual Status Put(Event event) = 0;

  // `done` is called once: when the command's change is durable, or with why it was refused.
  virtual Status Submit(Command command, std::function<void(CommandReply)> done) = 0;

  virtual Status Ask(Question question, std::function<void(Answer)> done) = 0;
};

}  // namespace millrace
