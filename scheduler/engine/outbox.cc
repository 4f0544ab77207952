// Callbacks: a transition that somebody wants to hear of writes a row in its own commit; workers deliver the
// rows as attempts beside their slots, at least once, and report. Nothing here changes a task instance or a
// run.
//
// A try that fails is followed by another, later each time, kMostTries in all; then the row has failed and
// says why. A run tells options.notifications_per_run of its tasks' callbacks; one row counts the rest.
#include <algorithm>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/model/secret_text.h"
#include "scheduler/engine/callback.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

constexpr std::int32_t kMostTries = 10;
constexpr Duration kFirstDelay = std::chrono::seconds(10);
constexpr Duration kLongestDelay = std::chrono::minutes(10);
constexpr Duration kDeliveryGrace = std::chrono::seconds(2);

Duration DelayAfter(std::int32_t tries) {
  Duration delay = kFirstDelay;
  for (std::int32_t i = 1; i < tries && delay < kLongestDelay; ++i) delay *= 2;
  return std::min(delay, kLongestDelay);
}

// `delivery`: the row's, rendered.
Assignment AssignmentOf(const Notification& row, const Delivery& delivery) {
  Assignment assignment;
  assignment.fence = row.fence;
  assignment.instance = {row.run, kNotificationLog};
  assignment.dag_id = row.dag_id;
  assignment.run_id = row.run_id;
  assignment.task_id = row.task_id;
  assignment.try_number = static_cast<std::int32_t>(row.id & INT32_MAX);
  assignment.kind = row.kind;
  assignment.with = delivery.with;
  assignment.context = delivery.context;
  assignment.environment = delivery.environment;
  assignment.environment.emplace_back("MILLRACE_IDEMPOTENCY_KEY", IdempotencyKey(row));
  assignment.environment.emplace_back("MILLRACE_FENCE", ToString(row.fence));
  assignment.connections = delivery.connections;
  assignment.team = delivery.team;
  assignment.files = delivery.files;
  assignment.dag_hash = delivery.dag_hash;
  assignment.timeout = delivery.timeout;
  assignment.kill_grace = kDeliveryGrace;
  assignment.slots = 0;
  return assignment;
}

// The task instance that decided how a run ended: the first that failed; of a success, the one that ended
// last.
const Instance* Deciding(const LiveRun& run, bool failed) {
  const Instance* found = nullptr;
  for (const Instance& instance : run.instances) {
    const TaskState state = instance.row.state;
    if (failed) {
      if (state == TaskState::kFailed) return &instance;
      if (!IsTerminal(state) && found == nullptr) found = &instance;
    } else if (state == TaskState::kSuccess &&
               (found == nullptr || found->row.ended_at.value_or(WallTime{}) < instance.row.ended_at)) {
      found = &instance;
    }
  }
  return found;
}

}  // namespace

void Engine::State::Tell(LiveRun& run, const Instance& instance, CallbackCause cause) {
  const Task& task = TaskOf(run, instance);
  for (const std::int32_t place : task.callbacks) {
    const Callback& callback = run.dag->callbacks[static_cast<std::size_t>(place)];
    if (callback.on != cause) continue;
    if (run.notified >= options.notifications_per_run) {
      Suppress(run, cause);
      continue;
    }
    const TaskInstance& row = instance.row;
    CallbackFacts facts;
    if (cause == CallbackCause::kFailure || cause == CallbackCause::kRetry) facts.exception = row.reason;
    facts.reason = row.reason;
    AddNotification(run, callback, &instance, &instance, std::move(facts));
  }
}

void Engine::State::TellRun(LiveRun& run, CallbackCause cause, const std::string& reason) {
  for (const std::int32_t place : run.dag->run_callbacks) {
    const Callback& callback = run.dag->callbacks[static_cast<std::size_t>(place)];
    if (callback.on != cause) continue;
    const Instance* decided_by = Deciding(run, cause == CallbackCause::kFailure);
    CallbackFacts facts;
    facts.reason = reason;
    if (cause == CallbackCause::kFailure) {
      facts.exception = !run.row.note.empty() ? run.row.note
                        : decided_by != nullptr ? decided_by->row.reason
                                              : "";
    }
    AddNotification(run, callback, nullptr, decided_by, std::move(facts));
  }
}

