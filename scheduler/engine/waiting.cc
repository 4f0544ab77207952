// Sensors: deferred while they wait, without a slot. Time sensors are woken by the wall clock, sensors of
// other DAGs by what happens to those (external.cc); sensors that poll look from time to time on a worker, a
// thousand of them beside its slots, and only their end is told. Their timeouts run here, over retries and
// restarts.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/model/secret_text.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kShownText = 200;

// What a look looks for, to people. No member of `with` that may hold a secret.
std::string LooksFor(const Task& task, const Value& with) {
  std::string text;
  if (task.kind == "sensor_file") {
    text = "the file " + TextOf(with, "path");
  } else if (task.kind == "sensor_sql") {
    text = "a true answer to " + TextOf(with, "sql");
  } else if (task.kind == "sensor_shell") {
    text = "exit status 0 of its command";
  } else if (task.kind == "sensor_python") {
    const std::string function = TextOf(with, "function");
    text = "a true answer of " + (function.empty() ? "main" : function) + " in " + TextOf(with, "file");
  } else {
    std::string url = TextOf(with, "url");
    url = url.substr(0, url.find_first_of("?#"));
    if (const std::size_t at = url.rfind('@'); at != std::string::npos)
      url.erase(0, at + 1);  // user and password
    text = "an answer of " +
           (url.empty() ? "connection " + TextOf(with, "connection") + ", " + TextOf(with, "endpoint") : url);
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= kShownText) return text;
  std::size_t end = kShownText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + "...";
}

}  // namespace

void Engine::State::Defer(LiveRun& run, Instance& instance, const std::string& text, Value wait,
                          std::optional<WallTime> alarm) {
  TaskInstance& row = instance.row;
  SetState(run, instance, TaskState::kDeferred);
  wait.Set("text", MaskedText(text, SecretsOf(instance.values.get())));
  row.wait = ToJson(wait);
  if (!row.started_at) row.started_at = now.wall;
  if (!row.waits_since) row.waits_since = now.wall;
  row.due_at = alarm;
  if (alarm) alarms.emplace(*alarm, row.key);
  waits[row.key].alarm = alarm;
  SetWaitTimeout(run, instance);
}

void Engine::State::ForgetWait(const TaskInstanceKey& key) {
  const auto found = waits.find(key);
  if (found == waits.end()) return;
  const LiveWait& wait = found->second;
  if (wait.alarm) alarms.erase({*wait.alarm, key});
  if (wait.date) {
    const auto watched = watchers.find({wait.target.dag_id, *wait.date});
    watched->second.erase(key);
    if (watched->second.empty()) watchers.erase(watched);
  }
  waits.erase(found);
}

void Engine::State::SetWaitTimeout(const LiveRun& run, const Instance& instance) {
  const TaskInstance& row = instance.row;
  const Duration timeout = SensorPolicyOf(TaskOf(run, instance).with).timeout;
  const Duration left =
      std::clamp(row.waits_since.value_or(now.wall) + timeout - now.wall, Duration(0), timeout);
  timers.Add({now.boot + left, TimerKind::kWaitOver, {}, row.key, row.try_number, {}});
}

void Engine::State::OnWaitOver(LiveRun& run, Instance& instance) {
  const SensorPolicy policy = SensorPolicyOf(TaskOf(run, instance).with);
  const StatusOr<Value> wait = ParseJson(instance.row.wait);
  const std::string reason = "timed out after " + FormatDuration(policy.timeout) + " of waiting for " +
                             (wait.ok() ? TextOf(*wait, "text") : "");
  Unwant(run, instance, reason);
  if (policy.soft_fail || policy.never_fail) {
    Skip(run, instance, reason);
  } else {
    Fail(run, instance, {Outcome::kFailFinal, std::nullopt, reason, "", {}, {}, now.wall}, false);
  }
}

void Engine::State::RingAlarms() {
  while (!alarms.empty() && alarms.begin()->first <= now.wall) {
    const TaskInstanceKey key = alarms.begin()->second;
    LiveRun& run = *FindRun(key.run);
    engine::End end;
    end.started_at = end.ended_at = now.wall;
    OnEnded(run, run.at(key.index), end);
  }
}

