// What the engine holds in memory: DAGs, unfinished runs with their task instances, attempts, sessions,
// pools. Plain data; what happens to it is in state.h. Rows are kept whole, as the store has them or will
// have them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/calendar/timetable.h"
#include "core/model/batch.h"
#include "core/model/dag.h"
#include "core/model/effect.h"
#include "core/model/run.h"
#include "scheduler/jobs/job.h"

namespace millrace::engine {

struct LiveDag;
struct LiveRun;
struct Pool;

// Where a row stands in the batch that is collecting: a second change overwrites it there.
struct BatchPlace {
  std::uint64_t stamp = 0;  // of the Output
  std::uint32_t index = 0;
};

// How many of an instance's direct upstream have ended, and how.
struct UpstreamEnds {
  std::int32_t success = 0;
  std::int32_t failed = 0;
  std::int32_t skipped = 0;
  std::int32_t upstream_failed = 0;
  std::int32_t done() const { return success + failed + skipped + upstream_failed; }
};

struct Instance {
  TaskInstance row;
  UpstreamEnds ends;
  BatchPlace place;
  bool dirty = false;
  bool holds = false;  // counts in its pool and against max_active_tasks
};

// The ready instances of one run that want one pool, best first: higher priority, then earlier in the DAG.
struct Lane {
  LiveRun* run = nullptr;
  Pool* pool = nullptr;
  std::set<std::pair<std::int32_t, std::int32_t>> waiting;  // (-priority, index)
  // Its key in pool->open while the run may start more, see limits.cc.
  std::optional<std::tuple<std::int32_t, RunKey, std::int32_t>> listed;
};
using LaneKey =
    std::tuple<std::int32_t, RunKey, std::int32_t>;  // (-priority, run, index) of its best instance

struct Pool {
  std::string name;
  std::int32_t size = 0;
  std::int32_t used = 0;
  std::map<LaneKey, Lane*> open;
  std::optional<LaneKey> listed;  // its key among the pools that can start something now
};

struct LiveRun {
  Run row;
  DagPtr dag;
  LiveDag* owner = nullptr;
  std::vector<Instance> instances;  // a prefix of dag->tasks while they are being created; empty while queued
  std::int32_t unfinished = 0;      // of `instances`
  std::int32_t active = 0;          // that hold a place against max_active_tasks
  std::map<std::string, Lane> lanes;  // by pool
  BatchPlace place;
  bool dirty = false;

  bool complete() const { return instances.size() == dag->tasks.size(); }
};

struct LiveDag {
  DagRow row;
  DagPtr dag;
  Timetable timetable;
  std::optional<WallTime> fires_at;  // its entry among the wall timers
  std::set<RunKey> queued;
  std::int32_t queued_by_timetable = 0;
  std::int32_t running = 0;
  std::map<std::string, RunKey, std::less<>> runs;  // the live ones, by run id
  BatchPlace place;
  bool dirty = false;
};

// Something that a worker was given and has not ended yet.
struct LiveAttempt {
  TaskInstanceKey instance;
  std::int32_t try_number = 0;
  SessionId session{};
  std::int32_t slots = 1;
  bool wanted = true;  // false: cancelled, its end only frees the slots
  bool started = false;
  std::optional<jobs::StageTaskId> stage;  // of a job
  std::shared_ptr<const StageWork> work;
};

struct Session {
  SessionRow row;
  std::uint64_t stream = 0;
  bool connected = false;
  bool draining = false;
  bool settled = false;  // false after a restart until it joins again or expires
  BootTime lease_until{};
  WallTime last_heartbeat{};
  std::uint64_t next_report = 1;  // the sequence that comes next; 0: not known, after a restart
  std::int32_t used = 0;          // slots
  std::set<Fence> attempts;
  std::vector<JobKey> ended_jobs;      // to be told when its stream is up again
  std::optional<std::int32_t> listed;  // free slots under which it stands among those that take work
  BatchPlace acknowledgement;          // its AckReports among the collecting effects
};

// One stage task of a running job.
struct StageRun {
  jobs::Start start;
  std::optional<Fence> fence;  // its attempt; none: it waits for a slot
  std::int32_t lost = 0;
};

struct LiveJob {
  JobKey key;
  std::string with;  // rendered
  std::int32_t priority = 1;
  std::unique_ptr<jobs::Job> job;  // null after a restart until its workers have settled
  std::map<jobs::StageTaskId, StageRun> tasks;
  std::set<SessionId> sessions;  // that have had attempts of it
  std::string state = "planning";
  // After a restart only.
  std::vector<StageTaskRow> durable;
  std::map<jobs::StageTaskId, Fence> adopted;
  struct EarlyEnd {  // of an adopted attempt
    jobs::StageTaskId id;
    Report report;
    SessionId session{};
    std::string worker;
  };
  std::vector<EarlyEnd> early;
  bool loaded = false;
};

// (-priority, run, index, stage, stage index): the order in which waiting stage tasks get slots.
using StageKey = std::tuple<std::int32_t, RunKey, std::int32_t, std::int32_t, std::int32_t>;

// How a task instance's attempt, or its job, ended.
struct End {
  Outcome outcome = Outcome::kSuccess;
  std::optional<std::int32_t> exit_code;
  std::string message;
  std::string result;
  WallTime started_at{};
  WallTime ended_at{};
};

}  // namespace millrace::engine
