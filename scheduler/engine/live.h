// What the engine holds in memory: DAGs, unfinished runs with their task instances, attempts, sessions,
// pools. Plain data; what happens to it is in state.h. Rows are kept whole, as the store has them or will
// have them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/calendar/timetable.h"
#include "core/model/batch.h"
#include "core/model/command.h"
#include "core/model/dag.h"
#include "core/model/effect.h"
#include "core/model/event.h"
#include "core/model/run.h"
#include "core/spec/sensor.h"
#include "scheduler/jobs/job.h"

namespace millrace::engine {

struct LiveBackfill;
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

// What an instance has read before it may start.
struct LoadedValues {
  std::vector<XComRow> xcoms;
  std::vector<FoundValue> found;
  bool cache_known = false;  // whether an earlier success may stand for it has been looked at
  std::string cache_key;     // under which its success is kept; "": not kept
};

struct Instance {
  TaskInstance row;
  UpstreamEnds ends;
  std::int32_t upstreams = 0;  // instances directly upstream: a mapped task counts with all of its own
  BatchPlace place;
  bool dirty = false;
  bool holds = false;                                  // counts in its pool and against max_active_tasks
  bool untold = false;                                 // ended, and downstream does not know it yet
  bool admitted = false;                               // counts against the limits on instances of its task
  bool reserves = false;                               // has its pool's slots before and while it is deferred
  bool decided = false;                          // run_if and skip_if let it run, this time
  bool asked = false;                            // for what its task reads, or for a cached result
  std::shared_ptr<const LoadedValues> values;    // null until they have come
};

// The ready instances of one run that want one pool, best first: higher priority, then earlier in the DAG.
struct Lane {
  LiveRun* run = nullptr;
  Pool* pool = nullptr;
  std::set<std::pair<std::int32_t, std::int32_t>> waiting;  // (-priority, index)
  // Its key in pool->open while the run may start more, see limits.cc.
  std::optional<std::tuple<std::int64_t, RunKey, std::int32_t>> listed;
};
// (order, run, index) of its best instance: less is better.
using LaneKey = std::tuple<std::int64_t, RunKey, std::int32_t>;

// A run's instances by priority, all of a backfill's behind all others.
inline std::int64_t OrderOf(RunType type, std::int32_t minus_priority) {
  constexpr std::int64_t kBehind = std::int64_t{1} << 40;
  return (type == RunType::kBackfill ? kBehind : 0) + minus_priority;
}

// A limit on the instances of one task, in a run or in all runs of its DAG.
struct TaskLimit {
  std::int32_t active = 0;
  std::set<LaneKey> waiting;  // ready instances that it does not let in
};

// How the run before this one stands, for tasks with depends_on_past.
struct Past {
  bool known = false;  // the store has answered
  bool none = false;   // this is the first run
  RunKey run{};
  std::vector<TaskState> states;  // by task of this run's version; success for tasks that were not there
};

struct Pool {
  std::string name;
  std::int32_t size = 0;
  std::int32_t used = 0;
  std::int32_t running = 0;    // of `used`
  std::int32_t scheduled = 0;  // of those that are parked
  std::map<LaneKey, Lane*> open;
  std::optional<LaneKey> listed;  // its key among the pools that can start something now
  bool include_deferred = false;
  std::int32_t reserved = 0;    // of `used`, by instances that wait or are to wait
  std::int32_t deferred = 0;    // of instances that are deferred, whether they have slots or not
  std::set<LaneKey> deferring;  // with include_deferred: those that would wait and have no slot to
};

using EventPtr = std::shared_ptr<const DatasetEvent>;

// A row of the outbox that is not over, or that counts what its run, which is not over, does not tell.
struct LiveNotification {
  Notification row;
  BatchPlace place;
  std::shared_ptr<const LoadedValues> values;  // for the try that is about to begin
};

struct LiveRun {
  Run row;
  DagPtr dag;
  LiveDag* owner = nullptr;
  LiveBackfill* backfill = nullptr;  // whose limit it counts against, instead of its DAG's
  // By key.index. A prefix of dag->tasks while they are being created; empty while queued. Those that
  // `expand` adds stand behind all tasks. References stay good when it grows.
  std::deque<Instance> instances;
  std::map<std::int32_t, std::vector<std::int32_t>>
      mapped;  // task -> its instances by map index, once it is expanded
  std::map<std::int32_t, std::vector<std::int32_t>>
      to_map;                         // the same before a clear, until it is expanded again
  // By task and map index: instances that the latest expansion has not. Where they come again their tries count on, so
  // that no try's log is taken for another's.
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> removed;
  std::map<std::int32_t, std::int32_t> moved;  // task -> its instance (of a mapped one: the first) that stands elsewhere
  std::int32_t tries_before = 0;      // of the version before; what is added to this run counts on from it
  std::int32_t unfinished = 0;        // of `instances`
  std::int32_t active = 0;            // that hold a place against max_active_tasks
  std::int64_t counted = 0;           // of active_instances
  std::map<std::string, Lane> lanes;  // by pool
  std::map<std::int32_t, TaskLimit> task_limits;  // by task, of those that have one
  std::unique_ptr<Past> past;                     // when a task depends on it
  std::optional<BootTime> deadline;               // dagrun_timeout
  bool enqueued = false;                          // among those that start when there is room
  std::string stopped;                            // fail_fast: why nothing but teardowns starts any more
  std::vector<EventPtr> events;                // of datasets, that made it
  std::map<std::int32_t, WallTime> deadlines;  // not missed yet, by index in the DAG
  std::int32_t notified = 0;    // rows of callbacks in the outbox that it has made
  std::int64_t suppressed = 0;  // the one that counts what it does not tell any more
  std::int64_t lineage_suppressed = 0;  // the same of lineage events
  BatchPlace place;
  bool dirty = false;

