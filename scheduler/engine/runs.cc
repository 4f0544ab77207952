// A run's life: queued, running once the DAG has room, its task instances created in portions, ended when all
// of them have.
#include <algorithm>

#include "scheduler/engine/state.h"
#include "scheduler/engine/trigger_rule.h"

namespace millrace::engine {
namespace {

constexpr std::int32_t kCreatedPerBatch = 1000;
constexpr std::int64_t kMaxActiveInstances = 1'000'000;

}  // namespace

LiveRun& Engine::State::AddRun(LiveDag& dag, Run row, DagPtr version) {
  const RunKey key = row.key;
  LiveRun& run = runs[key];
  run.row = std::move(row);
  run.dag = std::move(version);
  run.owner = &dag;
  dag.runs[run.row.run_id] = key;
  if (run.row.state == RunState::kQueued) {
    dag.queued.insert(key);
    if (run.row.type == RunType::kScheduled) ++dag.queued_by_timetable;
  } else if (run.row.state == RunState::kRunning) {
    ++dag.running;
    active_instances += static_cast<std::int64_t>(run.dag->tasks.size());
  }
  return run;
}

void Engine::State::StartRuns(LiveDag& dag) {
  while (!dag.row.paused && !dag.queued.empty() && dag.running < dag.dag->max_active_runs) {
    const RunKey key = *dag.queued.begin();
    LiveRun& run = runs.find(key)->second;
    const auto size = static_cast<std::int64_t>(run.dag->tasks.size());
    if (active_instances > 0 && active_instances + size > kMaxActiveInstances) {
      crowded.insert(dag.row.dag_id);
      return;
    }
    dag.queued.erase(dag.queued.begin());
    if (run.row.type == RunType::kScheduled) --dag.queued_by_timetable;
    ++dag.running;
    active_instances += size;
    SetRunState(run, RunState::kRunning);
    if (!run.row.started_at) run.row.started_at = now.wall;
    if (!run.complete()) {
      run.instances.reserve(run.dag->tasks.size());
      creating.push_back(key);
    } else {
      // Opened again by a clear: whatever waits may go on.
      for (Instance& instance : run.instances) Evaluate(run, instance);
      perhaps_over.insert(key);
    }
  }
}

void Engine::State::CreateInstances() {
  while (!creating.empty()) {
    LiveRun* run = FindRun(creating.front());
    if (run == nullptr || run->row.state != RunState::kRunning) {
      creating.pop_front();
      continue;
    }
    const std::vector<Task>& tasks = run->dag->tasks;
    while (!run->complete() && created_in_batch < kCreatedPerBatch) {
      const Task& task = tasks[run->instances.size()];
      Instance& instance = run->instances.emplace_back();
      instance.row.key = {run->row.key, static_cast<std::int32_t>(run->instances.size() - 1)};
      instance.row.max_tries = task.retry.retries;
      for (const std::int32_t upstream : task.upstream) {
        const Instance& from = run->instances[static_cast<std::size_t>(upstream)];
        // Ends that are still to be told are counted then.
        const bool told = std::find(ended.begin(), ended.end(), from.row.key) == ended.end();
        if (told) Count(instance.ends, from.row.state, 1);
      }
      ++run->unfinished;
      ++created_in_batch;
      Touch(*run, instance);
      Evaluate(*run, instance);
    }
    if (!run->complete()) return;
    creating.pop_front();
    perhaps_over.insert(run->row.key);
  }
}

void Engine::State::Evaluate(LiveRun& run, Instance& instance) {
  if (instance.row.state != TaskState::kNone || run.row.state != RunState::kRunning) return;
  const Task& task = TaskOf(run, instance);
  switch (
      engine::Evaluate(task.trigger_rule, instance.ends, static_cast<std::int32_t>(task.upstream.size()))) {
    case Readiness::kWait:
      return;
    case Readiness::kReady:
      SetState(run, instance, TaskState::kScheduled);
      return;
    case Readiness::kSkip:
      instance.row.reason = "skipped by trigger rule " + std::string(ToString(task.trigger_rule));
      SetState(run, instance, TaskState::kSkipped);
      return;
    case Readiness::kUpstreamFailed:
      instance.row.reason = "an upstream task failed";
      SetState(run, instance, TaskState::kUpstreamFailed);
      return;
  }
}

void Engine::State::TellDownstream() {
  // `ended` grows while it is walked: skips and upstream failures cascade.
  for (std::size_t i = 0; i < ended.size(); ++i) {
    const TaskInstanceKey key = ended[i];
    LiveRun* run = FindRun(key.run);
    if (run == nullptr) continue;
    const Instance& instance = run->instances[static_cast<std::size_t>(key.index)];
    for (const std::int32_t index : TaskOf(*run, instance).downstream) {
      if (static_cast<std::size_t>(index) >= run->instances.size()) continue;  // counted when it is created
      Instance& next = run->instances[static_cast<std::size_t>(index)];
      Count(next.ends, instance.row.state, 1);
      Evaluate(*run, next);
    }
  }
  for (const TaskInstanceKey& key : ended) perhaps_over.insert(key.run);
  ended.clear();
}

void Engine::State::EndRuns() {
  for (const RunKey key : std::exchange(perhaps_over, {})) {
    if (LiveRun* run = FindRun(key); run != nullptr) EndIfOver(*run);
  }
}

void Engine::State::EndIfOver(LiveRun& run) {
  if (run.row.state != RunState::kRunning || !run.complete() || run.unfinished > 0) return;
  bool failed = false;
  for (const Instance& instance : run.instances) {
    const bool is_leaf = TaskOf(run, instance).downstream.empty();
    const TaskState state = instance.row.state;
    failed |= is_leaf && (state == TaskState::kFailed || state == TaskState::kUpstreamFailed);
  }
  SetRunState(run, failed ? RunState::kFailed : RunState::kSuccess);
  run.row.ended_at = now.wall;
  --run.owner->running;
  active_instances -= static_cast<std::int64_t>(run.dag->tasks.size());
  woken.insert(run.row.dag_id);
  woken.merge(crowded);
  crowded.clear();
  Evict(run);
}

void Engine::State::Evict(LiveRun& run) {
  FlushRows();
  run.owner->runs.erase(run.row.run_id);
  for (auto& [pool, lane] : run.lanes) {
    lane.waiting.clear();
    Relist(lane);
  }
  runs.erase(run.row.key);
}

DagPtr Engine::State::FindVersion(const LiveDag& dag, std::int32_t version) const {
  if (version == dag.row.version) return dag.dag;
  const auto found = versions.find({dag.row.dag_id, version});
  return found == versions.end() ? nullptr : found->second;
}

}  // namespace millrace::engine
