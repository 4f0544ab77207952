// What a commit makes true outside. Nothing here leaves before the batch it belongs to is durable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/model/attempt.h"
#include "core/model/command.h"
#include "core/model/dag.h"
#include "core/model/run.h"
#include "core/model/state_store.h"

namespace millrace {

// The answer to WorkerJoined, on the stream it came by.
struct Welcome {
  std::uint64_t stream = 0;
  SessionId session{};
  std::uint32_t term = 0;
  std::string refused;             // not empty: why the worker may not join
  std::vector<Fence> kill;         // of its inventory: no longer wanted
  std::uint64_t acknowledged = 0;  // reports up to here are durable
};

struct Assign {
  SessionId session{};
  Assignment assignment;
};

struct CancelAttempt {
  SessionId session{};
  Fence fence;
  std::string reason;  // "cancelled by ana", shown in the log and as the attempt's end
};

struct HeartbeatAck {
  SessionId session{};
  std::int64_t sent_at = 0;
};

// Reports up to `sequence` are durable and may be forgotten.
struct AckReports {
  SessionId session{};
  std::uint64_t sequence = 0;
};

// The job is over for this worker: close its runner, free its blocks.
struct JobEnded {
  SessionId session{};
  JobKey job;
};

// The lease is over: the gateway closes the stream and refuses the session from now on.
struct EndSession {
  SessionId session{};
  std::string reason;
};

struct Reply {
  std::uint64_t reply = 0;
  CommandReply result;
};

// The engine must see a run that it does not hold; the loop answers with Loaded.
struct Need {
  std::string dag_id;
  std::string run_id;
};

// What a task instance reads before it may start: XComs of its run, variables, connections, the last successful
// run before its own; the loop answers with XComsLoaded.
struct NeedXComs {
  TaskInstanceKey instance;
  std::vector<XComKey> keys;
  std::vector<LookupRef> lookups = {};
  std::string dag_id = {};
  std::optional<WallTime> before = std::nullopt;  // the run's logical date
  std::string team = {};                          // whose variables and connections are meant besides everybody's
};

// Whether an earlier success left a result for these inputs; the loop answers with CachedLoaded.
struct NeedCached {
  TaskInstanceKey instance;
  std::string key;
};

// The run of the DAG before this one, by logical date; the loop answers with PreviousLoaded.
struct NeedPrevious {
  RunKey run{};
  std::string dag_id;
  WallTime before{};
};

// The engine must see the runs of a DAG for dates that a backfill comes to; the loop answers with
// DatesLoaded.
struct NeedDates {
  std::int64_t backfill = 0;
  std::string dag_id;
  WallTime from{};
  WallTime to{};
};

// What a task instance waits for: the runs of a DAG for a date, those that are not live; the loop answers with
// RunsLoaded.
struct NeedRuns {
  TaskInstanceKey instance;
  std::string dag_id;
  WallTime date{};
};

// An attempt reads a state store; the loop answers with StateLoaded, once what was set before is durable.
struct NeedState {
  SessionId session{};
  StateRequest request;
  TaskInstanceKey instance;  // whose, unless the request is of a dataset
};

using Effect = std::variant<Welcome, Assign, CancelAttempt, HeartbeatAck, AckReports, JobEnded, EndSession,
                            Reply, Need, NeedXComs, NeedCached, NeedPrevious, NeedDates, NeedRuns, StateAnswer,
                            NeedState>;

}  // namespace millrace
