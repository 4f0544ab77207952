// How attempts end, and what follows: success, a retry later, the same try again after a loss, or failure.
#include <algorithm>
#include <cmath>

#include "core/calendar/format.h"
#include "core/model/json.h"
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

// Drawn from the try's identity: the same after a restart, and different between the instances of a burst.
Duration Jittered(Duration delay, double jitter, const TaskInstance& row) {
  if (jitter <= 0) return delay;
  std::uint64_t mixed = static_cast<std::uint64_t>(ToInt(row.key.run)) * 0x9e3779b97f4a7c15ULL;
  for (const std::int32_t part : {row.key.index, row.try_number}) {
    mixed = (mixed ^ static_cast<std::uint64_t>(part)) * 0xbf58476d1ce4e5b9ULL;
    mixed ^= mixed >> 29;
  }
  const double unit = static_cast<double>(mixed >> 11) / static_cast<double>(1ULL << 53);
  return Duration(
      static_cast<std::int64_t>(static_cast<double>(delay.count()) * (1 + jitter * (2 * unit - 1))));
}

// As `except` would: the class or one that it is derived from, which stand behind it ("requests.Timeout<OSError").
// A name without a module stands for the class of that name in any.
bool IsA(std::string_view name, std::string_view classes) {
  while (true) {
    const std::string_view known = classes.substr(0, classes.find('<'));
    if (known == name) return true;
    const std::size_t dot = known.rfind('.');
    if (dot != known.npos && name.find('.') == name.npos && known.substr(dot + 1) == name) return true;
    if (known.size() == classes.size()) return false;
    classes.remove_prefix(known.size() + 1);
  }
}

const RetryRule* RuleFor(const RetryPolicy& policy, const engine::End& end) {
  for (const RetryRule& rule : policy.rules) {
    const bool code =
        rule.exit_codes.empty() || (end.exit_code && std::find(rule.exit_codes.begin(), rule.exit_codes.end(),
                                                               *end.exit_code) != rule.exit_codes.end());
    const bool error = rule.error_classes.empty() ||
                       std::any_of(rule.error_classes.begin(), rule.error_classes.end(),
                                   [&](const std::string& name) { return IsA(name, end.error_class); });
    if (code && error && end.message.find(rule.match) != std::string::npos) return &rule;
  }
  return nullptr;
}