  bool complete() const { return instances.size() >= dag->tasks.size(); }
  // Its tasks are those of another version from now on: all that is known by their places is found anew.
  void UseDag(DagPtr other) {
    dag = std::move(other);
    mapped.clear();
    to_map.clear();
    removed.clear();
    moved.clear();
    task_limits.clear();
    lanes.clear();
    past.reset();
  }

  Instance& at(std::int32_t index) { return instances[static_cast<std::size_t>(index)]; }
  const Instance& at(std::int32_t index) const { return instances[static_cast<std::size_t>(index)]; }
  bool has(std::int32_t index) const { return static_cast<std::size_t>(index) < instances.size(); }
  // Where the task's instance stands, or will: of a mapped one the first.
  std::int32_t first(std::int32_t task) const {
    const auto found = moved.find(task);
    return found == moved.end() ? task : found->second;
  }
};

// What waits for the run of one partition key.
struct LivePartition {
  // Of one dataset.
  struct Arrivals {
    std::int32_t events = 0;
    // Where it is rolled up, the keys of the window that have come, each with how many events; so many are enough.
    std::map<std::string, std::int32_t> keys;
    std::size_t needed = 0;
  };
  std::vector<EventPtr> events;  // oldest first
  std::map<std::string, Arrivals> datasets;
};

struct LiveDag {
  DagRow row;
  DagPtr dag;
  Timetable timetable;
  std::optional<WallTime> fires_at;  // its entry among the wall timers
  bool fires_once = false;           // the wall clock has jumped over its time
  Boxed<DatasetCondition> condition;  // of its schedule, over datasets alone
  std::vector<std::string> waits_for;         // these, sorted
  std::vector<EventPtr> dataset_events;   // not used up yet, oldest first
  std::map<std::string, LivePartition> partitions;  // where runs have keys: the same, by the run's
  std::set<std::string> full_partitions;  // those whose events make the condition true
  std::map<std::int64_t, std::int32_t> waits_under;  // and of each event under how many keys it waits
  std::size_t waiting = 0;                           // the sum of these
  std::set<RunKey> queued;
  std::int32_t queued_by_timetable = 0;
  std::int32_t running = 0;
  std::map<std::string, RunKey, std::less<>> runs;  // the live ones, by run id
  std::map<std::string, TaskLimit> task_limits;     // by task id, of those that have one
  std::map<RunKey, std::set<RunKey>> followers;     // live runs whose past this one is
  std::vector<std::int64_t> backfills;              // the live ones, oldest first
  BatchPlace place;
  bool dirty = false;
};

// How many runs of one DAG's schedule may stand queued: a catch-up over years must not fill memory.
inline constexpr std::int32_t kQueuedByTimetable = 16;

// A run that the DAG's schedule made: those are what overlap is about.
inline bool IsOfSchedule(RunType type) {
  return type == RunType::kScheduled || type == RunType::kAssetTriggered;
}

// A backfill that is not completed, or has live runs.
struct LiveBackfill {
  Backfill row;
  std::vector<RunDates> dates;  // still to be dealt with; the next one last
  std::set<RunKey> queued;
  std::int32_t running = 0;
  std::int32_t retrying = 0;     // neither: failed, and are tried again later
  bool asking = false;           // the store is asked for the runs of the next dates, or for one to run again
  std::set<WallTime> meanwhile;  // dates of runs made since it was asked
  BatchPlace place;
  bool dirty = false;

