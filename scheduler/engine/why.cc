// Questions: what a task instance waits for or how it ended, the workers, a job's report. Read only.
#include "core/calendar/format.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kNamesShown = 5;

// "a, b, c and 7 more"
std::string Names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesShown) text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

WhyReason WhyUpstream(const LiveRun& run, const Task& task) {
  std::vector<std::string> waiting;
  for (const std::int32_t index : task.upstream) {
    const auto i = static_cast<std::size_t>(index);
    const TaskState state = i < run.instances.size() ? run.instances[i].row.state : TaskState::kNone;
    if (!IsTerminal(state))
      waiting.push_back(run.dag->tasks[i].id + " (" + std::string(ToString(state)) + ")");
  }
  return {"upstream", "waits for upstream tasks: " + Names(waiting) + "; trigger rule " +
                          std::string(ToString(task.trigger_rule))};
}

}  // namespace

StatusOr<Why> Engine::State::AnswerWhy(const AskWhy& question) const {
  const auto found = runs.find(question.run);
  if (found == runs.end()) return NotFound("run is not active: " + std::to_string(ToInt(question.run)));
  const LiveRun& run = found->second;
  const auto index = static_cast<std::size_t>(question.index);
  if (question.index < 0 || index >= run.dag->tasks.size()) {
    return NotFound("run " + run.row.run_id + " has no task with index " + std::to_string(question.index));
  }
  const Task& task = run.dag->tasks[index];
  const LiveDag& dag = *run.owner;
  Why why;
  if (dag.row.paused) why.reasons.push_back({"paused", "DAG " + dag.row.dag_id + " is paused; unpause it"});
  if (run.row.state == RunState::kQueued) {
    if (dag.running >= dag.dag->max_active_runs) {
      why.reasons.push_back({"limit", "its run is queued: " + std::to_string(dag.running) +
                                          " runs are active and max_active_runs is " +
                                          std::to_string(dag.dag->max_active_runs)});
    }
    if (crowded.contains(dag.row.dag_id)) {
      why.reasons.push_back({"limit", "its run is queued: a million task instances are active already"});
    }
    return why;
  }
  if (index >= run.instances.size()) {
    why.reasons.push_back(
        {"creating", "its run has just started; this task instance is still to be created"});
    return why;
  }
  const TaskInstance& row = run.instances[index].row;
  why.state = row.state;
  switch (row.state) {
    case TaskState::kNone:
      why.reasons.push_back(WhyUpstream(run, task));
      break;
    case TaskState::kScheduled: {
      if (!row.reason.empty()) why.reasons.push_back({"lost", row.reason + "; it runs again"});
      if (run.active >= run.dag->max_active_tasks) {
        why.reasons.push_back({"limit", std::to_string(run.active) +
                                            " tasks of this run are active and max_active_tasks is " +
                                            std::to_string(run.dag->max_active_tasks)});
      }
      const Pool& pool = pools.find(task.pool)->second;
      if (pool.used + task.pool_slots > pool.size) {
        why.reasons.push_back({"pool", pool.size == 0
                                           ? "pool " + pool.name + " does not exist"
                                           : "needs " + std::to_string(task.pool_slots) + " of pool " +
                                                 pool.name + ": " + std::to_string(pool.used) + " of " +
                                                 std::to_string(pool.size) + " slots are taken"});
      }
      if (free_workers.empty()) {
        why.reasons.push_back({"slot", sessions.empty()
                                           ? "no worker is connected; start one with millrace-worker"
                                           : "no connected worker takes work (away or draining)"});
      } else if (why.reasons.empty()) {
        why.reasons.push_back(
            {"slot", "all slots of all workers are busy, or taken by tasks of higher priority"});
      }
      break;
    }
    case TaskState::kQueued:
      why.reasons.push_back({"worker", "given to worker " + row.worker + ", which has not started it yet"});
      break;
    case TaskState::kRunning:
      why.reasons.push_back({"running", row.worker.empty() ? "running as a job on the workers"
                                                           : "running on worker " + row.worker});
      break;
    case TaskState::kUpForRetry:
      why.reasons.push_back({"timer", "failed (" + row.reason + "); try " +
                                          std::to_string(row.try_number + 1) + " starts at " +
                                          FormatTime(row.due_at.value_or(WallTime{}))});
      break;
    case TaskState::kRestarting:
      why.reasons.push_back(
          {"worker", "cleared while running: waits until worker " + row.worker + " has stopped it"});
      break;
    default:
      why.reasons.push_back({"ended", row.reason.empty() ? std::string(ToString(row.state)) : row.reason});
      break;
  }
  return why;
}

std::vector<WorkerView> Engine::State::AnswerWorkers() const {
  std::vector<WorkerView> views;
  for (const auto& [id, session] : sessions) {
    WorkerView view;
    view.session = id;
    view.offer = session.row.offer;
    view.connected = session.connected;
    view.draining = session.draining;
    view.slots_used = session.used;
    view.attempts = static_cast<std::int32_t>(session.attempts.size());
    view.joined_at = session.row.joined_at;
    view.last_heartbeat = session.last_heartbeat;
    views.push_back(std::move(view));
  }
  return views;
}

StatusOr<std::string> Engine::State::AnswerJob(const AskJob& question) const {
  const auto found = jobs.find(question.job.instance);
  if (found == jobs.end() || found->second.key != question.job) return NotFound("job is not running");
  if (found->second.job == nullptr)
    return Unavailable("the job waits for its workers after a restart; ask again");
  return found->second.job->ReportJson();
}

}  // namespace millrace::engine
