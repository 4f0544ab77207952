// A run's life: queued, running once the DAG has room, its task instances created in portions, ended when all
// of them have.
#include <algorithm>

#include "core/calendar/format.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/trigger_rule.h"

namespace millrace::engine {
namespace {

constexpr std::int32_t kCreatedPerBatch = 1000;
constexpr std::int64_t kMaxActiveInstances = 1'000'000;

// The leaves do; a teardown only when it says so, and what stands before nothing but teardowns is a leaf.
bool DecidesRun(const Dag& dag, const Task& task) {
  const auto ignored = [](const Task& t) {
    return t.role == TaskRole::kTeardown && !t.on_failure_fail_dagrun;
  };
  return !ignored(task) &&
         std::all_of(task.downstream.begin(), task.downstream.end(),
                     [&](std::int32_t next) { return ignored(dag.tasks[static_cast<std::size_t>(next)]); });
}

}  // namespace

LiveRun& Engine::State::AddRun(LiveDag& dag, Run row, DagPtr version) {
  const RunKey key = row.key;
  LiveRun& run = runs[key];
  run.row = std::move(row);
  run.dag = std::move(version);
  run.owner = &dag;
  dag.runs[run.row.run_id] = key;
  if (const auto found = backfills.find(run.row.backfill); found != backfills.end())
    run.backfill = &found->second;
  if (run.row.logical_date) {
    for (const std::int64_t id : dag.backfills)
      backfills.find(id)->second.meanwhile.insert(*run.row.logical_date);
  }
  if (run.row.state == RunState::kQueued && run.row.retry_at) {
    AwaitRetry(run);
  } else if (run.row.state == RunState::kQueued) {
    Enqueue(run);
  } else if (run.row.state == RunState::kRunning) {
    CountRunning(run, 1);
    run.counted = static_cast<std::int64_t>(run.dag->tasks.size());
    active_instances += run.counted;
  }
  TellWatchers(run);
  return run;
}

void Engine::State::Enqueue(LiveRun& run) {
  run.enqueued = true;
  (run.backfill == nullptr ? run.owner->queued : run.backfill->queued).insert(run.row.key);
  if (IsOfSchedule(run.row.type)) ++run.owner->queued_by_timetable;
}

void Engine::State::Dequeue(LiveRun& run) {
  if (!std::exchange(run.enqueued, false)) {
    if (run.backfill != nullptr) --run.backfill->retrying;
    return;
  }
  (run.backfill == nullptr ? run.owner->queued : run.backfill->queued).erase(run.row.key);
  if (IsOfSchedule(run.row.type)) --run.owner->queued_by_timetable;
}

void Engine::State::CountRunning(const LiveRun& run, std::int32_t by) {
  (run.backfill == nullptr ? run.owner->running : run.backfill->running) += by;
}

void Engine::State::StartRuns(LiveDag& dag) {
  const bool allow_all = dag.dag->schedule.overlap == Overlap::kAllowAll;
  while (!dag.row.paused && !dag.queued.empty() && (allow_all || dag.running < dag.dag->max_active_runs)) {
    if (!StartRun(runs.find(*dag.queued.begin())->second)) return;
  }
}

bool Engine::State::StartRun(LiveRun& run) {
  const auto size = static_cast<std::int64_t>(std::max(run.dag->tasks.size(), run.instances.size()));
  if (active_instances > 0 && active_instances + size > kMaxActiveInstances) {
    crowded.insert(run.row.dag_id);
    return false;
  }
  Dequeue(run);
  CountRunning(run, 1);
  run.counted = size;
  active_instances += size;
  SetRunState(run, RunState::kRunning);
  run.row.retry_at.reset();
  if (!run.row.started_at) run.row.started_at = now.wall;
  if (lineage) TellLineage(run, LineageEvent::kStart);
  SetDeadline(run, *run.row.started_at);
  LookBack(run);
  // Opened again by a clear: whatever waits may go on.
  for (std::size_t i = 0; i < run.instances.size(); ++i) Evaluate(run, run.instances[i]);
  if (run.complete()) {
    perhaps_over.insert(run.row.key);
  } else {
    creating.push_back(run.row.key);
  }
  return true;
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
      instance.row.try_number = run->tries_before;
      instance.row.max_tries = run->tries_before + task.retry.retries;
      Recount(*run, instance);
      ++run->unfinished;
      ++created_in_batch;
      Touch(*run, instance);
      Evaluate(*run, instance);
    }
    if (!run->complete()) return;
    creating.pop_front();
    perhaps_over.insert(run->row.key);
    // Mapped ones have waited, since what they add stands behind all tasks.
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (tasks[i].mapped()) Evaluate(*run, run->instances[i]);
    }
  }
}

