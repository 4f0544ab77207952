// Everything that can happen to the engine: a closed list. Gateway, API, dagbag and the store put them into the inbox; the
// loop hands them over one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/model/attempt.h"
#include "core/model/batch.h"
#include "core/model/command.h"
#include "core/model/dag.h"
#include "core/model/state_store.h"

namespace millrace {

// A timer is due, or the loop woke for nothing.
struct Tick {};

struct DagLoaded {
  DagPtr dag;
};

// Its file is gone, or no longer defines it. Unfinished runs go on with the version they have.
struct DagGone {
  std::string dag_id;
};

// A worker's stream is up. `resumed` names the session it had; if the scheduler still knows it, that session goes on and
// `inventory` says which of its attempts are alive. Otherwise a new session starts and the old one's attempts are lost.
struct WorkerJoined {
  std::uint64_t stream = 0;  // the gateway's handle of the connection; answers go there
  WorkerOffer offer;
  SessionId resumed{};
  std::vector<Fence> inventory;
  std::vector<Report> reports;  // not acknowledged yet
  std::vector<StageAttempt> stages;  // what those of `inventory` and `reports` that belong to jobs work on
};

struct Heartbeat {
  SessionId session{};
  BootTime received_at{};
  std::int64_t sent_at = 0;  // the worker's own clock, sent back unread
};

// The stream ended. The lease goes on: the worker may come back.
struct WorkerDisconnected {
  SessionId session{};
  std::uint64_t stream = 0;  // the one that ended: the worker may have come back on another already
};

// The worker is draining (SIGTERM): no new attempts. `left` says that it has finished.
struct WorkerDraining {
  SessionId session{};
  bool left = false;
};

struct Reported {
  SessionId session{};
  std::vector<Report> reports;
};

// An attempt asks its state store, or that of a dataset.
struct StateAsked {
  SessionId session{};
  StateRequest request;
};

// Somebody asks for a change; the reply goes to `reply` once the change is durable.
struct CommandReceived {
  std::uint64_t reply = 0;
  Command command;
};

// The answer to Need: the run as the store has it, or NOT_FOUND.
struct Loaded {
  std::string dag_id;
  std::string run_id;
  StatusOr<RunImage> image;
};

// NOT_FOUND when there is none. What is secret in it goes to the attempt and nowhere else.
struct FoundValue {
  LookupRef ref;
  StatusOr<Value> value;
};

// The answer to NeedXComs: those that there are, in no order. UNAVAILABLE: the store did not answer in time.
struct XComsLoaded {
  TaskInstanceKey instance;
  StatusOr<std::vector<XComRow>> rows;
  std::vector<FoundValue> found = {};  // to each lookup
};

// The answer to NeedCached, or NOT_FOUND.
struct CachedLoaded {
  TaskInstanceKey instance;
  std::string key;
  StatusOr<CachedResult> result;
};

// The answer to NeedPrevious: the run as the store has it, or NOT_FOUND.
struct PreviousLoaded {
  RunKey run{};
  StatusOr<RunImage> image;
};

// The answer to NeedDates, oldest first.
struct DatesLoaded {
  std::int64_t backfill = 0;
  WallTime from{};
  WallTime to{};
  StatusOr<std::vector<Run>> runs;
};

// The answer to NeedRuns: whole, oldest first.
struct RunsLoaded {
  TaskInstanceKey instance;
  WallTime date{};
  StatusOr<std::vector<RunImage>> images;
};

// The answer to NeedState: the value as it is stored, JSON; NOT_FOUND when there is none, or no longer.
struct StateLoaded {
  SessionId session{};
  Fence fence;
  std::uint64_t id = 0;
  StatusOr<std::string> json;
};

// The loop itself stood still (a slow disk, a stopped machine): nobody's lease may pay for it.
struct LoopStalled {
  Duration by{0};
};

using Event =
    std::variant<Tick, DagLoaded, DagGone, WorkerJoined, Heartbeat, WorkerDisconnected, WorkerDraining,
                 Reported, CommandReceived, Loaded, XComsLoaded, CachedLoaded, PreviousLoaded, DatesLoaded, RunsLoaded,
                 StateAsked, StateLoaded, LoopStalled>;

}  // namespace millrace
