// How changes become rows: each changed row is written once at the end of an event, and overwrites itself
// when it changes again before the batch is committed.
#include <algorithm>

#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

// Less is a clock that is set right; more is another time.
constexpr Duration kClockStep = std::chrono::minutes(5);

template <typename Row>
void Write(std::vector<Row>& rows, BatchPlace& place, std::uint64_t stamp, const Row& row) {
  if (place.stamp == stamp) {
    rows[place.index] = row;
    return;
  }
  place = {stamp, static_cast<std::uint32_t>(rows.size())};
  rows.push_back(row);
}

}  // namespace

void Engine::State::Begin(Now the_now, Output& the_out) {
  now = the_now;
  out = &the_out;
  if (seen && (now.wall - seen->wall) - (now.boot - seen->boot) > kClockStep) OnClockStepped();
  seen = now;
  if (out->stamp == 0) {
    out->stamp = ++stamp;
    created_in_batch = 0;
  }
}

void Engine::State::Settle() {
  // Placing may end instances (a template that does not render), whose ends free places and ready others.
  do {
    TellWaiters();
    TellDownstream();
    ExpandReady();
    WakeDags();
    CreateInstances();
    TellDownstream();
    ExpandReady();
    DecideReady();
    Place();
    LookAgain();
    EndRuns();
  } while (!ended.empty() || !woken.empty() || !expanding.empty() || !deciding.empty() || !moved_runs.empty() || !to_look.empty());
  FlushRows();
  out = nullptr;
}

void Engine::State::Touch(LiveDag& dag) {
  if (std::exchange(dag.dirty, true)) return;
  dirty_dags.push_back(dag.row.dag_id);
}

void Engine::State::Touch(LiveRun& run) {
  if (std::exchange(run.dirty, true)) return;
  dirty_runs.push_back(run.row.key);
}

void Engine::State::Touch(LiveRun&, Instance& instance) {
  if (std::exchange(instance.dirty, true)) return;
  dirty_instances.push_back(instance.row.key);
}

void Engine::State::Touch(LiveBackfill& backfill) {
  backfill.row.updated_at = now.wall;
  if (std::exchange(backfill.dirty, true)) return;
  dirty_backfills.push_back(backfill.row.id);
}

void Engine::State::FlushRows() {
  for (const std::string& id : dirty_dags) {
    LiveDag& dag = dags.find(id)->second;
    dag.dirty = false;
    Write(out->batch.dags, dag.place, out->stamp, dag.row);
  }
  for (RunKey key : dirty_runs) {
    LiveRun& run = runs.find(key)->second;
    run.dirty = false;
    Write(out->batch.runs, run.place, out->stamp, run.row);
  }
  for (TaskInstanceKey key : dirty_instances) {
    Instance& instance = *FindInstance(key);
    instance.dirty = false;
    Write(out->batch.task_instances, instance.place, out->stamp, instance.row);
  }
  for (const std::int64_t id : dirty_backfills) {
    LiveBackfill& backfill = backfills.find(id)->second;
    backfill.dirty = false;
    Write(out->batch.backfills, backfill.place, out->stamp, backfill.row);
  }
  dirty_backfills.clear();
  dirty_dags.clear();
  dirty_runs.clear();
  dirty_instances.clear();
}

void Engine::State::SetRunState(LiveRun& run, RunState to, bool by_user) {
  MILLRACE_CHECK(IsLegal(run.row.state, to, by_user));
  out->batch.transitions.push_back({run.row.key, -1, static_cast<std::uint8_t>(run.row.state),
                                    static_cast<std::uint8_t>(to), 0, now.wall});
  run.row.state = to;
  if (waiters.contains(run.row.key)) moved_runs.emplace_back(run.row.key, to);
  Touch(run);
  TellWatchers(run);
}