void Engine::State::Recount(LiveRun& run, Instance& instance) {
  instance.ends = {};
  instance.upstreams = 0;
  EachUpstream(run, instance, [&](const Instance& from) {
    ++instance.upstreams;
    // An end that is still to be told is counted then.
    if (!from.untold) Count(instance.ends, from.row.state, 1);
  });
}

void Engine::State::Skip(LiveRun& run, Instance& instance, std::string reason) {
  instance.row.reason = std::move(reason);
  SetState(run, instance, TaskState::kSkipped);
}

void Engine::State::Evaluate(LiveRun& run, Instance& instance) {
  if (instance.row.state != TaskState::kNone || run.row.state != RunState::kRunning) return;
  const Task& task = TaskOf(run, instance);
  if (!run.stopped.empty() && task.role != TaskRole::kTeardown) {
    Skip(run, instance, run.stopped);
    return;
  }
  Readiness readiness = engine::Evaluate(task.trigger_rule, instance.ends, instance.upstreams);
  if (!task.setups.empty() && readiness == Readiness::kReady) {
    std::int32_t skipped = 0;
    std::int32_t bad = 0;
    std::int32_t all = 0;
    for (const std::int32_t setup : task.setups) {
      EachOf(run, setup, [&](const Instance& other) {
        ++all;
        skipped += other.row.state == TaskState::kSkipped ? 1 : 0;
        bad += other.row.state == TaskState::kFailed || other.row.state == TaskState::kUpstreamFailed ? 1 : 0;
      });
    }
    // Work needs all of its setups; a teardown has something to do once one of them succeeded.
    const bool teardown = task.role == TaskRole::kTeardown;
    if (teardown ? skipped == all : bad == 0 && skipped > 0) readiness = Readiness::kSkip;
    if (teardown ? bad > 0 && bad + skipped == all : bad > 0) readiness = Readiness::kUpstreamFailed;
  }
  switch (readiness) {
    case Readiness::kWait:
      return;
    case Readiness::kReady:
      if (!IsLoopGate(task) || BodyHasEnded(run, instance)) OnReady(run, instance);
      return;
    case Readiness::kSkip:
      Skip(run, instance, "skipped by trigger rule " + std::string(ToString(task.trigger_rule)));
      return;
    case Readiness::kUpstreamFailed:
      instance.row.reason = "an upstream task failed";
      SetState(run, instance, TaskState::kUpstreamFailed);
      return;
  }
}

void Engine::State::OnReady(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (const Task* branch = NotChosenBy(run, instance); branch != nullptr) {
    Skip(run, instance, "not chosen by " + branch->id);
    return;
  }
  if (task.depends_on_past && !PastAllows(run, task, instance.row.task())) return;
  if (task.mapped() && !run.mapped.contains(instance.row.task())) {
    expanding.insert(instance.row.key);
    return;
  }
  SetState(run, instance, TaskState::kScheduled);
}

void Engine::State::TellDownstream() {
  // `ended` grows while it is walked: skips and upstream failures cascade.
  for (std::size_t i = 0; i < ended.size(); ++i) {
    const TaskInstanceKey key = ended[i];
    LiveRun* run = FindRun(key.run);
    if (run == nullptr) continue;
    Instance& instance = run->at(key.index);
    instance.untold = false;
    if (instance.row.state == TaskState::kRemoved) continue;
    EachDownstream(*run, instance, [&](Instance& next) {
      Count(next.ends, instance.row.state, 1);
      const std::vector<std::int32_t>& skips = instance.row.skips;
      const bool skipped = !skips.empty() && next.row.state == TaskState::kNone &&
                           std::find(skips.begin(), skips.end(), next.row.task()) != skips.end();
      if (skipped && run->row.state == RunState::kRunning) {
        Skip(*run, next, "not chosen by " + TaskOf(*run, instance).id);
      } else {
        Evaluate(*run, next);
      }
    });
    TellGate(*run, TaskOf(*run, instance));
    TellFollowers(*run, instance.row.task());
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
    const TaskState state = instance.row.state;
    if (state != TaskState::kFailed && state != TaskState::kUpstreamFailed) continue;
    failed |= DecidesRun(*run.dag, TaskOf(run, instance));
  }
  failed |= !run.stopped.empty();
  if (failed && MayRetry(run)) {
    RetryLater(run, run.stopped);
    return;
  }
  SetRunState(run, failed ? RunState::kFailed : RunState::kSuccess);
  if (!run.stopped.empty()) run.row.note = run.stopped;
  run.row.ended_at = now.wall;
  DropDeadlines(run);
  if (lineage) TellLineage(run, failed ? LineageEvent::kFail : LineageEvent::kComplete, run.stopped);
  if (run.row.state == RunState::kSuccess) {
    TellRun(run, CallbackCause::kSuccess, "success");
  } else {
    TellRun(run, CallbackCause::kFailure, run.stopped.empty() ? "task_failure" : "fail_fast");
  }
  CountFailure(*run.owner, run.row, run.row.state == RunState::kFailed);
  CountRunning(run, -1);
  active_instances -= run.counted;
  woken.insert(run.row.dag_id);
  woken.merge(crowded);
  crowded.clear();
  Evict(run);
}