void Engine::State::TellDeadline(LiveRun& run, std::int32_t index, WallTime due) {
  for (const std::int32_t place : run.dag->deadlines[static_cast<std::size_t>(index)].callbacks) {
    CallbackFacts facts;
    facts.reason = "the deadline was " + FormatTime(due);
    facts.deadline = due;
    facts.deadline_index = index;
    AddNotification(run, run.dag->callbacks[static_cast<std::size_t>(place)], nullptr, nullptr,
                    std::move(facts));
  }
}

// `of`: the task instance whose callback it is, null for the run's; `about`: the one that templates see.
void Engine::State::AddNotification(LiveRun& run, const Callback& callback, const Instance* of,
                                    const Instance* about, CallbackFacts facts) {
  static const Task kNoTask;
  static const TaskInstance kNoInstance;
  const Task& task = about == nullptr ? kNoTask : TaskOf(run, *about);
  const TaskInstance& instance = about == nullptr ? kNoInstance : about->row;
  facts.cause = std::string(ToString(callback.on));
  facts.run_state = std::string(ToString(run.row.state));
  facts.run_started_at = run.row.started_at;
  facts.run_ended_at = run.row.ended_at;
  facts.run_url = RunUrl(options.base_url, run.row);
  if (about != nullptr) {
    facts.state = std::string(ToString(instance.state));
    facts.started_at = instance.started_at;
    facts.ended_at = instance.ended_at;
    facts.worker = instance.worker;
    facts.try_number = instance.try_number;
    facts.max_tries = instance.max_tries;
    facts.log_url = LogUrl(options.base_url, run.row, task, instance);
  }
  LiveNotification& notification = AddRow(run, callback.on, of);
  Notification& row = notification.row;
  row.kind = callback.kind;
  row.target = TargetOf(callback);
  ++run.notified;
  StatusOr<Delivery> delivery =
      RenderCallback(run.row, *run.dag, task, instance, callback, facts, EventsOf(run));
  if (!delivery.ok()) {
    DeliveryFailed(notification, delivery.status().message(), false);
    return;
  }
  row.delivery = std::move(delivery).value();
  undelivered.insert(row.id);
  Keep(notification);
}

LiveNotification& Engine::State::AddRow(const LiveRun& run, CallbackCause cause, const Instance* of) {
  const std::int64_t id = next_notification++;
  LiveNotification& notification = notifications[id];
  Notification& row = notification.row;
  row.id = id;
  row.run = run.row.key;
  row.cause = cause;
  row.dag_id = run.row.dag_id;
  row.run_id = run.row.run_id;
  if (of != nullptr) {
    row.index = of->row.key.index;
    row.task_id = TaskOf(run, *of).id;
    row.map_index = of->row.map_index;
    row.try_number = of->row.try_number;
  }
  row.created_at = now.wall;
  row.due_at = now.wall;
  notifications_of_runs.emplace(row.run, id);
  return notification;
}

void Engine::State::Suppress(LiveRun& run, CallbackCause cause) {
  const bool of_lineage = cause == CallbackCause::kLineage;
  std::int64_t& id = of_lineage ? run.lineage_suppressed : run.suppressed;
  if (id == 0) {
    Notification& row = AddRow(run, cause, nullptr).row;
    id = row.id;
    row.state = NotificationState::kSuppressed;
    row.due_at.reset();
    row.count = 0;
    row.reason = of_lineage ? "too many events wait for somebody to take them"
                            : "its run has told of its tasks " + std::to_string(options.notifications_per_run) + " times";
  }
  LiveNotification& notification = notifications.find(id)->second;
  ++notification.row.count;
  notification.row.ended_at = now.wall;
  Keep(notification);
}

