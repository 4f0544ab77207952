// What a ready task instance waits for before a worker is looked for: its DAG (paused), its run
// (max_active_tasks, counted a run as Airflow 3 does) and its pool. It waits in one lane, (run, pool). A run
// that may start no more takes its few lanes out of their pools; a pool lists itself while its best waiter
// fits. So a release wakes the best waiter and nothing scans.
//
// Within a pool the best waiter goes first even when it wants several slots: smaller ones behind it do not
// starve it.
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

constexpr const char* kDefaultPool = "default_pool";

}  // namespace

Pool& Engine::State::FindPool(const std::string& name) {
  const auto [found, added] = pools.try_emplace(name);
  if (added) {
    found->second.name = name;
    found->second.size = name == kDefaultPool ? options.default_pool_slots : 0;
    for (const auto& [pool, size] : options.pools) {
      if (pool == name) found->second.size = size;
    }
  }
  return found->second;
}

bool Engine::State::RunMayStartMore(const LiveRun& run) const {
  return run.row.state == RunState::kRunning && !run.owner->row.paused &&
         run.active < run.dag->max_active_tasks;
}

void Engine::State::Park(LiveRun& run, const Instance& instance) {
  const Task& task = TaskOf(run, instance);
  Lane& lane = run.lanes[task.pool];
  lane.run = &run;
  lane.pool = &FindPool(task.pool);
  // One that no release can ever admit must not stand in front of others; `why` tells about it.
  if (task.pool_slots > lane.pool->size) return;
  lane.waiting.emplace(-task.priority_weight, instance.row.key.index);
  Relist(lane);
}

void Engine::State::Unpark(LiveRun& run, const Instance& instance) {
  const Task& task = TaskOf(run, instance);
  const auto lane = run.lanes.find(task.pool);
  if (lane == run.lanes.end()) return;
  lane->second.waiting.erase({-task.priority_weight, instance.row.key.index});
  Relist(lane->second);
}

void Engine::State::Hold(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  Pool& pool = FindPool(task.pool);
  instance.holds = true;
  pool.used += task.pool_slots;
  Relist(pool);
  ++run.active;
  if (run.active == run.dag->max_active_tasks) RelistRun(run);
}

void Engine::State::Release(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  Pool& pool = FindPool(task.pool);
  instance.holds = false;
  pool.used -= task.pool_slots;
  Relist(pool);
  --run.active;
  if (run.active == run.dag->max_active_tasks - 1) RelistRun(run);
}

void Engine::State::RelistRun(LiveRun& run) {
  for (auto& [pool, lane] : run.lanes) Relist(lane);
}

void Engine::State::Relist(Lane& lane) {
  std::optional<LaneKey> key;
  if (!lane.waiting.empty() && RunMayStartMore(*lane.run)) {
    const auto& [priority, index] = *lane.waiting.begin();
    key = LaneKey(priority, lane.run->row.key, index);
  }
  if (key == lane.listed) return;
  if (lane.listed) lane.pool->open.erase(*lane.listed);
  if (key) lane.pool->open.emplace(*key, &lane);
  lane.listed = key;
  Relist(*lane.pool);
}

void Engine::State::Relist(Pool& pool) {
  std::optional<LaneKey> key;
  if (!pool.open.empty()) {
    const auto& [best, lane] = *pool.open.begin();
    const Task& task = lane->run->dag->tasks[static_cast<std::size_t>(std::get<2>(best))];
    if (pool.used + task.pool_slots <= pool.size) key = best;
  }
  if (key == pool.listed) return;
  if (pool.listed) open_pools.erase(*pool.listed);
  if (key) open_pools.emplace(*key, &pool);
  pool.listed = key;
}

}  // namespace millrace::engine