  std::int32_t live() const { return static_cast<std::int32_t>(queued.size()) + running + retrying; }
};

// A deferred instance: who wakes it. What survives a restart stands in its row.
struct LiveWait {
  std::optional<WallTime> alarm;  // its entry among the alarms
  ExternalTarget target;          // whose runs for `date` it waits for, see external.cc
  std::optional<WallTime> date;
};

// A dataset that a DAG watches: (DAG, dataset).
using WatchKey = std::pair<std::string, std::string>;
struct LiveWatch {
  std::string seen;  // at the last change: a digest; "": nothing was there
  std::optional<WallTime> seen_at;
  std::string failure;       // of the last look; "": it worked
  std::int32_t version = 0;  // of its DAG, by which it looks; 0: it does not
  Fence fence{};             // of the attempt that looks, or looked last
  bool looking = false;
};

// Something that a worker was given and has not ended yet.
struct LiveAttempt {
  TaskInstanceKey instance;
  std::int32_t try_number = 0;
  SessionId session{};
  std::int32_t slots = 1;
  bool wanted = true;  // false: cancelled, its end only frees the slots
  bool started = false;
  BootTime placed_at{};                    // of a job's
  std::optional<jobs::StageTaskId> stage;  // of a job
  std::shared_ptr<const StageWork> work;
  std::int64_t notification = 0;  // a delivery: of no task instance, and without a slot
  bool watches = false;           // a dataset: of no task instance, and without a slot
  std::uint64_t last_state = 0;   // the newest of its requests that changed a state store
  std::uint64_t reply = 0;        // a test of a connection, which counts as a delivery: whom its end answers
};

// How many notifications a worker delivers at a time: beside its slots, so that no user work waits for them.
inline constexpr std::int32_t kDeliveriesPerWorker = 4;

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
  std::int32_t sensors = 0;       // of `attempts`: they take no slot
  std::set<Fence> attempts;
  std::int32_t delivering = 0;              // notifications, beside the slots
  std::optional<std::int32_t> courier;      // the same, while it takes another
  std::vector<JobKey> ended_jobs;      // to be told when its stream is up again
  std::optional<std::int32_t> listed;  // free slots under which it stands among those that take work
  std::optional<std::int32_t> sensors_listed;  // the same for sensors: how many it has
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
  std::int64_t order = 0;          // see OrderOf
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
  bool unrendered = false;  // after a restart, until the XComs that it pulls have come
  BootTime reported_at{};   // when its report was written last
  bool report_due = false;  // it has changed since
};

// (order, run, index, stage, stage index, copy): the order in which waiting stage tasks get slots.
using StageKey = std::tuple<std::int64_t, RunKey, std::int32_t, std::int32_t, std::int32_t, std::int32_t>;
inline StageKey KeyOf(const LiveJob& job, jobs::StageTaskId id) {
  return {job.order, job.key.instance.run, job.key.instance.index, id.stage, id.index, id.copy};
}

// What a trigger_dag is to do, its fields rendered.
struct TriggerPlan {
  TriggerRun run;
  bool waits = false;
  bool resets = false;
  bool skips = false;  // when the run is there
  bool fails_when_paused = false;
};

// How a task instance's attempt, or its job, ended.
struct End {
  Outcome outcome = Outcome::kSuccess;
  std::optional<std::int32_t> exit_code;
  std::string message;
  std::string result;
  std::vector<XComValue> xcoms = {};
  WallTime started_at{};
  WallTime ended_at{};
  std::string error_class = {};
  bool cached = false;  // an earlier success stood for it
};

}  // namespace millrace::engine