void Engine::State::Keep(LiveNotification& notification) {
  std::vector<Notification>& rows = out->batch.notifications;
  if (notification.place.stamp == out->stamp) {
    rows[notification.place.index] = notification.row;
    return;
  }
  notification.place = {out->stamp, static_cast<std::uint32_t>(rows.size())};
  rows.push_back(notification.row);
}

void Engine::State::Drop(std::int64_t id) {
  const auto found = notifications.find(id);
  if (found == notifications.end()) return;
  undelivered.erase(id);
  notifications_of_runs.erase({found->second.row.run, id});
  notifications.erase(found);
}

void Engine::State::Deliver() {
  while (!undelivered.empty() && !couriers.empty()) {
    const std::int64_t id = *undelivered.begin();
    undelivered.erase(undelivered.begin());
    LiveNotification& notification = notifications.find(id)->second;
    Notification& row = notification.row;
    if (!row.delivery.lookups.empty() && notification.values == nullptr) {
      AskForDelivery(row);
      continue;
    }
    Delivery delivery = row.delivery;
    std::vector<std::string> secrets;
    if (const auto values = std::exchange(notification.values, nullptr); values != nullptr) {
      secrets = SecretsOf(values.get());
      TemplateAnswers answers;
      AddFound(*values, answers);
      StatusOr<Delivery> rendered = RenderDelivery(row.delivery, row.kind, answers);
      if (!rendered.ok()) {
        DeliveryFailed(notification, MaskedText(rendered.status().message(), secrets), false);
        continue;
      }
      delivery = std::move(rendered).value();
    }
    Session& session = sessions.find(couriers.begin()->second)->second;
    LiveAttempt attempt;
    attempt.instance = {row.run, kNotificationLog};
    attempt.slots = 0;
    attempt.notification = id;
    row.fence = Occupy(session, attempt);
    row.session = session.row.session;
    row.worker = session.row.offer.name;
    row.state = NotificationState::kRunning;
    row.due_at.reset();
    ++row.attempts;
    Keep(notification);
    const Duration limit = row.delivery.timeout + kDeliveryGrace + options.lease;
    timers.Add({now.boot + limit, TimerKind::kBackstop, {}, {}, 0, row.fence});
    Assignment assignment = AssignmentOf(row, delivery);
    assignment.secrets = std::move(secrets);
    Emit(Assign{session.row.session, std::move(assignment)});
  }
}

// Asked for at each try: a retry by hand finds what was mended meanwhile, and no row holds a secret.
void Engine::State::AskForDelivery(const Notification& row) {
  NeedXComs need;
  need.instance = {RunKey{row.id}, kNotificationLog};
  need.lookups = row.delivery.lookups;
  need.dag_id = row.dag_id;
  need.before = row.delivery.before;
  need.team = row.delivery.team;
  Emit(std::move(need));
}

void Engine::State::OnDeliveryValues(const XComsLoaded& event) {
  const auto found = notifications.find(ToInt(event.instance.run));
  if (found == notifications.end() || found->second.row.state != NotificationState::kPending) return;
  const std::int64_t id = found->first;
  const bool later = std::any_of(event.found.begin(), event.found.end(), [](const FoundValue& one) {
    return !one.value.ok() && one.value.status().code() == Code::kUnavailable;
  });
  if (!event.rows.ok() || later) {
    timers.Add({now.boot + kStorePause, TimerKind::kDelivery, {}, {RunKey{id}, 0}, 0, {}});
    return;
  }
  found->second.values = std::make_shared<const LoadedValues>(LoadedValues{{}, event.found, false, ""});
  undelivered.insert(id);
}

