// What a ready task instance waits for before a worker is looked for: the XComs that it pulls, the limits on
// instances of its task (it waits at the first that does not let it in; whoever leaves lets in the best), its
// DAG or task (paused), its run (max_active_tasks, counted a run as Airflow 3 does) and its pool. It waits in one
// lane, (run, pool). A run that may start no more takes its few lanes out of their pools; a pool lists itself
// while its best waiter fits. So a release wakes the best waiter and nothing scans.
//
// Within a pool the best waiter goes first even when it wants several slots: smaller ones behind it do not
// starve it.
#include <algorithm>

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
    if (name == kEnginePool) found->second.size = INT32_MAX;
    if (name == kSensorPool) {
      found->second.size = kNoLimit;
      found->second.used = sensor_workers.empty() ? kNoLimit : 0;
    }
    for (const auto& [pool, size] : options.pools) {
      if (pool == name) found->second.size = size;
    }
    if (const auto row = pool_rows.find(name); row != pool_rows.end()) {
      found->second.size = row->second.slots < 0 ? kNoLimit : row->second.slots;
      found->second.include_deferred = row->second.include_deferred;
    }
  }
  return found->second;
}

CommandReply Engine::State::Set(const SetPool& command) {
  const std::string& name = command.pool.name;
  const auto stored = pool_rows.find(name);
  if (command.must_be_new && (stored != pool_rows.end() || name == kDefaultPool))
    return AlreadyExists("Pool with name: `" + name + "` already exists");
  if (command.pool.deleted) {
    if (name == kDefaultPool) return InvalidArgument("Default Pool can't be deleted");
    if (stored == pool_rows.end()) return NotFound("The Pool with name: `" + name + "` was not found");
    pool_rows.erase(stored);
    pool_teams.erase(name);
    out->batch.records.emplace_back(command.pool);
    IncludeDeferred(FindPool(name), false);
    Resize(FindPool(name), 0);
    return CommandResult{};
  }
  if (command.pool.slots < -1) return InvalidArgument("a pool has 0 slots or more, or -1 for no limit");
  if (name == kDefaultPool && !command.pool.team.empty())
    return InvalidArgument("The default pool is everybody's: tasks that name no pool are in it");
  pool_rows[name] = command.pool;
  pool_teams.erase(name);
  if (!command.pool.team.empty()) pool_teams[name] = command.pool.team;
  out->batch.records.emplace_back(command.pool);
  IncludeDeferred(FindPool(name), command.pool.include_deferred);
  Resize(FindPool(name), command.pool.slots);
  return CommandResult{};
}

// At once: who may start now does, and nobody is stopped.
void Engine::State::Resize(Pool& pool, std::int32_t slots) {
  pool.size = slots < 0 ? kNoLimit : slots;
  Relist(pool);
  for (auto& [key, run] : runs) {
    for (Instance& instance : run.instances) {
      const Task& task = TaskOf(run, instance);
      const bool meant = PoolOf(task) == pool.name || (MayDefer(task) && task.pool == pool.name);
      if (instance.row.state != TaskState::kScheduled || !meant) continue;
      Unpark(run, instance);
      Park(run, instance);
    }
  }
}

// What waits already keeps waiting, and counts or not from now on.
void Engine::State::IncludeDeferred(Pool& pool, bool include) {
  if (std::exchange(pool.include_deferred, include) == include) return;
  for (auto& [key, run] : runs) {
    for (Instance& instance : run.instances) {
      const Task& task = TaskOf(run, instance);
      if (!MayDefer(task) || task.pool != pool.name) continue;
      if (include && instance.row.state == TaskState::kDeferred) Reserve(run, instance);
      if (!include && instance.reserves) Unreserve(run, instance);
    }
  }
}

