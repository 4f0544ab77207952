// What a task is to the engine by its kind and fields: whether it takes slots and of which pool, what it waits for before it looks
// for a place, and where it stands among those that wait. Pure. Part of state.h.
#pragma once

#include <cstdint>
#include <string>

#include "scheduler/engine/live.h"

namespace millrace::engine {

// A mapreduce task instance is a job: it takes no slot itself.
inline bool IsJob(const Task& task) { return task.kind == "mapreduce"; }

// A sensor that looks from time to time on a worker.
inline bool Polls(const Task& task) { return task.sensor && !task.in_engine; }
// It takes no slot: not a worker's, not a pool's, and none of max_active_tasks.
inline bool IsSlotless(const Task& task) { return task.in_engine || task.sensor; }
// It may be deferred: then a pool with include_deferred counts it.
inline bool MayDefer(const Task& task) {
  return task.sensor || task.kind == "approval" || task.kind == "trigger_dag";
}

inline const std::string kEnginePool;             // of what the engine runs itself; nothing bounds it
inline const std::string kSensorPool = "\x01";  // of those that poll: full while no worker takes them
inline constexpr std::int32_t kNoLimit = 1'000'000'000;
inline constexpr std::int32_t kMostSensors = 1000;  // a worker
inline const std::string& PoolOf(const Task& task) {
  return task.in_engine ? kEnginePool : task.sensor ? kSensorPool : task.pool;
}

// An instance's place among those that wait: what takes no slot goes first.
inline std::int32_t MinusWeight(const Task& task, const Instance& instance) {
  return -instance.row.weight.value_or(task.priority_weight);
}
inline std::int32_t OrderOf(const Task& task, const Instance& instance) {
  return IsSlotless(task) ? INT32_MIN : MinusWeight(task, instance);
}
inline LaneKey PoolKeyOf(const LiveRun& run, const Task& task, const Instance& instance) {
  return {OrderOf(run.row.type, MinusWeight(task, instance)), run.row.key, instance.row.key.index};
}
inline LaneKey KeyOf(const LiveRun& run, const Task& task, const Instance& instance) {
  return {OrderOf(run.row.type, OrderOf(task, instance)), run.row.key, instance.row.key.index};
}

// Whether its templates, or its `expand`, read something that must be loaded first.
inline bool ReadsValues(const Task& task) { return !task.pulls.empty() || !task.lookups.empty(); }
// Whether something is to be asked before it looks for a place.
inline bool HasConditions(const Task& task) {
  return task.run_if || task.skip_if || task.weight ||
         (task.map_index_template && task.mapped());
}
inline bool ExpandReadsValues(const Task& task) {
  return !task.expand_pulls.empty() || !task.expand_lookups.empty();
}

}  // namespace millrace::engine
