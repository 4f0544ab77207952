// Task instances that wait in the engine, deferred: no worker, no slot, no place in a pool. Here is what they
// share: how the wait begins, when it has lasted long enough, how it ends by somebody's hand. What they wait
// for stands in triggers.cc and approvals.cc.
#include <algorithm>

#include "scheduler/engine/state.h"

namespace millrace::engine {

void Engine::State::StartInEngine(Instance& instance) {
  StartTry(instance);
  TaskInstance& row = instance.row;
  row.fence = {term, ++fence_counter};
  row.session = {};
  row.worker.clear();
  row.started_at = now.wall;
}

void Engine::State::Await(LiveRun& run, Instance& instance, std::string reason, Duration limit) {
  SetState(run, instance, TaskState::kDeferred);
  Tell(run, instance, CallbackCause::kExecute);
  TaskInstance& row = instance.row;
  row.reason = std::move(reason);
  if (limit <= Duration(0)) return;
  row.due_at = now.wall + limit;
  timers.Add({now.boot + limit, TimerKind::kDeferred, {}, row.key, row.try_number, {}});
}

void Engine::State::ResumeAwaited(Instance& instance) {
  const TaskInstance& row = instance.row;
  if (ToInt(row.waits_for) != 0) waiters[row.waits_for].insert(row.key);
  if (!row.due_at) return;
  // A due time is wall time; after a step of that clock nobody waits longer than from the start.
  const Duration whole = *row.due_at - row.started_at.value_or(now.wall);
  const Duration left = std::clamp(*row.due_at - now.wall, Duration(0), std::max(whole, Duration(0)));
  timers.Add({now.boot + left, TimerKind::kDeferred, {}, row.key, row.try_number, {}});
}

void Engine::State::ForgetAwaited(Instance& instance) {
  TaskInstance& row = instance.row;
  approvals.erase(row.key);
  const auto found = waiters.find(row.waits_for);
  if (found != waiters.end()) {
    found->second.erase(row.key);
    if (found->second.empty()) waiters.erase(found);
  }
  row.waits_for = {};
}

void Engine::State::OnAwaitedTooLong(const Timer& timer) {
  LiveRun* run = FindRun(timer.instance.run);
  Instance* instance = FindInstance(timer.instance);
  if (instance == nullptr || instance->row.state != TaskState::kDeferred) return;
  if (instance->row.try_number != timer.try_number) return;
  if (approvals.contains(timer.instance)) {
    OnNobodyAnswered(*run, *instance);
    return;
  }
  engine::End end;
  end.outcome = Outcome::kFailed;
  end.message = "timed out: it " + instance->row.reason;
  end.ended_at = now.wall;
  OnEnded(*run, *instance, end);
}

}  // namespace millrace::engine
