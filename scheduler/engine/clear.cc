// What people do to runs by hand: cancel, clear, mark. The words and their reach are Airflow's.
#include <algorithm>

#include "core/model/selection.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/trigger_rule.h"

namespace millrace::engine {
namespace {

std::string By(const std::string& what, const std::string& user) {
  return user.empty() ? what : what + " by " + user;
}

bool HasFailed(const Instance& instance) {
  return instance.row.state == TaskState::kFailed || instance.row.state == TaskState::kUpstreamFailed;
}

}  // namespace

CommandReply Engine::State::Cancel(const CancelRun& command, LiveRun& run) {
  if (IsTerminal(run.row.state)) {
    return FailedPrecondition("run " + run.row.run_id +
                              " has ended already: " + std::string(ToString(run.row.state)));
  }
  return Stop(run, By("cancelled", command.user));
}

CommandResult Engine::State::Stop(LiveRun& run, const std::string& reason) {
  LiveDag& dag = *run.owner;
  CommandResult result;
  if (run.row.state == RunState::kQueued) {
    dag.queued.erase(run.row.key);
    if (IsOfSchedule(run.row.type)) --dag.queued_by_timetable;
  } else {
    --dag.running;
    active_instances -= run.counted;
  }
  // First the run, so that nothing becomes ready while its instances end.
  SetRunState(run, RunState::kFailed);
  run.row.ended_at = now.wall;
  run.row.note = reason;
  DropDeadlines(run);
  StopRest(run, reason, true, &result.instances);
  result.run = run.row;
  woken.insert(dag.row.dag_id);
  TellDownstream();
  Evict(run);
  return result;
}

CommandReply Engine::State::Clear(const ClearTasks& command, LiveRun& run) {
  const Selection selection{command.task_ids, command.upstream, command.downstream, false};
  ASSIGN_OR_RETURN(const std::vector<std::int32_t> selected, Select(*run.dag, selection, {}));
  // Those that have not begun have nothing to clear.
  std::vector<std::int32_t> indices;
  CommandResult result;
  for (const std::int32_t task : selected) {
    const std::string& id = run.dag->tasks[static_cast<std::size_t>(task)].id;
    const bool named =
        std::find(command.task_ids.begin(), command.task_ids.end(), id) != command.task_ids.end();
    EachOf(run, task, [&](const Instance& instance) {
      const TaskState state = instance.row.state;
      if (state == TaskState::kNone || state == TaskState::kScheduled || state == TaskState::kRestarting)
        return;
      if (command.only_failed && !HasFailed(instance)) return;
      if (named && command.map_index >= 0 && instance.row.map_index != command.map_index) return;
      indices.push_back(instance.row.key.index);
      result.instances.push_back(instance.row.key);
    });
  }
  if (!command.dry_run && !indices.empty()) ClearInstances(run, indices, command.user);
  result.run = run.row;
  return result;
}

void Engine::State::ClearInstances(LiveRun& run, const std::vector<std::int32_t>& indices,
                                   const std::string& user) {
  run.stopped.clear();
  ForgetMapped(run, indices);
  std::set<std::int32_t> changed(indices.begin(), indices.end());
  for (const std::int32_t index : indices) {
    Instance& instance = run.at(index);
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
    EachDownstream(run, instance, [&](Instance& next) {
      changed.insert(next.row.key.index);
      if (next.row.state != TaskState::kNone) return;
      // What it has read may change.
      next.values.reset();
      next.asked = false;
    });
    SetState(run, instance, TaskState::kNone, true);
    row.skips.clear();
    row.reason.clear();
    row.scheduled_at.reset();
    row.queued_at.reset();
    row.started_at.reset();
    row.ended_at.reset();
  }
  for (const std::int32_t index : changed) Recount(run, run.at(index));
  for (const std::int32_t index : indices) TellFollowers(run, run.at(index).row.task());
  if (IsTerminal(run.row.state)) Reopen(run);
  for (const std::int32_t index : indices) Evaluate(run, run.at(index));
}

void Engine::State::Reopen(LiveRun& run) {
  SetRunState(run, RunState::kQueued, true);
  run.row.queued_at = now.wall;
  run.row.started_at.reset();
  run.row.ended_at.reset();
  run.row.note.clear();
  run.owner->queued.insert(run.row.key);
  if (IsOfSchedule(run.row.type)) ++run.owner->queued_by_timetable;
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
  if (!run.has(index)) {
    return FailedPrecondition("run " + run.row.run_id + " has not started; its tasks cannot be marked yet");
  }
  CommandResult result;
  const std::string reason = By("marked " + std::string(ToString(command.state)), command.user);
  std::vector<std::int32_t> indices;
  EachOf(run, index, [&](const Instance& instance) {
    const bool meant = command.map_index < 0 || instance.row.map_index == command.map_index;
    if (meant && instance.row.state != command.state) indices.push_back(instance.row.key.index);
  });
  for (const std::int32_t marked : indices) {
    Instance& instance = run.at(marked);
    const TaskState state = instance.row.state;
    if (HasAttempt(state)) Unwant(run, instance, reason);
    instance.row.reason = reason;
    // Told again, as what it is now.
    if (IsTerminal(state))
      EachDownstream(run, instance, [&](Instance& next) { Count(next.ends, state, -1); });
    SetState(run, instance, command.state, true);
    result.instances.push_back(instance.row.key);
  }
  if (!indices.empty() && IsTerminal(run.row.state)) Reopen(run);  // its end is worked out again
  // A success by hand lets what failed behind it run again.
  if (command.state == TaskState::kSuccess) {
    TellDownstream();
    const Selection behind{{command.task_id}, false, true, false};
    ASSIGN_OR_RETURN(const std::vector<std::int32_t> tasks, Select(*run.dag, behind, {}));
    std::vector<std::int32_t> failed;
    for (const std::int32_t task : tasks) {
      EachOf(run, task, [&](const Instance& instance) {
        if (task == index || !HasFailed(instance)) return;
        failed.push_back(instance.row.key.index);
        result.instances.push_back(instance.row.key);
      });
    }
    if (!failed.empty()) ClearInstances(run, failed, command.user);
  }
  result.run = run.row;
  return result;
}

}  // namespace millrace::engine
