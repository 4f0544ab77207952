// Questions: what a task instance waits for or how it ended, the workers, a job's report. Read only.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "scheduler/engine/state.h"
#include "scheduler/engine/trigger_rule.h"

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

std::string Times(std::int32_t count) { return count == 1 ? "once" : std::to_string(count) + " times"; }

// "load (running)", or of a mapped task "load (3 of 20 to end)".
std::string Waiting(const LiveRun& run, std::int32_t task) {
  const auto mapped = run.mapped.find(task);
  const std::string& id = run.dag->tasks[static_cast<std::size_t>(task)].id;
  if (mapped == run.mapped.end()) {
    const std::int32_t first = run.first(task);
    const TaskState state = run.has(first) ? run.at(first).row.state : TaskState::kNone;
    return IsTerminal(state) ? "" : id + " (" + std::string(ToString(state)) + ")";
  }
  const auto left = std::count_if(mapped->second.begin(), mapped->second.end(),
                                  [&](std::int32_t index) { return !IsTerminal(run.at(index).row.state); });
  return left == 0
             ? ""
             : id + " (" + std::to_string(left) + " of " + std::to_string(mapped->second.size()) + " to end)";
}

// What a gate waits for besides the last task of its group; of any other task nothing.
std::vector<std::string> BodyLeft(const LiveRun& run, std::int32_t gate) {
  std::vector<std::string> left;
  for (std::size_t i = 0; i < run.dag->tasks.size(); ++i) {
    const auto task = static_cast<std::int32_t>(i);
    if (run.dag->tasks[i].loop_gate != gate || task == gate) continue;
    if (std::string text = Waiting(run, task); !text.empty()) left.push_back(std::move(text));
  }
  return left;
}

WhyReason WhyUpstream(const LiveRun& run, const Task& task) {
  std::vector<std::string> waiting;
  for (const std::int32_t index : task.upstream) {
    if (std::string text = Waiting(run, index); !text.empty()) waiting.push_back(std::move(text));
  }
  return {"upstream", "waits for upstream tasks: " + Names(waiting) + "; trigger rule " +
                          std::string(ToString(task.trigger_rule))};
}

WhyReason WhyPast(const LiveRun& run, const Task& task, const LiveRun* previous) {
  if (!run.past->known) return {"past", "depends_on_past: the run before is being looked up"};
  std::vector<std::string> bad;
  const auto look = [&](std::int32_t index) {
    const TaskState state = run.past->states[static_cast<std::size_t>(index)];
    if (state != TaskState::kSuccess && state != TaskState::kSkipped)
      bad.push_back(run.dag->tasks[static_cast<std::size_t>(index)].id + " (" + std::string(ToString(state)) +
                    ")");
  };
  look(run.dag->FindTask(task.id));
  if (task.wait_for_downstream) {
    for (const std::int32_t next : task.downstream) look(next);
  }
  return {"past", std::string(task.wait_for_downstream ? "wait_for_downstream" : "depends_on_past") +
                      ": in the run before" + (previous == nullptr ? "" : ", " + previous->row.run_id + ",") +
                      " these have not succeeded: " + Names(bad)};
}

// "waits for the file in/x since ...; worker w1 looks every 1m, next at about ...; gives up at ..."
WhyReason WhyWaiting(const Task& task, const TaskInstance& row, WallTime now) {
  const StatusOr<Value> wait = ParseJson(row.wait.empty() ? "{}" : row.wait);
  const Value* text = wait.ok() ? wait->Find("text") : nullptr;
  const WallTime since = row.waits_since.value_or(now);
  std::string message = "waits for " + (text != nullptr && text->is_string() ? text->as_string() : "") +
                        " since " + FormatTime(since);
  const SensorPolicy policy = SensorPolicyOf(task.with);
  if (Polls(task)) {
    message += "; worker " + row.worker + " looks every " + FormatDuration(policy.poke_interval);
    if (policy.exponential_backoff) {
      message += ", then after ever longer waits";
    } else if (row.started_at) {
      const auto looks = (now - *row.started_at) / policy.poke_interval;
      message += ", next at about " + FormatTime(*row.started_at + policy.poke_interval * (std::max<std::int64_t>(looks, 0) + 1));
    }
  }
  message += "; gives up at " + FormatTime(since + policy.timeout);
  return {"sensor", std::move(message)};
}

WhyReason WhyPool(const Task& task, const Pool& pool) {
  if (pool.size == 0) return {"pool", "pool " + pool.name + " does not exist"};
  return {"pool", "needs " + std::to_string(task.pool_slots) + " of pool " + pool.name + ": " +
                      std::to_string(pool.used) + " of " + std::to_string(pool.size) + " slots are taken" +
                      (pool.reserved > 0 ? ", " + std::to_string(pool.reserved) + " by deferred tasks" : "")};
}

