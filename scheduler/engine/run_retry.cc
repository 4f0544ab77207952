// A run that failed is tried again by itself, max_dag_retries times: what failed and what stands behind it,
// or all of its tasks. Until then it is queued, but in no queue: it takes no place of its DAG, and whoever
// waits for its end goes on waiting. Only its last failure is told, counts against
// max_consecutive_failed_dag_runs and ends it.
#include <algorithm>
#include <set>

#include "core/model/json.h"
#include "scheduler/engine/graph.h"

namespace millrace::engine {
namespace {

// Those that ended only because the run did.
bool WasStopped(const TaskInstance& row, const std::string& stopped) {
  return !stopped.empty() && row.reason == stopped &&
         (row.state == TaskState::kFailed || row.state == TaskState::kSkipped);
}

}  // namespace

std::vector<std::int32_t> Engine::State::ToTryAgain(LiveRun& run, const std::string& stopped) {
  std::set<std::int32_t> found;
  std::vector<std::int32_t> todo;
  const auto add = [&](const Instance& instance) {
    const TaskState state = instance.row.state;
    if (state == TaskState::kNone || state == TaskState::kRemoved) return;
    if (found.insert(instance.row.key.index).second) todo.push_back(instance.row.key.index);
  };
  for (const Instance& instance : run.instances) {
    const TaskState state = instance.row.state;
    const bool failed = state == TaskState::kFailed || state == TaskState::kUpstreamFailed;
    if (run.dag->dag_retry_all || failed || WasStopped(instance.row, stopped)) add(instance);
  }
  for (std::size_t i = 0; i < todo.size(); ++i) EachDownstream(run, run.at(todo[i]), add);
  // What a task uses is prepared and taken down with it, as when it is cleared.
  std::set<std::int32_t> setups;
  for (const std::int32_t index : todo) {
    const Task& task = TaskOf(run, run.at(index));
    setups.insert(task.setups.begin(), task.setups.end());
    if (task.role == TaskRole::kSetup) setups.insert(run.at(index).row.task());
  }
  for (const std::int32_t setup : setups) EachOf(run, setup, add);
  for (std::size_t i = 0; !setups.empty() && i < run.dag->tasks.size(); ++i) {
    const Task& task = run.dag->tasks[i];
    const bool takes_down = task.role == TaskRole::kTeardown &&
                            std::any_of(task.setups.begin(), task.setups.end(),
                                        [&](std::int32_t setup) { return setups.contains(setup); });
    if (takes_down) EachOf(run, static_cast<std::int32_t>(i), add);
  }
  return {found.begin(), found.end()};
}

void Engine::State::RetryLater(LiveRun& run, const std::string& why_stopped) {
  const std::string stopped = why_stopped;  // a clear forgets the run's
  if (lineage) TellLineage(run, LineageEvent::kFail, stopped);
  // First the run, so that nothing becomes ready while its instances end.
  SetRunState(run, RunState::kQueued);
  CountRunning(run, -1);
  active_instances -= std::exchange(run.counted, 0);
  run.deadline.reset();
  if (run.unfinished > 0) StopRest(run, stopped, true, nullptr);
  TellDownstream();
  for (const Instance& instance : run.instances) {
    // A failure of its own was kept when it happened.
    if (instance.row.state == TaskState::kFailed && WasStopped(instance.row, stopped))
      KeepAttempt(instance, TaskState::kFailed, std::nullopt);
  }
  ClearInstances(run, ToTryAgain(run, stopped), "");
  for (std::size_t i = 0; run.dag->dag_retry_all && i < run.dag->tasks.size(); ++i) {
    if (IsLoopGate(run.dag->tasks[i])) BeginLoopAnew(run, static_cast<std::int32_t>(i));
  }
  ++run.row.retries;
  run.row.retry_at = now.wall + run.dag->dag_retry_delay;
  run.row.queued_at = now.wall;
  run.row.started_at.reset();
  run.row.ended_at.reset();
  out->batch.records.push_back(
      AuditRecord{now.wall, "scheduler", "retry", run.row.dag_id + "/" + run.row.run_id,
                  ToJson(Value(Value::Map{{"reason", stopped.empty() ? "a task failed" : stopped},
                                          {"retry", run.row.retries},
                                          {"of", run.row.max_retries}}))});
  AwaitRetry(run);
  woken.insert(run.row.dag_id);
  woken.merge(crowded);
  crowded.clear();
}

void Engine::State::AwaitRetry(LiveRun& run) {
  // A due time is wall time; after a step of that clock nobody waits longer than the delay.
  const Duration left = std::clamp(*run.row.retry_at - now.wall, Duration(0), run.dag->dag_retry_delay);
  timers.Add({now.boot + left, TimerKind::kRunRetry, {}, {run.row.key, -1}, run.row.retries, {}});
  if (run.backfill != nullptr) ++run.backfill->retrying;
}

void Engine::State::RetryNow(LiveRun& run) {
  if (run.row.state != RunState::kQueued || run.enqueued) return;
  Dequeue(run);
  run.row.retry_at.reset();
  Touch(run);
  Enqueue(run);
  woken.insert(run.row.dag_id);
}

}  // namespace millrace::engine