// Why the rule no longer reschedules; "": it does.
std::string LimitReached(const RetryRule& rule, const TaskInstance& row, WallTime now) {
  if (rule.max_reschedules > 0 && row.rescheduled >= rule.max_reschedules)
    return "max_reschedules is " + std::to_string(rule.max_reschedules);
  const WallTime since = row.waits_since.value_or(row.started_at.value_or(now));
  if (rule.reschedule_timeout > Duration(0) && now - since >= rule.reschedule_timeout)
    return "reschedule_timeout is " + FormatDuration(rule.reschedule_timeout);
  return "";
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
  if (attempt.notification != 0) {
    OnDeliveryReport(attempt, report);
    return;
  }
  if (attempt.watches) {
    OnWatchReport(report);
    return;
  }
  if (report.ended && report.outcome == Outcome::kLost) {
    OnLost(report.fence, report.message, attempt.started);
    return;
  }
  LiveRun* run = FindRun(attempt.instance.run);
  Instance* instance = FindInstance(attempt.instance);
  if (!report.ended) {
    attempt.started = true;
    if (attempt.wanted && !attempt.stage) OnStarted(*run, *instance, report.started_at);
  } else if (report.outcome == Outcome::kNotYet && attempt.slots == 0) {
    OnLost(report.fence, report.message, false);
  } else if (attempt.stage && attempt.wanted) {
    OnStageEnded(report.fence, report);
  } else if (attempt.wanted) {
    Vacate(report.fence);
    OnEnded(*run, *instance,
            {report.outcome, report.exit_code, report.message, report.result, report.xcoms, report.started_at,
             report.ended_at, report.error_class});
  } else {
    OnDroppedEnded(attempt, report);
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
  Tell(run, instance, CallbackCause::kExecute);
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
  const bool began = row.state == TaskState::kRunning || row.state == TaskState::kDeferred;
  if (!began && !end.cached) Tell(run, instance, CallbackCause::kExecute);  // its start is told with its end
  if (lineage && !end.cached) ending.emplace(row.key, &end);
  Conclude(run, instance, end);
  ending.reset();
}

void Engine::State::Conclude(LiveRun& run, Instance& instance, const engine::End& end) {
  std::string refusal;
  if (!KeepXComs(instance, end, &refusal)) {
    Fail(run, instance, {Outcome::kFailFinal, end.exit_code, refusal, "", {}, {}, {}}, false);
    return;
  }
  if (end.outcome == Outcome::kSuccess && LoopsOn(run, instance, end)) return;
  if (end.outcome == Outcome::kSuccess && TaskOf(run, instance).steering != Steering::kNone) {
    const StatusOr<Value> result = ParseJson(end.result.empty() ? "null" : end.result);
    const Status steered =
        result.ok() ? Steer(run, instance, *result) : result.status().WithContext("its result");
    if (!steered.ok()) {
      Fail(run, instance, {Outcome::kFailFinal, end.exit_code, steered.message(), "", {}, {}, {}}, false);
      return;
    }
  }
  // What stood for it was told when it was made; nothing is newer now.
  std::vector<OutletEvent> outlets;
  if (end.outcome == Outcome::kSuccess && !end.cached) {
    StatusOr<std::vector<OutletEvent>> said = OutletEventsOf(TaskOf(run, instance), end.result, end.xcoms);
    if (!said.ok()) {
      Fail(run, instance, {Outcome::kFailFinal, end.exit_code, said.status().message(), "", {}, {}, {}},
           false);
      return;
    }
    outlets = std::move(said).value();
  }
  const bool failed = end.outcome != Outcome::kSuccess && end.outcome != Outcome::kSkipped &&
                      end.outcome != Outcome::kNotYet;
  if (failed && TaskOf(run, instance).sensor && SensorPolicyOf(TaskOf(run, instance).with).never_fail) {
    SetState(run, instance, TaskState::kSkipped);
    return;
  }
  switch (end.outcome) {
    case Outcome::kSuccess:
      KeepInCache(run, instance, end);
      SetState(run, instance, TaskState::kSuccess);
      TellDatasets(run, instance, outlets);
      Tell(run, instance, CallbackCause::kSuccess);
      return;
    case Outcome::kSkipped:
      SetState(run, instance, TaskState::kSkipped);
      Tell(run, instance, CallbackCause::kSkipped);
      return;
    case Outcome::kFailed:
    case Outcome::kKilled:
    case Outcome::kLost:
    case Outcome::kNotYet:  // a sensor's, and that is handed back
      Fail(run, instance, end, true);
      return;
    case Outcome::kFailFinal:
      Fail(run, instance, end, false);
      return;
  }
}

void Engine::State::Fail(LiveRun& run, Instance& instance, const engine::End& end, bool may_retry) {
  TaskInstance& row = instance.row;
  const Task& task = TaskOf(run, instance);
  const RetryPolicy& policy = task.retry;
  row.reason = end.message;
  if (!row.ended_at) row.ended_at = now.wall;
  const RetryRule* rule = RuleFor(policy, end);
  if (may_retry && rule != nullptr && rule->reschedule) {
    const std::string limit = LimitReached(*rule, row, now.wall);
    if (limit.empty()) {
      KeepAttempt(instance, TaskState::kUpForReschedule, end.exit_code);
      Reschedule(run, instance, *rule);
      return;
    }
    row.reason += " (not rescheduled again: " + limit + ")";
    rule = nullptr;  // then as if there were none
  }
  KeepAttempt(instance, TaskState::kFailed, end.exit_code);
  if (!may_retry || row.try_number > row.max_tries || (rule != nullptr && !rule->retry)) {
    SetState(run, instance, TaskState::kFailed);
    Tell(run, instance, CallbackCause::kFailure);
    if (run.dag->fail_fast && task.role != TaskRole::kTeardown && run.row.state == RunState::kRunning) {
      run.stopped = "fail_fast: task " + task.id + " failed";
      StopRest(run, run.stopped, false, nullptr);
    }
    return;
  }
  // After a clear, tries count on but retries start over.
  const std::int32_t retry = row.try_number - (row.max_tries - policy.retries);
  const Duration delay =
      Jittered(rule != nullptr && rule->delay ? *rule->delay : RetryDelay(policy, retry), policy.jitter, row);
  SetState(run, instance, TaskState::kUpForRetry);
  row.due_at = now.wall + delay;
  timers.Add({now.boot + delay, TimerKind::kRetry, {}, row.key, row.try_number, {}});
  Tell(run, instance, CallbackCause::kRetry);
}

// The next attempt has a number of its own, and so a log of its own; that it is allowed leaves the retries as they are.
void Engine::State::Reschedule(LiveRun& run, Instance& instance, const RetryRule& rule) {
  TaskInstance& row = instance.row;
  const RetryPolicy& policy = TaskOf(run, instance).retry;
  const Duration delay = Jittered(rule.delay.value_or(policy.delay), policy.jitter, row);
  if (!row.waits_since) row.waits_since = row.started_at.value_or(now.wall);
  ++row.max_tries;
  ++row.rescheduled;
  SetState(run, instance, TaskState::kUpForReschedule);
  row.due_at = now.wall + delay;
  timers.Add({now.boot + delay, TimerKind::kRetry, {}, row.key, row.try_number, {}});
}

void Engine::State::OnRetryDue(LiveRun& run, Instance& instance) {
  if (IsLoopGate(TaskOf(run, instance))) {
    BeginIteration(run, instance);
    return;
  }
  TaskInstance& row = instance.row;
  row.lost = 0;
  if (row.state == TaskState::kUpForRetry) {
    row.rescheduled = 0;
    if (!TaskOf(run, instance).sensor) row.waits_since.reset();
  }
  SetState(run, instance, TaskState::kScheduled);
}

void Engine::State::OnLost(Fence fence, const std::string& why, bool counts) {
  const LiveAttempt attempt = attempts.find(fence)->second;
  if (attempt.notification != 0) {
    OnDeliveryLost(fence, why, counts);
    return;
  }
  if (attempt.watches) {
    OnWatchLost(fence);
    return;
  }
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
  instance.row.rescheduled = 0;
  if (TaskOf(run, instance).loop_gate < 0) instance.row.loop.clear();
  SetState(run, instance, TaskState::kNone, true);
  Evaluate(run, instance);
}

}  // namespace millrace::engine