WhyReason WhyLimit(const char* name, int limit, const TaskLimit& of, const char* where) {
  return {"limit", std::to_string(of.active) + " instances of this task are active in " + where + " and " +
                       name + " is " + std::to_string(limit)};
}

}  // namespace

void Engine::State::WhyDeferred(const Instance& instance, Why& why) const {
  const TaskInstance& row = instance.row;
  std::string reason = row.reason;
  if (ToInt(row.waits_for) != 0) {
    const auto target = runs.find(row.waits_for);
    reason += target == runs.end() ? ", which has ended in a state that it does not count: run it again, or mark this task"
                                   : " (" + std::string(ToString(target->second.row.state)) + ")";
  }
  const auto approval = approvals.find(row.key);
  const StatusOr<Value> request =
      approval == approvals.end() ? NotFound("none") : ParseJson(approval->second.request);
  const auto names = [&](const char* field, const char* member) {
    std::vector<std::string> all;
    const Value* list = request->Find(field);
    if (list == nullptr || !list->is_list()) return all;
    for (const Value& one : list->as_list()) all.push_back((member == nullptr ? one : *one.Find(member)).as_string());
    return all;
  };
  std::string then = "then it fails";
  if (request.ok()) {
    reason += "; one of: " + Names(names("options", nullptr));
    if (const auto users = names("assigned_users", "id"); !users.empty()) reason += "; may be given by " + Names(users);
    if (const auto defaults = names("defaults", nullptr); !defaults.empty())
      then = "then " + Names(defaults) + " counts";
  }
  if (row.due_at) reason += "; until " + FormatTime(*row.due_at) + ", " + then;
  why.reasons.push_back({request.ok() ? "approval" : ToInt(row.waits_for) != 0 ? "run" : "deferred", std::move(reason)});
}