bool Engine::State::PlaceSensor(LiveRun& run, Instance& instance) {
  if (sensor_workers.empty()) return false;
  Session& session = sessions.find(sensor_workers.begin()->second)->second;
  StartTry(instance);
  LiveAttempt attempt;
  attempt.instance = instance.row.key;
  attempt.try_number = instance.row.try_number;
  attempt.slots = 0;
  instance.row.fence = Occupy(session, std::move(attempt));
  instance.row.session = session.row.session;
  instance.row.worker = session.row.offer.name;
  StatusOr<Assignment> assignment = MakeAssignment(run, instance);
  const StatusOr<Value> with = assignment.ok() ? ParseJson(assignment->with) : assignment.status();
  if (!with.ok()) {
    Vacate(instance.row.fence);
    OnEnded(run, instance,
            {Outcome::kFailFinal, std::nullopt, with.status().message(), "", {}, now.wall, now.wall});
    return true;
  }
  Defer(run, instance, LooksFor(TaskOf(run, instance), *with), Value(), std::nullopt);
  Emit(Assign{session.row.session, std::move(assignment).value()});
  return true;
}

StatusOr<WallTime> Engine::State::TimeOf(const LiveRun& run, const Instance& instance,
                                         const Value& with) const {
  const WallTime began = instance.row.waits_since.value_or(now.wall);
  if (const auto wait = LengthFrom(with.Find("wait"))) return began + *wait;
  if (const auto after = LengthFrom(with.Find("after")))
    return run.row.interval_end.value_or(run.row.run_after) + *after;
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find(run.dag->schedule.timezone));
  std::string text = TextOf(with, "at");
  // A time of day: of today, as clocks in the DAG's zone show it.
  if (ParseTimeOfDay(text))
    text = FormatTime(began, *zone).substr(0, 10) + "T" + (text[1] == ':' ? "0" : "") + text;
  StatusOr<WallTime> time = ParseTime(text, *zone);
  if (!time.ok()) return time.status().WithContext("'at'");
  return time;
}

void Engine::State::BeginSensor(LiveRun& run, Instance& instance, const Value& with) {
  if (TaskOf(run, instance).kind == "sensor_external_task") {
    BeginExternal(run, instance, with);
    return;
  }
  engine::End end;
  end.started_at = end.ended_at = now.wall;
  const StatusOr<WallTime> time = TimeOf(run, instance, with);
  if (!time.ok()) {
    end.outcome = Outcome::kFailFinal;
    end.message = MaskedText(time.status().message(), SecretsOf(instance.values.get()));
  } else if (*time > now.wall) {
    Defer(run, instance, FormatTime(*time), Value(), *time);
    return;
  }
  OnEnded(run, instance, end);
}

void Engine::State::ResumeWait(LiveRun& run, Instance& instance) {
  const TaskInstance& row = instance.row;
  const Task& task = TaskOf(run, instance);
  LiveWait& wait = waits[row.key];
  wait.alarm = row.due_at;
  if (wait.alarm) alarms.emplace(*wait.alarm, row.key);
  SetWaitTimeout(run, instance);
  if (Polls(task)) {
    LiveAttempt attempt;
    attempt.instance = row.key;
    attempt.try_number = row.try_number;
    attempt.session = row.session;
    attempt.slots = 0;
    attempts.emplace(row.fence, attempt);
    if (Session* session = FindSession(row.session); session != nullptr) {
      ++session->sensors;
      session->attempts.insert(row.fence);
    }
  } else if (!row.due_at) {
    const StatusOr<Value> stored = ParseJson(row.wait);
    const Value* with = stored.ok() ? stored->Find("with") : nullptr;
    const StatusOr<WallTime> date = stored.ok() ? ParseTimeUtc(TextOf(*stored, "date")) : stored.status();
    if (with != nullptr && date.ok()) Watch(instance, ExternalTargetOf(*with), *date);
  }
}

}  // namespace millrace::engine
