#include "tests/sim/invariants.h"

#include <algorithm>
#include <tuple>

#include "core/model/json.h"

namespace millrace::sim {
namespace {

std::string Name(const TaskInstanceKey& key) {
  return std::to_string(ToInt(key.run)) + "/" + std::to_string(key.index);
}

}  // namespace

void Invariants::Committed(const Batch& batch) {
  for (const Run& run : batch.runs) {
    const std::int64_t maker = run.type == RunType::kBackfill ? run.backfill : 0;
    // Another backfill than the one that made it clears it: a user asked for that.
    if (run.backfill != made_by_.emplace(run.key, maker).first->second) Touched(run.key);
  }
  for (const Transition& t : batch.transitions) {
    if (t.index < 0) continue;
    const auto from = static_cast<TaskState>(t.from);
    const auto to = static_cast<TaskState>(t.to);
    const TaskInstanceKey key{t.run, t.index};
    // Where its run is tried again, it is as if it had not begun.
    const bool anew = to == TaskState::kNone &&
                      std::any_of(batch.transitions.begin(), batch.transitions.end(), [&](const Transition& other) {
                        return other.run == t.run && other.index < 0 &&
                               static_cast<RunState>(other.to) == RunState::kQueued;
                      });
    const auto row = rows_.instances.find(key);
    const bool iterates = to == TaskState::kNone && row != rows_.instances.end() &&
                          DagOf(t.run).tasks[static_cast<std::size_t>(row->second.task())].loop_gate >= 0;
    if (!IsLegal(from, to, anew || iterates) && !IsTouched(key)) {
      Add("an illegal transition of " + Name(key) + ": " + std::string(ToString(from)) + " -> " +
          std::string(ToString(to)));
    }
  }
  // From the rows: a batch may be in the store without anybody having been told.
  for (const auto& [key, row] : rows_.cached) cached_.insert({row.dag_id, row.task_id});
  for (const TaskInstance& row : batch.task_instances) {
    const Task& task = DagOf(row.key.run).tasks[static_cast<std::size_t>(row.task())];
    if (task.loop && row.state == TaskState::kSuccess && !IsTouched(row.key)) CheckLoop(task, row);
    const bool is_job = task.kind == "mapreduce";
    if (row.state != TaskState::kSuccess || is_job || task.in_engine || IsTouched(row.key)) continue;
    // A result that is durable, or was, may stand for a success of its own.
    if (task.cache && row.reason.starts_with("cached: ") &&
        cached_.contains({DagOf(row.key.run).id, task.id}))
      continue;
    if (!succeeded_.contains(row.fence))
      Add(Name(row.key) + " counts as success, but attempt " + ToString(row.fence) + " never was");
  }
  CheckRetries(batch);
  CheckPaused(batch);
  CheckOutbox(batch);
  CheckLimits();
}

// A run ends as failed when its last retry has, and not before.
void Invariants::CheckRetries(const Batch& batch) {
  for (const Run& run : batch.runs) {
    const std::string name = "run " + run.dag_id + "/" + run.run_id;
    const std::string retries = std::to_string(run.retries) + " of " + std::to_string(run.max_retries);
    if (run.retries > run.max_retries) Add(name + " was tried again too often: " + retries);
    if (run.retry_at && run.state != RunState::kQueued)
      Add(name + " awaits its retry as " + std::string(ToString(run.state)));
    if (touched_runs_.contains(run.key)) continue;
    if (run.max_retries != DagOf(run.key).max_dag_retries) Add(name + " has had " + retries + " retries");
    if (run.state == RunState::kFailed && run.retries < run.max_retries) Add(name + " failed after retry " + retries);
  }
}

// A task that is paused goes on where it is, but begins nothing.
void Invariants::CheckPaused(const Batch& batch) {
  for (const Transition& t : batch.transitions) {
    const auto run = rows_.runs.find(t.run);
    const auto row = rows_.instances.find({t.run, t.index});
    if (t.index < 0 || run == rows_.runs.end() || row == rows_.instances.end() || IsTouched(row->first)) continue;
    const auto from = static_cast<TaskState>(t.from);
    const auto to = static_cast<TaskState>(t.to);
    const bool waited = from == TaskState::kNone || from == TaskState::kScheduled || from == TaskState::kUpForRetry ||
                        from == TaskState::kUpForReschedule;
    const bool begins = HasAttempt(to) || to == TaskState::kDeferred || to == TaskState::kSuccess;
    if (!waited || !begins) continue;
    const std::string& task = DagOf(t.run).tasks[static_cast<std::size_t>(row->second.task())].id;
    const auto is_in = [&](const std::vector<std::string>& paused) {
      return std::find(paused.begin(), paused.end(), task) != paused.end();
    };
    // Before and after: within one commit it may have begun and been paused then.
    if (is_in(paused_[run->second.dag_id]) && is_in(rows_.dags.at(run->second.dag_id).paused_tasks))
      Add(Name(row->first) + " begins, and " + task + " is paused");
  }
  for (const auto& [id, row] : rows_.dags) paused_[id] = row.paused_tasks;
}

// The last iteration is the one that its condition holds for, or the last of all.
void Invariants::CheckLoop(const Task& task, const TaskInstance& row) {
  const StatusOr<Value> kept = ParseJson(row.loop.empty() ? R"({"index": 0})" : row.loop);
  const std::int64_t iterations = kept->Find("index")->as_int() + 1;
  // A gate asks about what the last task of its group returned, and that all have ended.
  TaskInstanceKey returned = row.key;
  if (IsLoopGate(task)) {
    const Dag& dag = DagOf(row.key.run);
    returned.index = task.upstream.front();
    for (const auto& [key, other] : rows_.instances) {
      if (key.run == row.key.run && other.task() != row.task() && !IsTerminal(other.state) &&
          dag.tasks[static_cast<std::size_t>(other.task())].loop_gate == row.task())
        Add(Name(row.key) + " let its loop end before " + Name(key) + " had ended");
    }
  }
  const auto result = rows_.xcoms.find({returned, "return_value"});
  const int divisor = task.id == "thirds" || IsLoopGate(task) ? 3 : task.id == "halves" ? 2 : 1;
  const bool holds = result != rows_.xcoms.end() && std::stoll(result->second.json) % divisor == 0;
  if (iterations > task.loop->max_iterations || !holds || (divisor == 1 && iterations != task.loop->max_iterations))
    Add(Name(row.key) + ", " + task.id + ", ended well after " + std::to_string(iterations) + " iterations with " +
        (result == rows_.xcoms.end() ? "nothing" : result->second.json));
}

void Invariants::CheckLimits() {
  std::map<std::string, int> pools;
  std::map<RunKey, int> tasks;
  std::map<std::pair<RunKey, std::int32_t>, int> of_task;
  std::map<std::string, int> runs;
  std::map<std::int64_t, int> backfills;
  for (const auto& [key, run] : rows_.runs) {
    if (run.state != RunState::kRunning) continue;
    const Dag& dag = DagOf(key);
    const auto backfill = rows_.backfills.find(run.backfill);
    if (backfill != rows_.backfills.end()) {
      // Of one that is over, a run that somebody clears counts for its DAG again; when, only the engine
      // knows.
      if (!backfill->second.completed_at && ++backfills[run.backfill] > backfill->second.max_active_runs)
        Add("more runs of backfill " + std::to_string(run.backfill) + " than its max_active_runs");
    } else if (++runs[run.dag_id] > dag.max_active_runs) {
      Add("more runs of " + run.dag_id + " than max_active_runs");
    }
    for (auto at = rows_.instances.lower_bound({key, 0}); at != rows_.instances.end() && at->first.run == key;
         ++at) {
      if (!HasAttempt(at->second.state)) continue;
      const Task& task = dag.tasks[static_cast<std::size_t>(at->second.task())];
      pools[task.pool] += task.pool_slots;
      const std::int32_t limit = task.max_active_tis_per_dagrun;
      if (limit > 0 && ++of_task[{key, at->second.task()}] > limit)
        Add("more instances of " + task.id + " than max_active_tis_per_dagrun");
      if (++tasks[key] > dag.max_active_tasks)
        Add("more tasks of a run than max_active_tasks: " + Name(at->first));
    }
  }
  if (pools["small"] > 2) Add("pool small holds " + std::to_string(pools["small"]));
}

// What is to be told is in the commit of what happened.
void Invariants::CheckOutbox(const Batch& batch) {
  const auto has = [&](RunKey run, std::int32_t index, CallbackCause cause) {
    return std::any_of(batch.notifications.begin(), batch.notifications.end(), [&](const Notification& row) {
      return row.run == run && row.index == index && row.cause == cause;
    });
  };
  for (const Notification& row : batch.notifications) {
    const auto run = rows_.runs.find(row.run);
    if (row.index >= 0 || row.cause != CallbackCause::kFailure || run == rows_.runs.end()) continue;
    if (run->second.state != RunState::kFailed && !touched_runs_.contains(row.run))
      Add("the failure of run " + run->second.run_id + " is told, and it is " + std::string(ToString(run->second.state)));
  }
  for (const Transition& t : batch.transitions) {
    if (!rows_.runs.contains(t.run) || DagOf(t.run).run_callbacks.empty()) continue;
    if (t.index >= 0 && static_cast<TaskState>(t.to) == TaskState::kUpForRetry &&
        !has(t.run, t.index, CallbackCause::kRetry))
      Add("the retry of " + Name({t.run, t.index}) + " is not told");
    if (t.index >= 0 || IsTouched({t.run, 0}) || !IsTerminal(static_cast<RunState>(t.to))) continue;
    const bool success = static_cast<RunState>(t.to) == RunState::kSuccess;
    if (!has(t.run, -1, success ? CallbackCause::kSuccess : CallbackCause::kFailure))
      Add("the end of run " + std::to_string(ToInt(t.run)) + " is not told");
  }
}

void Invariants::StartedDelivery(const std::string& worker, const Assignment& assignment) {
  const auto row = rows_.notifications.find(assignment.try_number);
  if (row == rows_.notifications.end()) {
    // Its run may have been deleted meanwhile.
    if (rows_.runs.contains(assignment.instance.run)) Add(worker + " was sent a notification that is not durable");
  } else if (row->second.fence < assignment.fence) {
    Add(worker + " was sent a try of a notification before it was durable");
  }
}

void Invariants::Started(const std::string& worker, const Assignment& assignment,
                         const std::set<Fence>& running_elsewhere) {
  const TaskInstanceKey key = assignment.instance;
  if (key.index == kNotificationLog) {
    StartedDelivery(worker, assignment);
    return;
  }
  const auto row = rows_.instances.find(key);
  if (row == rows_.instances.end()) {
    Add(worker + " was sent " + Name(key) + ", which is not durable");
    return;
  }
  if (row->second.fence < assignment.fence && assignment.stage == nullptr) {
    Add(worker + " was sent attempt " + ToString(assignment.fence) + " of " + Name(key) +
        " before it was durable");
  }
  if (IsTouched(key)) return;
  // Its run has ended this try meanwhile, and the worker has not been told yet.
  if (rows_.runs.at(key.run).retries > 0 && !HasAttempt(row->second.state)) return;
  if (!running_elsewhere.empty()) {
    Add(worker + " starts attempt " + ToString(assignment.fence) + " of " + Name(key) + " while " +
        ToString(*running_elsewhere.begin()) + " still runs");
  }
  const Dag& dag = DagOf(key.run);
  const TaskInstance& started = row->second;
  const Task& task = dag.tasks[static_cast<std::size_t>(started.task())];
  if (task.trigger_rule == TriggerRule::kOneDone) return;  // of the rules here it alone does not wait for all
  for (auto at = rows_.instances.lower_bound({key.run, 0});
       at != rows_.instances.end() && at->first.run == key.run; ++at) {
    const TaskInstance& other = at->second;
    if (std::find(task.upstream.begin(), task.upstream.end(), other.task()) == task.upstream.end()) continue;
    // Within a mapped group each instance goes on by itself.
    const bool beside = task.mapped_group >= 0 &&
                        dag.tasks[static_cast<std::size_t>(other.task())].mapped_group == task.mapped_group;
    if (beside && other.map_index != started.map_index) continue;
    if (!IsTerminal(other.state) && !IsTouched(at->first))
      Add(worker + " starts " + Name(key) + " before " + Name(at->first) + ", its upstream, has ended");
  }
}

void Invariants::Replied(const CommandReply& reply) {
  if (!reply.ok()) return;
  for (const TaskInstanceKey& key : reply->instances) touched_.insert(key);
  for (const RunKey run : reply->deleted) {
    answered_.erase(run);
    if (rows_.runs.contains(run)) Add("run " + std::to_string(ToInt(run)) + " was deleted and is there");
  }
  if (!reply->run) return;
  if (!rows_.runs.contains(reply->run->key))
    Add("run " + reply->run->run_id + " was answered before it was durable");
  answered_.insert(reply->run->key);
}

// Each try of a trigger_dag that ended by itself has made one run, however often the scheduler died.
void Invariants::CheckTriggered() {
  std::map<std::tuple<std::string, std::string, std::string, std::int32_t>, int> made;
  for (const auto& [key, run] : rows_.runs) {
    if (!run.triggering_task) continue;
    const TriggeringTask& by = *run.triggering_task;
    ++made[{by.dag_id, by.run_id, by.task_id, by.map_index}];
  }
  for (const auto& [key, row] : rows_.instances) {
    const Task& task = DagOf(key.run).tasks[static_cast<std::size_t>(row.task())];
    const bool ended = row.state == TaskState::kSuccess || row.state == TaskState::kFailed;
    if (task.kind != "trigger_dag" || !ended || IsTouched(key)) continue;
    const Run& run = rows_.runs.at(key.run);
    const int count = made[{run.dag_id, run.run_id, task.id, row.map_index}];
    if (count != row.try_number) {
      Add(Name(key) + " has had " + std::to_string(row.try_number) + " tries and made " + std::to_string(count) +
          " runs");
    }
    const auto xcom = rows_.xcoms.find({key, "trigger_run_id"});
    const std::string id = xcom == rows_.xcoms.end() ? "" : xcom->second.json;
    if (id.size() < 2 || rows_.FindRun("chain", id.substr(1, id.size() - 2)) == nullptr)
      Add(Name(key) + " does not name the run that it made: " + id);
  }
}

void Invariants::Finished() {
  for (const auto& [id, row] : rows_.notifications) {
    const std::string name = "notification " + std::to_string(id);
    if (row.state == NotificationState::kSuppressed) continue;
    if (row.state != NotificationState::kDelivered) Add(name + " is " + std::string(ToString(row.state)));
    if (!told_.contains(id)) Add(name + " was never told");
  }
  for (const auto& [key, run] : rows_.runs) {
    if (!IsTerminal(run.state))
      Add("run " + run.dag_id + "/" + run.run_id + " has not ended: " + std::string(ToString(run.state)));
    for (auto at = rows_.instances.lower_bound({key, 0}); at != rows_.instances.end() && at->first.run == key;
         ++at) {
      if (!IsTerminal(at->second.state))
        Add(Name(at->first) + " has not ended: " + std::string(ToString(at->second.state)));
    }
  }
  CheckTriggered();
  for (const auto& [id, backfill] : rows_.backfills) {
    if (!backfill.completed_at) Add("backfill " + std::to_string(id) + " has not completed");
    if (!backfill.cancelled && backfill.made + backfill.skipped != backfill.dates)
      Add("backfill " + std::to_string(id) + " has not dealt with all of its dates");
  }
  for (const RunKey key : answered_) {
    if (!rows_.runs.contains(key)) Add("run " + std::to_string(ToInt(key)) + " was answered and is lost");
  }
}

}  // namespace millrace::sim
