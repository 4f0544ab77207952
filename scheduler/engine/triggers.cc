// trigger_dag: a task that makes a run of another DAG, or runs one again, and may wait for its end. The run,
// the task's success and what it leaves are rows of one event, so of one batch: whenever the scheduler dies,
// both are there or neither is. Whether there is a run of that id only the store can tell, so it is asked
// before the try begins; until then the instance stays scheduled, and a restart asks again.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "scheduler/engine/render.h"
#include "scheduler/engine/state.h"
#include "scheduler/engine/truth.h"

namespace millrace::engine {
namespace {

constexpr const char* kRunIdKey = "trigger_run_id";

std::string TextOrJson(const Value& with, std::string_view name) {
  const Value* value = with.Find(name);
  if (value == nullptr || value->is_null()) return "";
  return value->is_string() ? value->as_string() : ToJson(*value);
}

// "None": no date.
StatusOr<std::optional<WallTime>> DateOf(const std::string& text, WallTime now) {
  if (text.empty()) return std::optional<WallTime>(now);
  if (text == "None") return std::optional<WallTime>();
  StatusOr<WallTime> date = ParseTimeUtc(text);
  if (!date.ok()) date = ParseTimeUtc(text + "Z");  // a time without an offset is UTC
  if (!date.ok()) return ParseTimeUtc(text).status().WithContext("logical_date");
  return std::optional<WallTime>(*date);
}

StatusOr<std::string> ConfOf(const Value& with) {
  const Value* conf = with.Find("conf");
  if (conf == nullptr || conf->is_null()) return std::string("{}");
  if (conf->is_map()) return ToJson(*conf);
  if (conf->is_string()) {
    const StatusOr<Value> parsed = ParseJson(conf->as_string());
    if (parsed.ok() && parsed->is_map()) return ToJson(*parsed);
    if (conf->as_string().empty() || conf->as_string() == "None") return std::string("{}");
  }
  return InvalidArgument("conf must be a map, or the text of a JSON object: " + ToJson(*conf));
}

bool IsAmong(const Task& task, const char* field, RunState otherwise, RunState state) {
  const Value* states = task.with.Find(field);
  if (states == nullptr || states->is_null()) return state == otherwise;
  const Value::List list = states->is_list() ? states->as_list() : Value::List{*states};
  return std::any_of(list.begin(), list.end(),
                     [&](const Value& one) { return one.is_string() && one.as_string() == ToString(state); });
}

engine::End Ended(Outcome outcome, std::string message, WallTime at) {
  engine::End end;
  end.outcome = outcome;
  end.message = std::move(message);
  end.ended_at = at;
  return end;
}

}  // namespace

StatusOr<TriggerPlan> Engine::State::PlanTrigger(const LiveRun& run, const Instance& instance) const {
  ASSIGN_OR_RETURN(const Assignment assignment, MakeAssignment(run, instance));
  ASSIGN_OR_RETURN(const Value with, ParseJson(assignment.with));
  const TaskInstance& row = instance.row;
  TriggerPlan plan;
  plan.run.dag_id = TextOrJson(with, "dag");
  if (!IsValidId(plan.run.dag_id)) return InvalidArgument("'" + plan.run.dag_id + "' is no id of a DAG");
  const std::string date = TextOrJson(with, "logical_date");
  ASSIGN_OR_RETURN(plan.run.logical_date, DateOf(date, now.wall));
  ASSIGN_OR_RETURN(plan.run.conf, ConfOf(with));
  plan.run.run_id = TextOrJson(with, "run_id");
  if (plan.run.run_id.empty() || plan.run.run_id == "None") {
    plan.run.run_id = "manual__" + FormatTs(plan.run.logical_date.value_or(now.wall));
    // Two tasks of one moment, and a task's next try, make runs of their own.
    if (date.empty() || !plan.run.logical_date) {
      plan.run.run_id += "_" + std::to_string(ToInt(row.key.run)) + "." + std::to_string(row.key.index) +
                         "." + std::to_string(row.try_number);
    }
  } else if (!IsValidRunId(plan.run.run_id)) {
    return InvalidArgument("run id must be 1 to 250 of A-Z a-z 0-9 _ . - : + : " + plan.run.run_id);
  }
  plan.run.note = TextOrJson(with, "note");
  plan.run.partition_key = TextOrJson(with, "partition_key");
  if (plan.run.partition_key == "None") plan.run.partition_key.clear();  // a template of a run without one
  RETURN_IF_ERROR(CheckPartitionKey(plan.run.partition_key));
  plan.run.user = run.row.triggered_by;
  plan.run.by = TriggeringTask{run.row.dag_id, run.row.run_id, TaskOf(run, instance).id, row.map_index};
  plan.waits = IsTrue(with.Find("wait_for_completion"));
  plan.resets = IsTrue(with.Find("reset_dag_run"));
  plan.skips = IsTrue(with.Find("skip_when_already_exists"));
  plan.fails_when_paused = IsTrue(with.Find("fail_when_dag_is_paused"));
  return plan;
}

void Engine::State::BeginTrigger(LiveRun& run, Instance& instance) {
  // As its try will see it; that begins once it is known what it is to do.
  Instance next = instance;
  ++next.row.try_number;
  StatusOr<TriggerPlan> plan = PlanTrigger(run, next);
  if (!plan.ok()) {
    StartInEngine(instance);
    OnEnded(run, instance, Ended(Outcome::kFailFinal, plan.status().message(), now.wall));
    return;
  }
  const auto dag = dags.find(plan->run.dag_id);
  const bool known = dag != dags.end() && !dag->second.row.deleted;
  if (!known || FindRun(plan->run.dag_id, plan->run.run_id) != nullptr) {
    DoTrigger(run, instance, *plan);
    return;
  }
  Unpark(run, instance);
  lookups[instance.row.key] = std::move(*plan);
  AskForTarget(instance.row.key);
}

void Engine::State::AskForTarget(TaskInstanceKey key) {
  const auto found = lookups.find(key);
  if (found == lookups.end()) return;
  const TriggerRun& target = found->second.run;
  std::vector<WaitingCommand>& waiting = needs[{target.dag_id, target.run_id}];
  if (waiting.empty()) Emit(Need{target.dag_id, target.run_id});
  waiting.push_back({0, {}, 0, key});
}

void Engine::State::OnTargetLoaded(TaskInstanceKey key, const Loaded& event) {
  const auto found = lookups.find(key);
  if (found == lookups.end()) return;  // cleared, marked or stopped meanwhile
  const TriggerPlan plan = found->second;
  if (plan.run.dag_id != event.dag_id || plan.run.run_id != event.run_id) return;
  if (!event.image.ok() && event.image.status().code() != Code::kNotFound) {
    timers.Add({now.boot + kStorePause, TimerKind::kAskAgain, {}, key, 0, {}});
    return;
  }
  lookups.erase(found);
  DoTrigger(*FindRun(key.run), *FindInstance(key), plan);
}

void Engine::State::DoTrigger(LiveRun& run, Instance& instance, const TriggerPlan& plan) {
  StartInEngine(instance);
  const std::string& dag_id = plan.run.dag_id;
  const std::string& run_id = plan.run.run_id;
  const auto dag = dags.find(dag_id);
  LiveRun* target = FindRun(dag_id, run_id);
  if (plan.fails_when_paused && dag != dags.end() && dag->second.row.paused) {
    OnEnded(run, instance, Ended(Outcome::kFailed, "DAG " + dag_id + " is paused", now.wall));
    return;
  }
  if (target == &run) {
    OnEnded(run, instance,
            Ended(Outcome::kFailFinal, "run " + run_id + " of DAG " + dag_id + " is the one it belongs to",
                  now.wall));
    return;
  }
  if (target != nullptr && !plan.resets) {
    OnEnded(run, instance,
            Ended(plan.skips ? Outcome::kSkipped : Outcome::kFailFinal,
                  "DAG " + dag_id + " has a run " + run_id + " already", now.wall));
    return;
  }
  RunKey made{};
  if (target != nullptr) {
    ClearTasks clear;
    clear.dag_id = dag_id;
    clear.run_id = run_id;
    clear.user = run.row.dag_id + "." + TaskOf(run, instance).id;
    clear.keep_task_state = true;  // of the whole run: see ClearTasks
    const CommandReply cleared = Clear(clear, *target);
    if (!cleared.ok()) {
      OnEnded(run, instance, Ended(Outcome::kFailed, cleared.status().message(), now.wall));
      return;
    }
    made = target->row.key;
  } else {
    const CommandReply triggered = Trigger(plan.run);
    if (!triggered.ok()) {
      // What is there tomorrow may be tried again; what was written wrongly stays wrong.
      const bool final = triggered.status().code() == Code::kInvalidArgument;
      OnEnded(run, instance,
              Ended(final ? Outcome::kFailFinal : Outcome::kFailed, triggered.status().message(), now.wall));
      return;
    }
    made = triggered->run->key;
  }
  out->batch.xcoms.push_back({instance.row.key, kRunIdKey, ToJson(Value(run_id)), false, now.wall});
  if (!plan.waits) {
    OnEnded(run, instance, Ended(Outcome::kSuccess, "", now.wall));
    return;
  }
  Await(run, instance, "waits for run " + run_id + " of DAG " + dag_id,
        TaskOf(run, instance).execution_timeout);
  instance.row.waits_for = made;
  waiters[made].insert(instance.row.key);
  moved_runs.emplace_back(made, FindRun(made)->row.state);
}

void Engine::State::TellWaiters() {
  while (!moved_runs.empty()) {
    for (const auto& [key, state] : std::exchange(moved_runs, {})) {
      const auto found = waiters.find(key);
      if (found == waiters.end()) continue;
      for (const TaskInstanceKey& waiter : std::set<TaskInstanceKey>(found->second)) {
        // The end of one may have ended others (fail_fast).
        Instance* instance = FindInstance(waiter);
        if (instance == nullptr || instance->row.state != TaskState::kDeferred ||
            instance->row.waits_for != key)
          continue;
        OnTargetMoved(*FindRun(waiter.run), *instance, state);
      }
    }
  }
}

void Engine::State::OnTargetMoved(LiveRun& run, Instance& instance, std::optional<RunState> state) {
  const Task& task = TaskOf(run, instance);
  const std::string& reason = instance.row.reason;  // "waits for run ..."
  const std::size_t begin = reason.find("run ");
  const std::string what = begin == std::string::npos ? "the run" : reason.substr(begin);
  if (!state) {
    OnEnded(run, instance, Ended(Outcome::kFailed, what + " was deleted", now.wall));
  } else if (IsAmong(task, "failed_states", RunState::kFailed, *state)) {
    OnEnded(run, instance, Ended(Outcome::kFailed, what + " is " + std::string(ToString(*state)), now.wall));
  } else if (IsAmong(task, "allowed_states", RunState::kSuccess, *state)) {
    OnEnded(run, instance, Ended(Outcome::kSuccess, "", now.wall));
  }
}

}  // namespace millrace::engine