void Engine::State::OnDeliveryReport(const LiveAttempt& attempt, const Report& report) {
  if (report.ended && report.outcome == Outcome::kLost) {
    OnDeliveryLost(report.fence, report.message, attempt.started);
    return;
  }
  if (!report.ended) {
    attempts.find(report.fence)->second.started = true;
    return;
  }
  if (attempt.reply != 0) {
    CommandResult result;
    result.tested = {report.outcome == Outcome::kSuccess, report.message};
    OnTested(report.fence, std::move(result));
    return;
  }
  const std::int64_t id = attempt.notification;
  Vacate(report.fence);
  const auto found = notifications.find(id);
  if (found == notifications.end() || found->second.row.fence != report.fence) return;
  const bool delivered = report.outcome == Outcome::kSuccess || report.outcome == Outcome::kSkipped;
  if (!delivered && found->second.row.state != NotificationState::kRunning) return;  // given up as stuck
  if (!delivered) {
    DeliveryFailed(found->second, report.message, report.outcome != Outcome::kFailFinal);
    return;
  }
  Notification& row = found->second.row;
  row.state = NotificationState::kDelivered;
  row.ended_at = now.wall;
  row.reason.clear();
  Keep(found->second);
  Drop(id);
}

// `counts`: it may have been told already, and be what ended its worker.
void Engine::State::OnDeliveryLost(Fence fence, const std::string& why, bool counts) {
  if (attempts.find(fence)->second.reply != 0) {
    OnTested(fence, Unavailable("the worker that tried it is lost: " + why + "; try again"));
    return;
  }
  const std::int64_t id = attempts.find(fence)->second.notification;
  Vacate(fence);
  const auto found = notifications.find(id);
  if (found == notifications.end() || found->second.row.fence != fence) return;
  Notification& row = found->second.row;
  if (row.state != NotificationState::kRunning) return;  // given up as stuck
  if (counts && row.attempts >= kMostTries) {
    DeliveryFailed(found->second, "lost: " + why, false);
    return;
  }
  if (!counts) --row.attempts;
  row.state = NotificationState::kPending;
  row.due_at = now.wall;
  row.reason = "lost: " + why;
  undelivered.insert(id);
  Keep(found->second);
}

void Engine::State::DeliveryFailed(LiveNotification& notification, const std::string& why, bool may_retry) {
  Notification& row = notification.row;
  row.reason = why;
  if (may_retry && row.attempts < kMostTries) {
    const Duration delay = DelayAfter(row.attempts);
    row.state = NotificationState::kPending;
    row.due_at = now.wall + delay;
    timers.Add({now.boot + delay, TimerKind::kDelivery, {}, {RunKey{row.id}, 0}, row.attempts, {}});
    Keep(notification);
    return;
  }
  row.state = NotificationState::kFailed;
  row.due_at.reset();
  row.ended_at = now.wall;
  Keep(notification);
  const std::string task = row.task_id.empty() ? "" : "/" + row.task_id;
  out->batch.records.push_back(AuditRecord{
      now.wall, "scheduler", "notification_failed", row.dag_id + "/" + row.run_id + task,
      ToJson(Value(Value::Map{
          {"notification", row.id}, {"event", ToString(row.cause)}, {"target", row.target}, {"why", why}}))});
  Drop(row.id);
}

void Engine::State::OnDeliveryDue(std::int64_t id) {
  const auto found = notifications.find(id);
  if (found == notifications.end() || found->second.row.state != NotificationState::kPending) return;
  undelivered.insert(id);
}

void Engine::State::OnDeliveryStuck(Fence fence) {
  const LiveAttempt attempt = attempts.find(fence)->second;
  Emit(CancelAttempt{attempt.session, fence, "timed out"});
  attempts.find(fence)->second.wanted = false;
  if (attempt.reply != 0) {
    Answer(attempt.reply, Unavailable("the worker that tried it did not answer"));
    return;
  }
  const auto found = notifications.find(attempt.notification);
  if (found == notifications.end() || found->second.row.fence != fence) return;
  DeliveryFailed(found->second, "timed out, and its worker did not end it", true);
}