void Engine::State::SetState(LiveRun& run, Instance& instance, TaskState to, bool by_user) {
  TaskInstance& row = instance.row;
  const TaskState from = row.state;
  MILLRACE_CHECK(IsLegal(from, to, by_user));
  if (lineage) TellLineage(run, instance, to, by_user);
  out->batch.transitions.push_back({row.key.run, row.key.index, static_cast<std::uint8_t>(from),
                                    static_cast<std::uint8_t>(to), row.try_number, now.wall});
  if (from == TaskState::kScheduled) Unpark(run, instance);
  if (from == TaskState::kScheduled) instance.decided = false;
  if (from == TaskState::kScheduled && !lookups.empty()) lookups.erase(row.key);
  if (from == TaskState::kDeferred) ForgetAwaited(instance);
  if (from == TaskState::kDeferred) ForgetWait(row.key);
  const Task& task = TaskOf(run, instance);
  if (from == TaskState::kRunning) FindPool(PoolOf(task)).running -= task.pool_slots;
  if (to == TaskState::kRunning) FindPool(PoolOf(task)).running += task.pool_slots;
  if (instance.holds && !HasAttempt(to)) Release(run, instance);
  if (MayDefer(task) && (from == TaskState::kDeferred || to == TaskState::kDeferred)) {
    Pool& pool = FindPool(task.pool);
    pool.deferred += to == TaskState::kDeferred ? task.pool_slots : -task.pool_slots;
    if (to == TaskState::kDeferred && pool.include_deferred) Reserve(run, instance);
  }
  if (instance.reserves && to != TaskState::kDeferred && to != TaskState::kScheduled) Unreserve(run, instance);
  row.state = to;
  if (from == TaskState::kRemoved) run.removed.erase({row.task(), row.map_index});
  if (to == TaskState::kRemoved) run.removed[{row.task(), row.map_index}] = row.key.index;
  row.due_at.reset();
  row.wait.clear();
  if (IsTerminal(to) || to == TaskState::kNone) row.waits_since.reset();
  if (!HasAttempt(to) && to != TaskState::kDeferred) row.cache_key.clear();
  if (IsTerminal(from) != IsTerminal(to)) {
    run.unfinished += IsTerminal(to) ? -1 : 1;
  }
  if (from != TaskState::kNone && to != TaskState::kScheduled && !HasAttempt(to)) Leave(run, instance);
  if (IsTerminal(to)) {
    if (!row.ended_at) row.ended_at = now.wall;
    ended.push_back(row.key);
    instance.untold = true;
    instance.values.reset();
    instance.asked = false;
    // What stood beside it before a clear does not come again when it ends without being expanded.
    const auto before = run.to_map.find(row.task());
    if (before != run.to_map.end() && row.key.index == run.first(row.task())) {
      for (const std::int32_t index : before->second) {
        if (run.at(index).row.state == TaskState::kNone) SetState(run, run.at(index), TaskState::kRemoved);
      }
    }
  } else if (instance.untold = false; to == TaskState::kScheduled) {
    row.scheduled_at = now.wall;
    Park(run, instance);
  } else if (HasAttempt(to) && !instance.holds) {
    Hold(run, instance);
  }
  Touch(run, instance);
  TellWatchers(run);
}

void Engine::State::KeepAttempt(const Instance& instance, TaskState how,
                                std::optional<std::int32_t> exit_code) {
  const TaskInstance& row = instance.row;
  Attempt attempt;
  attempt.instance = row.key;
  attempt.try_number = row.try_number;
  attempt.fence = row.fence;
  attempt.state = how;
  attempt.queued_at = row.queued_at;
  attempt.started_at = row.started_at;
  attempt.ended_at = row.ended_at.value_or(now.wall);
  attempt.worker = row.worker;
  attempt.exit_code = exit_code;
  attempt.reason = row.reason;
  out->batch.attempts.push_back(std::move(attempt));
}

LiveRun* Engine::State::FindRun(const std::string& dag_id, const std::string& run_id) {
  const auto dag = dags.find(dag_id);
  if (dag == dags.end()) return nullptr;
  const auto run = dag->second.runs.find(run_id);
  return run == dag->second.runs.end() ? nullptr : FindRun(run->second);
}

}  // namespace millrace::engine
