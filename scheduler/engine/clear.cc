// What people do to runs by hand: cancel, clear, mark. The words and their reach are Airflow's.
#include "core/model/selection.h"
#include "scheduler/engine/state.h"
#include "scheduler/engine/trigger_rule.h"

namespace millrace::engine {
namespace {

std::string By(const std::string& what, const std::string& user) {
  return user.empty() ? what : what + " by " + user;
}

std::vector<TaskState> StatesOf(const LiveRun& run) {
  std::vector<TaskState> states;
  states.reserve(run.instances.size());
  for (const Instance& instance : run.instances) states.push_back(instance.row.state);
  return states;
}

}  // namespace

CommandReply Engine::State::Cancel(const CancelRun& command, LiveRun& run) {
  if (IsTerminal(run.row.state)) {
    return FailedPrecondition("run " + run.row.run_id +
                              " has ended already: " + std::string(ToString(run.row.state)));
  }
  const std::string reason = By("cancelled", command.user);
  LiveDag& dag = *run.owner;
  CommandResult result;
  if (run.row.state == RunState::kQueued) {
    dag.queued.erase(run.row.key);
    if (run.row.type == RunType::kScheduled) --dag.queued_by_timetable;
  } else {
    --dag.running;
    active_instances -= static_cast<std::int64_t>(run.dag->tasks.size());
  }
  // First the run, so that nothing becomes ready while its instances end.
  SetRunState(run, RunState::kFailed);
  run.row.ended_at = now.wall;
  run.row.note = reason;
  for (Instance& instance : run.instances) {
    const TaskState state = instance.row.state;
    if (IsTerminal(state)) continue;
    result.instances.push_back(instance.row.key);
    instance.row.reason = reason;
    if (HasAttempt(state)) Unwant(run, instance, reason);
    SetState(run, instance, HasAttempt(state) ? TaskState::kFailed : TaskState::kSkipped, true);
  }
  result.run = run.row;
  woken.insert(dag.row.dag_id);
  TellDownstream();
  Evict(run);
  return result;
}

CommandReply Engine::State::Clear(const ClearTasks& command, LiveRun& run) {
  const Selection selection{command.task_ids, command.upstream, command.downstream, command.only_failed};
  ASSIGN_OR_RETURN(const std::vector<std::int32_t> selected, Select(*run.dag, selection, StatesOf(run)));
  // Those that have not begun have nothing to clear.
  std::vector<std::int32_t> indices;
  CommandResult result;
  for (const std::int32_t index : selected) {
    if (static_cast<std::size_t>(index) >= run.instances.size()) continue;
    const TaskState state = run.instances[static_cast<std::size_t>(index)].row.state;
    if (state == TaskState::kNone || state == TaskState::kScheduled || state == TaskState::kRestarting)
      continue;
    indices.push_back(index);
    result.instances.push_back({run.row.key, index});
  }
  if (!command.dry_run && !indices.empty()) ClearInstances(run, indices, command.user);
  result.run = run.row;
  return result;
}

void Engine::State::ClearInstances(LiveRun& run, const std::vector<std::int32_t>& indices,
                                   const std::string& user) {
  for (const std::int32_t index : indices) {
    Instance& instance = run.instances[static_cast<std::size_t>(index)];
    TaskInstance& row = instance.row;
    const TaskState state = row.state;
    const Task& task = TaskOf(run, instance);
    row.max_tries = row.try_number + task.retry.retries;
    row.lost = 0;
    if (HasAttempt(state)) {
      row.reason = By("cleared", user);
      KeepAttempt(instance, TaskState::kRestarting, std::nullopt);
      SetState(run, instance, TaskState::kRestarting);
      // A job's attempts are fenced one by one, so it need not wait for their ends.
      Unwant(run, instance, By("cleared", user));
      if (IsJob(task)) FinishRestart(run, instance);
      continue;
    }
    // A failure was kept when it happened.
    if (state == TaskState::kSuccess || (state == TaskState::kSkipped && row.started_at)) {
      KeepAttempt(instance, state, std::nullopt);
    }
    if (IsTerminal(state)) {
      for (const std::int32_t next : task.downstream) {
        if (static_cast<std::size_t>(next) < run.instances.size()) {
          Count(run.instances[static_cast<std::size_t>(next)].ends, state, -1);
        }
      }
    }
    SetState(run, instance, TaskState::kNone, true);
    row.reason.clear();
    row.scheduled_at.reset();
    row.queued_at.reset();
    row.started_at.reset();
    row.ended_at.reset();
  }
  if (IsTerminal(run.row.state)) Reopen(run);
  for (const std::int32_t index : indices) Evaluate(run, run.instances[static_cast<std::size_t>(index)]);
}

void Engine::State::Reopen(LiveRun& run) {
  SetRunState(run, RunState::kQueued, true);
  run.row.queued_at = now.wall;
  run.row.started_at.reset();
  run.row.ended_at.reset();
  run.row.note.clear();
  run.owner->queued.insert(run.row.key);
  if (run.row.type == RunType::kScheduled) ++run.owner->queued_by_timetable;
  woken.insert(run.row.dag_id);
}

CommandReply Engine::State::Mark(const MarkTask& command, LiveRun& run) {
  const std::int32_t index = run.dag->FindTask(command.task_id);
  if (index < 0) return NotFound("DAG " + command.dag_id + " has no task: " + command.task_id);
  if (command.state != TaskState::kSuccess && command.state != TaskState::kFailed &&
      command.state != TaskState::kSkipped) {
    return InvalidArgument("a task can be marked success, failed or skipped, not " +
                           std::string(ToString(command.state)));
  }
  if (static_cast<std::size_t>(index) >= run.instances.size()) {
    return FailedPrecondition("run " + run.row.run_id + " has not started; its tasks cannot be marked yet");
  }
  Instance& instance = run.instances[static_cast<std::size_t>(index)];
  const TaskState state = instance.row.state;
  CommandResult result;
  if (state != command.state) {
    const std::string reason = By("marked " + std::string(ToString(command.state)), command.user);
    if (HasAttempt(state)) Unwant(run, instance, reason);
    if (IsTerminal(state)) {
      for (const std::int32_t next : TaskOf(run, instance).downstream) {
        if (static_cast<std::size_t>(next) < run.instances.size()) {
          Count(run.instances[static_cast<std::size_t>(next)].ends, state, -1);
        }
      }
    }
    instance.row.reason = reason;
    SetState(run, instance, command.state, true);
    result.instances.push_back(instance.row.key);
    if (IsTerminal(run.row.state)) Reopen(run);  // its end is worked out again
  }
  // A success by hand lets what failed behind it run again.
  if (command.state == TaskState::kSuccess) {
    TellDownstream();
    const Selection behind{{command.task_id}, false, true, true};
    ASSIGN_OR_RETURN(const std::vector<std::int32_t> failed, Select(*run.dag, behind, StatesOf(run)));
    for (const std::int32_t next : failed) result.instances.push_back({run.row.key, next});
    if (!failed.empty()) ClearInstances(run, failed, command.user);
  }
  result.run = run.row;
  return result;
}

}  // namespace millrace::engine