void Engine::State::LoadNotifications(const Image& image) {
  next_notification = image.next_notification;
  for (const auto& [key, count] : image.notified) {
    if (LiveRun* run = FindRun(key); run != nullptr) run->notified = count;
  }
  for (const Notification& row : image.notifications) {
    LiveRun* run = FindRun(row.run);
    if (row.state == NotificationState::kSuppressed && run == nullptr) continue;
    LiveNotification& notification = notifications[row.id];
    notification.row = row;
    notifications_of_runs.emplace(row.run, row.id);
    if (row.state == NotificationState::kSuppressed) {
      (row.cause == CallbackCause::kLineage ? run->lineage_suppressed : run->suppressed) = row.id;
      continue;
    }
    Session* session = FindSession(row.session);
    if (row.state == NotificationState::kRunning && session != nullptr) {
      LiveAttempt attempt;
      attempt.instance = {row.run, kNotificationLog};
      attempt.session = row.session;
      attempt.slots = 0;
      attempt.started = true;
      attempt.notification = row.id;
      attempts.emplace(row.fence, attempt);
      session->attempts.insert(row.fence);
      ++session->delivering;
      const Duration limit = row.delivery.timeout + kDeliveryGrace + options.lease;
      timers.Add({now.boot + limit, TimerKind::kBackstop, {}, {}, 0, row.fence});
      continue;
    }
    const bool lost = row.state == NotificationState::kRunning;
    const Duration left = row.due_at && !lost ? *row.due_at - now.wall : Duration(0);
    notification.row.state = NotificationState::kPending;
    if (left <= Duration(0)) {
      undelivered.insert(row.id);
    } else {
      timers.Add(
          {now.boot + std::min(left, kLongestDelay), TimerKind::kDelivery, {}, {RunKey{row.id}, 0}, 0, {}});
    }
  }
}

void Engine::State::DropNotifications(RunKey run) {
  std::erase_if(out->batch.notifications, [run](const Notification& row) { return row.run == run; });
  for (auto& [id, notification] : notifications) notification.place = {};  // rows have moved
  for (auto at = notifications_of_runs.lower_bound({run, 0});
       at != notifications_of_runs.end() && at->first == run;) {
    const std::int64_t id = (at++)->second;
    const Notification& row = notifications.find(id)->second.row;
    if (const auto attempt = attempts.find(row.fence);
        row.state == NotificationState::kRunning && attempt != attempts.end()) {
      attempt->second.wanted = false;
      Emit(CancelAttempt{attempt->second.session, row.fence, "its run was deleted"});
    }
    Drop(id);
  }
}

CommandReply Engine::State::Retry(const RetryNotification& command) {
  const std::int64_t id = command.row.id;
  const std::string name = "notification " + std::to_string(id);
  if (const auto found = notifications.find(id); found != notifications.end()) {
    Notification& row = found->second.row;
    if (row.state == NotificationState::kSuppressed)
      return FailedPrecondition(name + " counts what is not told");
    if (row.state == NotificationState::kRunning) return CommandResult{};
    row.attempts = 0;
    row.due_at = now.wall;
    undelivered.insert(id);
    Keep(found->second);
    return CommandResult{};
  }
  if (command.row.state != NotificationState::kFailed) {
    return FailedPrecondition(name + " is " + std::string(ToString(command.row.state)) +
                              ": only one that has failed can be tried again");
  }
  if (command.row.delivery.with.empty())
    return FailedPrecondition(name +
                              " could not be made, so there is nothing to send: " + command.row.reason);
  LiveNotification& notification = notifications[id];
  Notification& row = notification.row;
  row = command.row;
  row.state = NotificationState::kPending;
  row.attempts = 0;
  row.ended_at.reset();
  row.due_at = now.wall;
  notifications_of_runs.emplace(row.run, id);
  undelivered.insert(id);
  Keep(notification);
  return CommandResult{};
}

}  // namespace millrace::engine