// Backfills do not count: dates of long ago say nothing about today's.
void Engine::State::CountFailure(LiveDag& dag, const Run& run, bool failed) {
  const std::int32_t limit = dag.dag->max_consecutive_failed_runs;
  if (run.type == RunType::kBackfill || (limit == 0 && dag.row.failures == 0)) return;
  dag.row.failures = failed && limit > 0 ? dag.row.failures + 1 : 0;
  Touch(dag);
  if (limit == 0 || dag.row.failures < limit || dag.row.paused) return;
  dag.row.failures = 0;
  dag.row.paused = true;
  out->batch.records.push_back(AuditRecord{now.wall, "scheduler", "pause", dag.row.dag_id,
                                           R"({"reason":"max_consecutive_failed_dag_runs"})"});
  for (const auto& [id, key] : dag.runs) RelistRun(runs.find(key)->second);
}

void Engine::State::Evict(LiveRun& run) {
  LookAgain();  // at the run's end, while it is there
  FlushRows();
  for (const std::int64_t counts : {run.suppressed, run.lineage_suppressed}) {
    if (counts != 0) Drop(counts);  // its count is in the store
  }
  run.owner->runs.erase(run.row.run_id);
  if (run.past != nullptr && run.past->known && !run.past->none) {
    const auto followers = run.owner->followers.find(run.past->run);
    if (followers != run.owner->followers.end()) {
      followers->second.erase(run.row.key);
      if (followers->second.empty()) run.owner->followers.erase(followers);
    }
  }
  for (auto& [pool, lane] : run.lanes) {
    lane.waiting.clear();
    Relist(lane);
  }
  runs.erase(run.row.key);
}

void Engine::State::StopRest(LiveRun& run, const std::string& reason, bool teardowns,
                             std::vector<TaskInstanceKey>* touched) {
  for (std::size_t i = 0; i < run.instances.size(); ++i) {
    Instance& instance = run.instances[i];
    const TaskState state = instance.row.state;
    if (IsTerminal(state) || (!teardowns && TaskOf(run, instance).role == TaskRole::kTeardown)) continue;
    if (touched != nullptr) touched->push_back(instance.row.key);
    instance.row.reason = reason;
    const bool begun = HasAttempt(state) || state == TaskState::kDeferred;
    if (begun) Unwant(run, instance, reason);
    SetState(run, instance, begun ? TaskState::kFailed : TaskState::kSkipped, true);
  }
}

void Engine::State::SetDeadline(LiveRun& run, WallTime started) {
  if (run.dag->run_timeout <= Duration(0)) return;
  const Duration left =
      std::clamp(started + run.dag->run_timeout - now.wall, Duration(0), run.dag->run_timeout);
  run.deadline = now.boot + left;
  timers.Add({*run.deadline, TimerKind::kRunTimeout, {}, {run.row.key, -1}, 0, {}});
}

void Engine::State::OnRunTimeout(LiveRun& run) {
  if (run.row.state != RunState::kRunning || !run.deadline || *run.deadline > now.boot) return;
  const std::string reason = "timed out: dagrun_timeout is " + FormatDuration(run.dag->run_timeout);
  if (MayRetry(run)) {
    RetryLater(run, reason);
    return;
  }
  // First the run, so that nothing becomes ready while its instances end.
  SetRunState(run, RunState::kFailed);
  run.row.ended_at = now.wall;
  run.row.note = reason;
  DropDeadlines(run);
  if (lineage) TellLineage(run, LineageEvent::kFail, reason);
  TellRun(run, CallbackCause::kFailure, "timed_out");
  CountFailure(*run.owner, run.row, true);
  CountRunning(run, -1);
  active_instances -= run.counted;
  StopRest(run, reason, true, nullptr);
  woken.insert(run.row.dag_id);
  TellDownstream();
  Evict(run);
}

DagPtr Engine::State::FindVersion(const LiveDag& dag, std::int32_t version) const {
  if (version == dag.row.version) return dag.dag;
  const auto found = versions.find({dag.row.dag_id, version});
  return found == versions.end() ? nullptr : found->second;
}

}  // namespace millrace::engine
