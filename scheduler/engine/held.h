// What the engine holds in memory: what is live, by key, and what is queued up to be looked at. All that it decides it decides from
// this (state.h). Of the engine alone.
//
// `now` and `out` stand for the length of one Apply. Pointers to runs are good until the run ends; keys are
// good for ever.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "scheduler/engine/engine.h"
#include "scheduler/engine/live.h"
#include "scheduler/engine/outlet_events.h"
#include "scheduler/engine/timers.h"

namespace millrace::engine {

struct Held {
  Held(EngineOptions the_options, const ZoneDatabase& the_zones)
      : options(the_options), zones(the_zones), lineage(options.lineage.on()) {}

  const EngineOptions options;
  const ZoneDatabase& zones;
  const bool lineage;  // is told

  // Valid during Apply and Load.
  Now now{};
  Output* out = nullptr;
  std::optional<Now> seen;  // at the Apply before this one

  std::uint32_t term = 0;
  std::uint64_t fence_counter = 0;
  std::int64_t next_run_key = 1;
  std::uint64_t next_session = 1;
  std::uint64_t stamp = 0;            // of the newest Output seen
  std::int32_t created_in_batch = 0;  // task instances, see CreateInstances

  std::map<std::string, LiveDag, std::less<>> dags;
  std::map<std::pair<std::string, std::int32_t>, DagPtr> versions;  // that were loaded with unfinished runs
  std::map<RunKey, LiveRun> runs;
  std::map<Fence, LiveAttempt> attempts;
  std::map<SessionId, Session> sessions;
  std::map<std::string, Pool> pools;         // those that tasks have asked for
  std::map<std::string, PoolRow> pool_rows;  // as stored
  std::map<std::string, std::string> pool_teams;  // of those that are a team's
  std::set<std::string> deferring_pools;     // those whose `deferring` is not empty
  std::map<std::int64_t, LiveBackfill> backfills;
  std::int64_t next_backfill = 1;
  std::map<TaskInstanceKey, LiveJob> jobs;
  std::map<std::int64_t, LiveNotification> notifications;
  std::set<std::pair<RunKey, std::int64_t>> notifications_of_runs;  // the same
  std::set<std::int64_t> undelivered;                               // of these, those that are due
  std::int64_t next_notification = 1;
  std::optional<std::pair<TaskInstanceKey, const engine::End*>> ending;  // the attempt whose end OnEnded is about, for lineage

  Timers timers;
  std::set<std::pair<WallTime, std::string>> fires;  // wall timers: when a DAG's timetable is asked again
  std::set<std::tuple<WallTime, RunKey, std::int32_t>> deadlines;  // wall timers, too
  std::map<std::string, std::set<std::string>, std::less<>> subscribers;  // dataset -> DAGs whose schedule names it
  AttachedDatasets attached;
  std::map<WatchKey, LiveWatch> watches;
  std::set<WatchKey> to_watch;  // of these, those that wait for a worker
  std::int64_t next_dataset_event = 1;
  std::map<LaneKey, Pool*> open_pools;               // whose best waiter fits
  std::map<StageKey, std::pair<TaskInstanceKey, jobs::StageTaskId>> waiting_stages;
  std::set<std::pair<std::int32_t, SessionId>> couriers;  // (deliveries, id) of those that take another
  std::set<std::pair<std::int32_t, SessionId>> free_workers;  // (-free slots, id) of those that take work
  std::set<std::pair<std::int32_t, SessionId>> sensor_workers;  // (sensors, id) of those that take more
  std::map<TaskInstanceKey, LiveWait> waits;                    // of deferred instances
  std::set<std::pair<WallTime, TaskInstanceKey>> alarms;        // wall timers: when deferred ones are woken
  // By DAG and logical date: who waits for runs of them.
  std::map<std::pair<std::string, WallTime>, std::set<TaskInstanceKey>> watchers;
  std::set<TaskInstanceKey> to_look;                            // of those, where something has changed
  std::deque<RunKey> creating;                                // runs whose instances are not all there yet
  std::vector<TaskInstanceKey> ended;                         // not yet told downstream
  std::set<TaskInstanceKey> expanding;                        // ready ones that are still to be expanded
  std::set<TaskInstanceKey> deciding;                         // ready ones whose conditions are still to be asked
  std::vector<TaskInstanceKey> dirty_instances;
  std::vector<RunKey> dirty_runs;
  std::vector<std::string> dirty_dags;
  std::vector<std::int64_t> dirty_backfills;
  std::int64_t active_instances = 0;  // of all live runs
  std::set<RunKey> perhaps_over;      // runs to look at before this event is done
  std::set<std::string> woken;        // DAGs to look at before this event is done
  std::set<std::string> crowded;      // DAGs whose queued runs wait for room in memory

  struct WaitingCommand {
    std::uint64_t reply = 0;
    Command command;
    std::int64_t backfill = 0;  // not a command: this backfill wants the run to run again
    std::optional<TaskInstanceKey> trigger = {};  // nor this: a trigger_dag asks whether the run is there
  };
  std::map<std::pair<std::string, std::string>, std::vector<WaitingCommand>> needs;  // by DAG and run id

  std::map<TaskInstanceKey, TriggerPlan> lookups;  // of scheduled trigger_dags that have asked the store
  std::map<RunKey, std::set<TaskInstanceKey>> waiters;  // deferred trigger_dags, by the run that they wait for
  std::vector<std::pair<RunKey, std::optional<RunState>>> moved_runs;  // not yet told to them; none: deleted
  std::map<TaskInstanceKey, ApprovalRow> approvals;                    // that wait for an answer

  LiveRun* FindRun(RunKey key) {
    const auto found = runs.find(key);
    return found == runs.end() ? nullptr : &found->second;
  }
  Instance* FindInstance(TaskInstanceKey key) {
    LiveRun* run = FindRun(key.run);
    return run == nullptr || !run->has(key.index) ? nullptr : &run->at(key.index);
  }
  Session* FindSession(SessionId id) {
    const auto found = sessions.find(id);
    return found == sessions.end() ? nullptr : &found->second;
  }
};

}  // namespace millrace::engine