bool Engine::State::MayReserve(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (!MayDefer(task) || instance.reserves) return true;
  Pool& pool = FindPool(task.pool);
  if (!pool.include_deferred) return true;
  // As in Park: one that no release can ever admit must not stand in front of others.
  if (task.pool_slots > pool.size) return false;
  if (pool.deferring.insert(PoolKeyOf(run, task, instance)).second) pool.scheduled += task.pool_slots;
  deferring_pools.insert(pool.name);
  return false;
}

void Engine::State::Reserve(const LiveRun& run, Instance& instance) {
  if (std::exchange(instance.reserves, true)) return;
  const Task& task = TaskOf(run, instance);
  Pool& pool = FindPool(task.pool);
  pool.used += task.pool_slots;
  pool.reserved += task.pool_slots;
  Relist(pool);
}

void Engine::State::Unreserve(const LiveRun& run, Instance& instance) {
  if (!std::exchange(instance.reserves, false)) return;
  const Task& task = TaskOf(run, instance);
  Pool& pool = FindPool(task.pool);
  pool.used -= task.pool_slots;
  pool.reserved -= task.pool_slots;
  Relist(pool);
}

// The best of each pool, as long as it fits and nothing better waits there for a worker's slot.
void Engine::State::ReserveWaiting() {
  for (const std::string& name : std::set<std::string>(deferring_pools)) {
    Pool& pool = pools.find(name)->second;
    for (auto at = pool.deferring.begin(); at != pool.deferring.end();) {
      const LaneKey best = *at++;
      LiveRun& run = runs.find(std::get<1>(best))->second;
      Instance& instance = run.at(std::get<2>(best));
      const Task& task = TaskOf(run, instance);
      if (run.row.state != RunState::kRunning || run.owner->row.paused) continue;
      const bool first = pool.open.empty() || best < pool.open.begin()->first;
      if (!first || pool.used + task.pool_slots > pool.size) break;
      Unpark(run, instance);
      Reserve(run, instance);
      Park(run, instance);
    }
  }
}

bool Engine::State::MayStartMore(const Lane& lane) const {
  const LiveRun& run = *lane.run;
  if (run.row.state != RunState::kRunning || run.owner->row.paused) return false;
  const bool slotless = lane.pool->name == kEnginePool || lane.pool->name == kSensorPool;
  return slotless || run.active < run.dag->max_active_tasks;
}

bool Engine::State::Admit(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (instance.admitted || (task.max_active_tis_per_dag == 0 && task.max_active_tis_per_dagrun == 0))
    return true;
  TaskLimit& in_run = run.task_limits[instance.row.task()];
  TaskLimit& in_dag = run.owner->task_limits[task.id];
  const LaneKey key = KeyOf(run, task, instance);
  if (task.max_active_tis_per_dagrun > 0 && in_run.active >= task.max_active_tis_per_dagrun) {
    in_run.waiting.insert(key);
    return false;
  }
  if (task.max_active_tis_per_dag > 0 && in_dag.active >= task.max_active_tis_per_dag) {
    in_dag.waiting.insert(key);
    return false;
  }
  ++in_run.active;
  ++in_dag.active;
  instance.admitted = true;
  return true;
}

void Engine::State::Readmit(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (task.max_active_tis_per_dag == 0 && task.max_active_tis_per_dagrun == 0) return;
  ++run.task_limits[instance.row.task()].active;
  ++run.owner->task_limits[task.id].active;
  instance.admitted = true;
}

void Engine::State::Leave(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (task.max_active_tis_per_dag == 0 && task.max_active_tis_per_dagrun == 0) return;
  TaskLimit& in_run = run.task_limits[instance.row.task()];
  TaskLimit& in_dag = run.owner->task_limits[task.id];
  const LaneKey key = KeyOf(run, task, instance);
  in_run.waiting.erase(key);
  in_dag.waiting.erase(key);
  if (!std::exchange(instance.admitted, false)) return;
  --in_run.active;
  --in_dag.active;
  for (TaskLimit* limit : {&in_run, &in_dag}) {
    if (limit->waiting.empty()) continue;
    const LaneKey best = *limit->waiting.begin();
    limit->waiting.erase(limit->waiting.begin());
    LiveRun& waiter = runs.find(std::get<1>(best))->second;
    Park(waiter, waiter.at(std::get<2>(best)));
  }
}

