// How attempts end, and what follows: success, a retry later, the same try again after a loss, or failure.
#include <algorithm>
#include <cmath>

#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

// A worker's wall clock is only believed between what we know ourselves.
WallTime Between(WallTime low, WallTime time, WallTime high) {
  return std::clamp(time, std::min(low, high), high);
}

Duration RetryDelay(const RetryPolicy& policy, std::int32_t retry) {
  const double factor = std::pow(std::max(policy.multiplier, 1.0), std::max(retry - 1, 0));
  const double micros = std::min(static_cast<double>(policy.delay.count()) * factor,
                                 static_cast<double>(policy.max_delay.count()));
  return Duration(static_cast<std::int64_t>(std::max(micros, 0.0)));
}

}  // namespace

void Engine::State::OnReported(const Reported& event) {
  Session* session = FindSession(event.session);
  if (session == nullptr) return;  // over: whatever it says is stale
  for (const Report& report : event.reports) OnReport(*session, report);
  Acknowledge(*session);
}

void Engine::State::Acknowledge(Session& session) {
  if (session.next_report <= 1) return;
  const AckReports ack{session.row.session, session.next_report - 1};
  if (session.acknowledgement.stamp == out->stamp) {
    out->effects[session.acknowledgement.index] = ack;
    return;
  }
  session.acknowledgement = {out->stamp, static_cast<std::uint32_t>(out->effects.size())};
  Emit(ack);
}

void Engine::State::OnReport(Session& session, const Report& report) {
  // Seen before, or one before it has not come: then neither is acknowledged, and the worker sends both
  // again.
  if (session.next_report != 0 && report.sequence != session.next_report) return;
  session.next_report = report.sequence + 1;
  const auto found = attempts.find(report.fence);
  if (found == attempts.end() || found->second.session != session.row.session) return;  // stale
  LiveAttempt& attempt = found->second;
  if (report.ended && report.outcome == Outcome::kLost) {
    OnLost(report.fence, report.message, attempt.started);
    return;
  }
  LiveRun* run = FindRun(attempt.instance.run);
  Instance* instance = FindInstance(attempt.instance);
  if (!report.ended) {
    attempt.started = true;
    if (attempt.wanted && !attempt.stage) OnStarted(*run, *instance, report.started_at);
  } else if (attempt.stage && attempt.wanted) {
    OnStageEnded(report.fence, report);
  } else if (attempt.wanted) {
    Vacate(report.fence);
    OnEnded(*run, *instance,
            {report.outcome, report.exit_code, report.message, report.result, report.started_at,
             report.ended_at});
  } else {
    Vacate(report.fence);
    if (instance != nullptr && instance->row.fence == report.fence &&
        instance->row.state == TaskState::kRestarting) {
      FinishRestart(*run, *instance);
    }
  }
}

void Engine::State::OnStarted(LiveRun& run, Instance& instance, WallTime at) {
  if (instance.row.state != TaskState::kQueued) return;
  const Task& task = TaskOf(run, instance);
  SetState(run, instance, TaskState::kRunning);
  instance.row.started_at = Between(instance.row.queued_at.value_or(now.wall), at, now.wall);
  if (task.execution_timeout > Duration(0)) {
    const Duration limit = task.execution_timeout + task.kill_grace + options.lease;
    timers.Add({now.boot + limit, TimerKind::kBackstop, {}, {}, 0, instance.row.fence});
  }
}

void Engine::State::OnEnded(LiveRun& run, Instance& instance, const engine::End& end) {
  TaskInstance& row = instance.row;
  const WallTime low = row.queued_at.value_or(now.wall);
  if (!row.started_at) row.started_at = Between(low, end.started_at, now.wall);
  row.ended_at = Between(*row.started_at, end.ended_at, now.wall);
  row.reason = end.message;
  if (!end.result.empty()) out->batch.results.push_back({row.key, end.result});
  switch (end.outcome) {
    case Outcome::kSuccess:
      SetState(run, instance, TaskState::kSuccess);
      return;
    case Outcome::kSkipped:
      SetState(run, instance, TaskState::kSkipped);
      return;
    case Outcome::kFailed:
    case Outcome::kKilled:
    case Outcome::kLost:
    case Outcome::kNotYet:  // only sensors say so, and those are looked at before
      Fail(run, instance, end, true);
      return;
    case Outcome::kFailFinal:
      Fail(run, instance, end, false);
      return;
  }
}

void Engine::State::Fail(LiveRun& run, Instance& instance, const engine::End& end, bool may_retry) {
  TaskInstance& row = instance.row;
  const RetryPolicy& policy = TaskOf(run, instance).retry;
  row.reason = end.message;
  if (!row.ended_at) row.ended_at = now.wall;
  KeepAttempt(instance, TaskState::kFailed, end.exit_code);
  if (!may_retry || row.try_number > row.max_tries) {
    SetState(run, instance, TaskState::kFailed);
    return;
  }
  // After a clear, tries count on but retries start over.
  const Duration delay = RetryDelay(policy, row.try_number - (row.max_tries - policy.retries));
  SetState(run, instance, TaskState::kUpForRetry);
  row.due_at = now.wall + delay;
  timers.Add({now.boot + delay, TimerKind::kRetry, {}, row.key, row.try_number, {}});
}

void Engine::State::OnLost(Fence fence, const std::string& why, bool counts) {
  const LiveAttempt attempt = attempts.find(fence)->second;
  if (attempt.stage) {
    OnStageLost(fence, why, counts);
    return;
  }
  Vacate(fence);
  LiveRun* run = FindRun(attempt.instance.run);
  Instance* instance = FindInstance(attempt.instance);
  if (instance == nullptr || instance->row.fence != fence) return;
  TaskInstance& row = instance->row;
  if (!attempt.wanted) {
    if (row.state == TaskState::kRestarting) FinishRestart(*run, *instance);
    return;
  }
  row.ended_at = now.wall;
  engine::End end;
  end.message = "lost: " + why;
  if (counts) {
    ++row.lost;
    if (TaskOf(*run, *instance).on_worker_lost == OnWorkerLost::kFail || row.lost > options.max_lost) {
      if (row.lost > options.max_lost) end.message += " (" + std::to_string(row.lost) + " times)";
      Fail(*run, *instance, end, false);
      return;
    }
  }
  row.reason = end.message;
  KeepAttempt(*instance, TaskState::kFailed, std::nullopt);
  // The same try goes on: starting it counts it again.
  --row.try_number;
  row.started_at.reset();
  row.ended_at.reset();
  SetState(*run, *instance, TaskState::kScheduled);
}

void Engine::State::Unwant(LiveRun& run, Instance& instance, const std::string& reason) {
  if (IsJob(TaskOf(run, instance))) {
    EndJob(instance.row.key, reason, "failed");
    return;
  }
  const auto found = attempts.find(instance.row.fence);
  if (found == attempts.end() || !found->second.wanted) return;
  found->second.wanted = false;
  Emit(CancelAttempt{found->second.session, found->first, reason});
}

void Engine::State::FinishRestart(LiveRun& run, Instance& instance) {
  instance.row.lost = 0;
  SetState(run, instance, TaskState::kNone, true);
  Evaluate(run, instance);
}

}  // namespace millrace::engine
