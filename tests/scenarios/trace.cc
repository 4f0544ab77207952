#include "tests/scenarios/trace.h"

#include <set>

#include "core/calendar/format.h"
#include "tests/scenarios/line.h"

namespace millrace::test {
namespace {

std::string Of(const std::string& partition_key) {
  return partition_key.empty() ? "" : " with key " + partition_key;
}

// What came of itself says no more than its dataset.
std::string Describe(const DatasetEvent& event) {
  std::string text = "event of " + event.dataset + Of(event.partition_key);
  for (const std::string& alias : event.aliases) text += ", alias " + alias;
  return event.extra == "{}" || event.dag_id.empty() ? text : text + " " + event.extra;
}

std::string Describe(const Backfill& row) {
  return "backfill " + std::to_string(row.id) + " of " + row.dag_id +
         (row.cancelled ? " cancelled"
          : row.paused  ? " paused"
                        : "") +
         (row.completed_at ? " over" : "") + ": " + std::to_string(row.made) + " run, " +
         std::to_string(row.skipped) + " left alone, of " + std::to_string(row.dates);
}

}  // namespace

// Rows that are told once, as they are at the end.
struct Trace::Changed {
  std::set<RunKey> runs;
  std::set<TaskInstanceKey> instances;
  std::set<std::int64_t> backfills, notifications;
};

Trace::Changed Trace::Collect(std::vector<std::string>& lines) const {
  Changed changed;
  for (std::size_t i = before_; i < driver_.batches.size(); ++i) {
    const Batch& batch = driver_.batches[i];
    for (const millrace::Run& run : batch.runs) changed.runs.insert(run.key);
    for (const Transition& transition : batch.transitions) {
      if (transition.index >= 0) changed.instances.insert({transition.run, transition.index});
    }
    for (const SessionRow& session : batch.sessions) {
      if (session.ended_at)
        lines.push_back("session of " + session.offer.name + " ends: " + session.end_reason);
    }
    for (const DatasetEvent& event : batch.dataset_events) lines.push_back(test::Describe(event));
    for (const DatasetWatchRow& row : batch.watches)
      if (!row.failure.empty()) lines.push_back("watch of " + row.dataset + " fails (" + row.failure + ")");
    for (const Record& record : batch.records) {
      if (const auto* audit = std::get_if<AuditRecord>(&record);
          audit != nullptr && audit->user == "scheduler")
        lines.push_back("told: " + audit->action + " " + audit->object + " " + audit->detail);
    }
    for (const XComRow& row : batch.xcoms) {
      if (!row.deleted && IsOfEngine(row.instance))
        lines.push_back(driver_.NameOf(row.instance) + " leaves " + row.key + " " + row.json);
    }
    for (const Attempt& attempt : batch.attempts) lines.push_back(Describe(attempt));
    for (const RunKey run : batch.deleted_runs)
      lines.push_back("run " + std::to_string(ToInt(run)) + " deleted");
    for (const std::string& dag : batch.deleted_dags) lines.push_back("dag " + dag + " deleted");
    for (const Backfill& backfill : batch.backfills) changed.backfills.insert(backfill.id);
    for (const Notification& row : batch.notifications) changed.notifications.insert(row.id);
  }
  return changed;
}

std::vector<std::string> Trace::Lines() const {
  std::vector<std::string> lines;
  const Changed changed = Collect(lines);
  const auto tell = [&lines](const auto& keys, const auto& rows, const auto& describe) {
    for (const auto& key : keys) {
      if (const auto found = rows.find(key); found != rows.end()) lines.push_back(describe(found->second));
    }
  };
  const auto described = [this](const auto& row) { return Describe(row); };
  tell(changed.backfills, driver_.rows.backfills, [](const Backfill& row) { return test::Describe(row); });
  tell(changed.runs, driver_.rows.runs, described);
  tell(changed.instances, driver_.rows.instances, described);
  tell(changed.notifications, driver_.rows.notifications, described);
  for (const CancelAttempt& cancel : driver_.Effects<CancelAttempt>())
    lines.push_back("kill " + ToString(cancel.fence) + ": " + cancel.reason);
  for (const Assign& assign : driver_.Effects<Assign>()) lines.push_back(Describe(assign));
  return lines;
}

// What a task of these kinds leaves is part of its story.
bool Trace::IsOfEngine(const TaskInstanceKey& key) const {
  const DagPtr dag = driver_.rows.DagOf(driver_.rows.runs.at(key.run));
  const std::string& kind = dag->tasks[static_cast<std::size_t>(driver_.rows.instances.at(key).task())].kind;
  return kind == "trigger_dag" || kind == "approval";
}

std::string Trace::Describe(const millrace::Run& run) const {
  std::string text = "run " + run.run_id + " " + std::string(ToString(run.state)) + Of(run.partition_key);
  if (run.type == RunType::kScheduled && !IsTerminal(run.state))
    text += " for " + FormatTime(*run.interval_start) + " to " + FormatTime(*run.interval_end);
  if (run.triggering_task && !IsTerminal(run.state)) {
    text += " triggered by " + run.triggering_task->run_id + "/" + run.triggering_task->task_id + " with " +
            run.conf;
  }
  if (run.retry_at) text += " until " + Clock(*run.retry_at, start_);
  if (run.retries > 0) text += ", retry " + std::to_string(run.retries) + " of " + std::to_string(run.max_retries);
  return run.note.empty() ? text : text + " (" + run.note + ")";
}

std::string Trace::Describe(const Notification& row) const {
  std::string text = "notification " + std::to_string(row.id) + " " + std::string(ToString(row.state));
  if (row.state == NotificationState::kSuppressed) return text + " " + std::to_string(row.count);
  text += ": " + std::string(ToString(row.cause)) + (row.task_id.empty() ? "" : " of " + row.task_id);
  if (row.map_index >= 0) text += "[" + std::to_string(row.map_index) + "]";
  text += ", " + row.target;
  if (row.due_at) text += ", due " + Clock(*row.due_at, start_);
  return row.reason.empty() ? text : text + " (" + row.reason + ")";
}

std::string Trace::Describe(const TaskInstance& row) const {
  std::string text = driver_.NameOf(row.key) + " " + std::string(ToString(row.state));
  const bool sensor = row.state == TaskState::kDeferred && !row.worker.empty();
  if (row.state == TaskState::kQueued || sensor)
    text += " on " + row.worker + ", try " + std::to_string(row.try_number);
  if (row.due_at) text += " until " + Clock(*row.due_at, start_);
  return row.reason.empty() ? text : text + " (" + row.reason + ")";
}

std::string Trace::Describe(const Attempt& attempt) const {
  return "attempt " + ToString(attempt.fence) + " of " + driver_.NameOf(attempt.instance) + " " +
         std::string(ToString(attempt.state)) + (attempt.reason.empty() ? "" : " (" + attempt.reason + ")");
}

std::string Trace::Describe(const Assign& assign) const {
  const Assignment& assignment = assign.assignment;
  const std::string what = assignment.instance.index == kNotificationLog
                               ? "notification " + std::to_string(assignment.try_number)
                           : ToInt(assignment.instance.run) == 0 ? "watch of " + assignment.task_id
                                                                 : driver_.NameOf(assignment.instance);
  return "send " + what + " as " + ToString(assign.assignment.fence) + " to " +
         driver_.rows.sessions.at(assign.session).offer.name;
}

}  // namespace millrace::test