bool Engine::State::IsPaused(const LiveRun& run, const Task& task) {
  const std::vector<std::string>& paused = run.owner->row.paused_tasks;
  return !paused.empty() && std::binary_search(paused.begin(), paused.end(), task.id);
}

bool Engine::State::IsPoolOfOthers(const LiveRun& run, const Task& task) const {
  if (pool_teams.empty()) return false;
  const auto team = pool_teams.find(task.pool);
  return team != pool_teams.end() && team->second != run.dag->team;
}

// No release can ever let it in, and its author is to hear of it: it fails, as Airflow's does.
void Engine::State::RefusePool(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  const std::string& team = run.dag->team;
  engine::End end;
  end.started_at = end.ended_at = now.wall;
  end.outcome = Outcome::kFailFinal;
  end.message = "pool " + task.pool + " belongs to team " + pool_teams.find(task.pool)->second + ", and DAG " + run.dag->id +
                " to " + (team.empty() ? "none" : "team " + team);
  StartInEngine(instance);
  OnEnded(run, instance, end);
}

void Engine::State::Park(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (IsPaused(run, task)) return;
  if (IsPoolOfOthers(run, task)) {
    deciding.insert(instance.row.key);
    return;
  }
  if (ReadsValues(task) && instance.values == nullptr) {
    Ask(run, instance);
    return;
  }
  if (!instance.decided && HasConditions(task)) {
    deciding.insert(instance.row.key);
    return;
  }
  if (task.cache && LookInCache(run, instance)) return;
  if (!Admit(run, instance)) return;
  if (!MayReserve(run, instance)) return;
  const std::string& name = PoolOf(task);
  Lane& lane = run.lanes[name];
  lane.run = &run;
  lane.pool = &FindPool(name);
  // One that no release can ever admit must not stand in front of others; `why` tells about it.
  if (task.pool_slots > lane.pool->size) return;
  if (lane.waiting.emplace(OrderOf(task, instance), instance.row.key.index).second)
    lane.pool->scheduled += task.pool_slots;
  Relist(lane);
}

void Engine::State::Unpark(LiveRun& run, const Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (!deferring_pools.empty() && MayDefer(task)) {
    Pool& pool = FindPool(task.pool);
    if (pool.deferring.erase(PoolKeyOf(run, task, instance)) > 0) pool.scheduled -= task.pool_slots;
    if (pool.deferring.empty()) deferring_pools.erase(pool.name);
  }
  const auto lane = run.lanes.find(PoolOf(task));
  if (lane == run.lanes.end()) return;
  if (lane->second.waiting.erase({OrderOf(task, instance), instance.row.key.index}) > 0)
    lane->second.pool->scheduled -= task.pool_slots;
  Relist(lane->second);
}

void Engine::State::Hold(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  Pool& pool = FindPool(PoolOf(task));
  instance.holds = true;
  pool.used += task.pool_slots;
  Relist(pool);
  ++run.active;
  if (run.active == run.dag->max_active_tasks) RelistRun(run);
}

void Engine::State::Release(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  Pool& pool = FindPool(PoolOf(task));
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
  if (!lane.waiting.empty() && MayStartMore(lane)) {
    const auto& [priority, index] = *lane.waiting.begin();
    key = LaneKey(OrderOf(lane.run->row.type, priority), lane.run->row.key, index);
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
    const Task& task = TaskOf(*lane->run, lane->run->at(std::get<2>(best)));
    if (pool.used + task.pool_slots <= pool.size) key = best;
  }
  if (key == pool.listed) return;
  if (pool.listed) open_pools.erase(*pool.listed);
  if (key) open_pools.emplace(*key, &pool);
  pool.listed = key;
}

}  // namespace millrace::engine