StatusOr<Why> Engine::State::AnswerWhy(const AskWhy& question, Now asked_at) const {
  const auto found = runs.find(question.run);
  if (found == runs.end()) return NotFound("run is not active: " + std::to_string(ToInt(question.run)));
  const LiveRun& run = found->second;
  const auto index = static_cast<std::size_t>(question.index);
  if (question.index < 0 || index >= std::max(run.dag->tasks.size(), run.instances.size())) {
    return NotFound("run " + run.row.run_id + " has no task with index " + std::to_string(question.index));
  }
  const LiveDag& dag = *run.owner;
  Why why;
  if (dag.row.paused) why.reasons.push_back({"paused", "DAG " + dag.row.dag_id + " is paused; unpause it"});
  if (run.row.state == RunState::kQueued && !run.enqueued && run.row.retry_at) {
    why.reasons.push_back({"retry", "its run failed and is tried again at " + FormatTime(*run.row.retry_at) + ": retry " +
                                        std::to_string(run.row.retries) + " of " + std::to_string(run.row.max_retries)});
  } else if (run.row.state == RunState::kQueued && run.backfill != nullptr) {
    const Backfill& backfill = run.backfill->row;
    const std::string name = "backfill " + std::to_string(backfill.id);
    if (backfill.paused) why.reasons.push_back({"backfill", name + " is paused; unpause it"});
    if (run.backfill->running >= backfill.max_active_runs) {
      why.reasons.push_back({"limit", "its run is queued: " + name + " has " +
                                          std::to_string(run.backfill->running) +
                                          " active runs, as many as its max_active_runs allows"});
    }
  } else if (run.row.state == RunState::kQueued) {
    const Overlap overlap = dag.dag->schedule.overlap;
    if (overlap != Overlap::kAllowAll && dag.running >= dag.dag->max_active_runs) {
      why.reasons.push_back({"limit", "its run is queued: " + std::to_string(dag.running) +
                                          " runs are active and max_active_runs is " +
                                          std::to_string(dag.dag->max_active_runs) +
                                          (overlap == Overlap::kQueue && IsOfSchedule(run.row.type)
                                               ? "; overlap: queue makes it wait"
                                               : "")});
    }
  }
  if (run.row.state == RunState::kQueued) {
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
  const Instance& instance = run.instances[index];
  const TaskInstance& row = instance.row;
  const Task& task = TaskOf(run, instance);
  why.state = row.state;
  switch (row.state) {
    case TaskState::kNone:
      if (engine::Evaluate(task.trigger_rule, instance.ends, instance.upstreams) == Readiness::kWait) {
        why.reasons.push_back(WhyUpstream(run, task));
      } else if (const std::vector<std::string> left = BodyLeft(run, row.task()); !left.empty()) {
        why.reasons.push_back({"upstream", "waits for the end of all tasks of the iteration: " + Names(left)});
      } else if (task.depends_on_past && !PastAllows(run, task, row.task())) {
        const auto previous = runs.find(run.past->run);
        why.reasons.push_back(WhyPast(run, task, previous == runs.end() ? nullptr : &previous->second));
      } else if (task.mapped() && instance.asked) {
        why.reasons.push_back({"values", "reads what it is to expand over"});
      }
      break;
    case TaskState::kScheduled: {
      if (IsPaused(run, task))
        why.reasons.push_back({"paused", "task " + task.id + " of DAG " + dag.row.dag_id + " is paused; unpause it"});
      if (!row.reason.empty())
        why.reasons.push_back({row.reason.starts_with("lost: ") ? "lost" : "retry", row.reason + "; it runs again"});
      if (instance.asked) {
        const bool read = !ReadsValues(task) || instance.values != nullptr;
        why.reasons.push_back({"values", read ? "looks whether an earlier success may stand for it"
                                              : "reads what its templates name"});
      }
      if (lookups.contains(row.key))
        why.reasons.push_back({"values", "looks whether there is a run of that id already"});
      const LaneKey key = KeyOf(run, task, instance);
      if (const auto limit = run.task_limits.find(row.task());
          limit != run.task_limits.end() && limit->second.waiting.contains(key)) {
        why.reasons.push_back(
            WhyLimit("max_active_tis_per_dagrun", task.max_active_tis_per_dagrun, limit->second, "this run"));
      }
      if (const auto limit = dag.task_limits.find(task.id);
          limit != dag.task_limits.end() && limit->second.waiting.contains(key)) {
        why.reasons.push_back(
            WhyLimit("max_active_tis_per_dag", task.max_active_tis_per_dag, limit->second, "all runs"));
      }
      if (const auto pool = pools.find(task.pool);
          MayDefer(task) && !instance.reserves && pool != pools.end() && pool->second.include_deferred) {
        why.reasons.push_back(WhyPool(task, pool->second));
      }
      if (Polls(task)) {
        if (sensor_workers.empty()) {
          why.reasons.push_back({"worker", sessions.empty()
                                               ? "no worker is connected that could look; start one with millrace-worker"
                                               : "no connected worker takes sensors (away, draining, or " +
                                                     std::to_string(kMostSensors) + " wait on each)"});
        }
        break;
      }
      if (!task.in_engine && run.active >= run.dag->max_active_tasks) {
        why.reasons.push_back({"limit", std::to_string(run.active) +
                                            " tasks of this run are active and max_active_tasks is " +
                                            std::to_string(run.dag->max_active_tasks)});
      }
      const auto in_pool = pools.find(task.pool);
      if (in_pool == pools.end() || task.in_engine) break;
      const Pool& pool = in_pool->second;
      if (pool.used + task.pool_slots > pool.size) why.reasons.push_back(WhyPool(task, pool));
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
    case TaskState::kDeferred:
      if (task.sensor) {
        why.reasons.push_back(WhyWaiting(task, row, asked_at.wall));
      } else {
        WhyDeferred(instance, why);
      }
      break;
    case TaskState::kUpForRetry:
      why.reasons.push_back({"timer", "failed (" + row.reason + "); try " +
                                          std::to_string(row.try_number + 1) + " starts at " +
                                          FormatTime(row.due_at.value_or(WallTime{}))});
      break;
    case TaskState::kUpForReschedule:
      if (task.loop && row.rescheduled == 0) {
        why.reasons.push_back({"timer", "loops (" + row.reason + "); the next iteration starts at " +
                                            FormatTime(row.due_at.value_or(WallTime{}))});
        break;
      }
      why.reasons.push_back({"timer", "failed (" + row.reason + ") and was rescheduled by a retry rule, " +
                                          Times(row.rescheduled) + " by now, without using a retry; starts again at " +
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

std::vector<PoolView> Engine::State::AnswerPools() const {
  std::map<std::string, PoolView> views;
  const auto add = [&views](const std::string& name, std::int32_t slots) {
    views[name].row = {name, slots, "", false, false};
  };
  add("default_pool", options.default_pool_slots);
  for (const auto& [name, slots] : options.pools) add(name, slots);
  for (const auto& [name, row] : pool_rows) views[name].row = row;
  for (auto& [name, view] : views) {
    const auto pool = pools.find(name);
    if (pool == pools.end()) continue;
    view.running = pool->second.running;
    view.queued = pool->second.used - pool->second.running - pool->second.reserved;
    view.scheduled = pool->second.scheduled;
    view.deferred = pool->second.deferred;
  }
  std::vector<PoolView> list;
  for (auto& [name, view] : views) list.push_back(std::move(view));
  return list;
}

StatusOr<std::string> Engine::State::AnswerJob(const AskJob& question) const {
  const auto found = jobs.find(question.job.instance);
  if (found == jobs.end() || found->second.key != question.job) return NotFound("job is not running");
  if (found->second.job == nullptr)
    return Unavailable("the job waits for its workers after a restart; ask again");
  return found->second.job->ReportJson();
}

}  // namespace millrace::engine
