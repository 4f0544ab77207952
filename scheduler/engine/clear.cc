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
    Dequeue(run);
  } else {
    CountRunning(run, -1);
    active_instances -= run.counted;
  }
  // First the run, so that nothing becomes ready while its instances end.
  SetRunState(run, RunState::kFailed);
  run.row.ended_at = now.wall;
  run.row.retry_at.reset();
  run.row.note = reason;
  if (lineage) TellLineage(run, LineageEvent::kAbort, reason);
  DropDeadlines(run);
  StopRest(run, reason, true, &result.instances);
  result.run = run.row;
  woken.insert(dag.row.dag_id);
  TellDownstream();
  Evict(run);
  return result;
}

CommandReply Engine::State::Clear(const ClearTasks& command, LiveRun& run) {
  if (command.only_new) return AddNewTasks(command, run);
  const bool other_version = command.latest_version && run.row.version != run.owner->row.version;
  if (other_version &&
      (!command.task_ids.empty() || command.only_failed || command.only_running || command.only_skipped)) {
    return InvalidArgument("run " + run.row.run_id + " has version " + std::to_string(run.row.version) +
                           " of its DAG: the newest one can only run all of its tasks again");
  }
  if (other_version && !IsTerminal(run.row.state)) {
    return FailedPrecondition(
        "run " + run.row.run_id +
        " is under way: wait for its end, or cancel it, before it gets the newest version");
  }
  const Selection selection{command.task_ids, command.upstream, command.downstream, false};
  ASSIGN_OR_RETURN(const std::vector<std::int32_t> selected, Select(*run.dag, selection, {}));
  // Those that have not begun have nothing to clear.
  std::vector<std::int32_t> indices;
  CommandResult result;
  std::string running;
  for (const std::int32_t task : selected) {
    const std::string& id = run.dag->tasks[static_cast<std::size_t>(task)].id;
    const bool named = Names(*run.dag, command.task_ids, task);
    EachOf(run, task, [&](const Instance& instance) {
      const TaskState state = instance.row.state;
      if (state == TaskState::kNone || state == TaskState::kScheduled || state == TaskState::kRestarting)
        return;
      if (command.only_failed && !HasFailed(instance)) return;
      if (command.only_running && state != TaskState::kRunning) return;
      if (command.only_skipped && state != TaskState::kSkipped) return;
      if (named && command.map_index >= 0 && instance.row.map_index != command.map_index) return;
      if (state == TaskState::kRunning) running = id;
      indices.push_back(instance.row.key.index);
      result.instances.push_back(instance.row.key);
    });
  }
  if (command.prevent_running && !running.empty()) {
    return FailedPrecondition("task " + running + " of run " + run.row.run_id +
                              " is running: wait for its end, or clear without prevent_running_task, which stops it");
  }
  if (!command.dry_run && command.refresh_cache) ForgetCached(run, selected);
  if (!command.dry_run && other_version) {
    Rerun(run, true, command.user);
  } else if (!command.dry_run && !indices.empty()) {
    ClearInstances(run, indices, command.user);
    const bool all_of_task = !command.only_failed && !command.only_running && !command.only_skipped && command.map_index < 0;
    if (all_of_task) BeginLoopsAnew(run, selected);
    if (command.reopen && IsTerminal(run.row.state)) Reopen(run);
    EvaluateAll(run, indices);
  } else if (!command.dry_run && command.reopen && IsTerminal(run.row.state) &&
             (run.instances.empty() || run.unfinished > 0)) {
    Reopen(run);  // ended before it began, or was cleared without being opened
  }
  // As in Airflow: cleared means from the beginning, not from where it stood.
  if (!command.keep_task_state && !command.dry_run) ForgetStates(result.instances);
  if (command.note && !command.dry_run) {
    for (const TaskInstanceKey& key : result.instances)
      out->batch.records.push_back(NoteRecord{key, *command.note, command.user, now.wall});
  }
  result.run = run.row;
  return result;
}

void Engine::State::EvaluateAll(LiveRun& run, const std::vector<std::int32_t>& indices) {
  for (const std::int32_t index : indices) Evaluate(run, run.at(index));
}

void Engine::State::Rerun(LiveRun& run, bool latest_version, const std::string& user) {
  std::vector<std::int32_t> indices;
  std::vector<std::int32_t> tasks;
  for (std::size_t task = 0; task < run.dag->tasks.size(); ++task) {
    tasks.push_back(static_cast<std::int32_t>(task));
    EachOf(run, static_cast<std::int32_t>(task), [&](const Instance& instance) {
      if (instance.row.state != TaskState::kNone) indices.push_back(instance.row.key.index);
    });
  }
  ClearInstances(run, indices, user);
  BeginLoopsAnew(run, tasks);
  if (latest_version && run.row.version != run.owner->row.version) UseNewestVersion(run);
  Reopen(run);
}

// Nothing of the run has begun. A place that belongs to another task now keeps nothing of the one before, and
// what `expand` had added goes; tries count on from the highest of the run, so that no try's log is taken for
// another's.
void Engine::State::UseNewestVersion(LiveRun& run) {
  const DagPtr old = run.dag;
  const DagPtr dag = run.owner->dag;
  const std::size_t size = dag->tasks.size();
  std::int32_t highest = run.tries_before;
  for (const Instance& instance : run.instances) highest = std::max(highest, instance.row.try_number);
  std::set<TaskInstanceKey> forgotten;
  std::set<TaskInstanceKey> gone;
  for (std::size_t i = 0; i < run.instances.size(); ++i) {
    Instance& instance = run.instances[i];
    TaskInstance& row = instance.row;
    const bool removed = row.state == TaskState::kRemoved;
    if (removed) SetState(run, instance, TaskState::kNone, true);
    const bool same = i < size && !removed && row.map_index <= 0 &&
                      dag->tasks[i].id == old->tasks[static_cast<std::size_t>(row.task())].id;
    if (!same) {
      forgotten.insert(row.key);
      out->batch.forgotten.push_back({row.key, i >= size});
    }
    if (i >= size) {
      gone.insert(row.key);
      continue;
    }
    if (!same || dag->tasks[i].mapped()) row.try_number = highest;
    row.max_tries = row.try_number + dag->tasks[i].retry.retries;
    row.map_index = -1;
    row.mapped_task = -1;
    row.map_value.clear();
    row.rendered_map_index.clear();
    row.ended_at.reset();
    Touch(run, instance);
  }
  // The batch says of what goes that it goes, and nothing else.
  std::erase_if(out->batch.attempts,
                [&](const Attempt& attempt) { return forgotten.contains(attempt.instance); });
  std::erase_if(out->batch.approvals,
                [&](const ApprovalRow& approval) { return forgotten.contains(approval.instance); });
  std::erase_if(out->batch.transitions, [&](const Transition& one) {
    return gone.contains({one.run, one.index});
  });
  std::erase_if(dirty_instances, [&](const TaskInstanceKey& key) { return gone.contains(key); });
  if (run.instances.size() > size) run.instances.resize(size);
  run.UseDag(dag);
  run.row.version = run.owner->row.version;
  run.row.former_tasks.reset();
  run.tries_before = highest;
  run.unfinished = static_cast<std::int32_t>(run.instances.size());
  for (Instance& instance : run.instances) Recount(run, instance);
  Touch(run);
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
    row.rescheduled = 0;
    if (HasAttempt(state)) {
      row.reason = By("cleared", user);
      KeepAttempt(instance, TaskState::kRestarting, std::nullopt);
      SetState(run, instance, TaskState::kRestarting);
      // A job's attempts are fenced one by one, so it need not wait for their ends.
      Unwant(run, instance, By("cleared", user));
      if (IsJob(task)) FinishRestart(run, instance);
      continue;
    }
    if (state == TaskState::kDeferred) {
      row.reason = By("cleared", user);
      KeepAttempt(instance, TaskState::kRestarting, std::nullopt);
      Unwant(run, instance, row.reason);  // it only looks: nobody waits for its end
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
    if (IsLoopGate(task)) {
      ForgetNext(row);
    } else if (task.loop_gate < 0) {
      row.loop.clear();
    }
    row.reason.clear();
    row.scheduled_at.reset();
    row.queued_at.reset();
    row.started_at.reset();
    row.ended_at.reset();
  }
  for (const std::int32_t index : changed) Recount(run, run.at(index));
  for (const std::int32_t index : indices) TellFollowers(run, run.at(index).row.task());
}

void Engine::State::Reopen(LiveRun& run) {
  SetRunState(run, RunState::kQueued, true);
  run.row.queued_at = now.wall;
  run.row.started_at.reset();
  run.row.ended_at.reset();
  run.row.note.clear();
  run.row.retry_at.reset();
  run.row.max_retries = run.row.retries + run.dag->max_dag_retries;
  Enqueue(run);
  woken.insert(run.row.dag_id);
}

bool Engine::State::MarkInstance(LiveRun& run, Instance& instance, TaskState state,
                                 const std::string& reason) {
  const TaskState from = instance.row.state;
  if (from == state || from == TaskState::kRemoved) return false;
  if (HasAttempt(from) || from == TaskState::kDeferred) Unwant(run, instance, reason);
  instance.row.reason = reason;
  // Told again, as what it is now.
  if (IsTerminal(from)) EachDownstream(run, instance, [&](Instance& next) { Count(next.ends, from, -1); });
  SetState(run, instance, state, true);
  return true;
}

CommandReply Engine::State::Mark(const MarkTask& command, LiveRun& run) {
  if (command.state != TaskState::kSuccess && command.state != TaskState::kFailed &&
      command.state != TaskState::kSkipped) {
    return InvalidArgument("a task can be marked success, failed or skipped, not " +
                           std::string(ToString(command.state)));
  }
  const Selection selection{{command.task_id}, command.upstream, command.downstream, false};
  ASSIGN_OR_RETURN(const std::vector<std::int32_t> selected, Select(*run.dag, selection, {}));
  if (!run.complete()) {
    return FailedPrecondition("run " + run.row.run_id + " has not started; its tasks cannot be marked yet");
  }
  CommandResult result;
  const std::string reason = By("marked " + std::string(ToString(command.state)), command.user);
  std::vector<std::int32_t> marked;
  for (const std::int32_t one : selected) {
    const bool named = Names(*run.dag, {command.task_id}, one);
    EachOf(run, one, [&](const Instance& instance) {
      const bool meant = !named || command.map_index < 0 || instance.row.map_index == command.map_index;
      if (meant && instance.row.state != command.state) marked.push_back(instance.row.key.index);
    });
  }
  for (const std::int32_t index : marked) {
    result.instances.push_back({run.row.key, index});
    if (!command.dry_run) MarkInstance(run, run.at(index), command.state, reason);
  }
  if (!marked.empty() && !command.dry_run && IsTerminal(run.row.state))
    Reopen(run);  // its end is worked out again
  // Who says that it failed does not want it tried again.
  if (!marked.empty() && !command.dry_run && command.state == TaskState::kFailed) {
    run.row.max_retries = run.row.retries;
    Touch(run);
  }
  if (command.state == TaskState::kSuccess) {
    // A success by hand lets what failed behind it run again.
    if (!command.dry_run) TellDownstream();
    const Selection behind{{command.task_id}, false, true, false};
    ASSIGN_OR_RETURN(const std::vector<std::int32_t> tasks, Select(*run.dag, behind, {}));
    std::vector<std::int32_t> failed;
    for (const std::int32_t one : tasks) {
      if (std::find(selected.begin(), selected.end(), one) != selected.end()) continue;
      EachOf(run, one, [&](const Instance& instance) {
        if (!HasFailed(instance)) return;
        failed.push_back(instance.row.key.index);
        result.instances.push_back(instance.row.key);
      });
    }
    if (!failed.empty() && !command.dry_run) {
      ClearInstances(run, failed, command.user);
      if (IsTerminal(run.row.state)) Reopen(run);
      EvaluateAll(run, failed);
    }
  }
  result.run = run.row;
  return result;
}

CommandReply Engine::State::Mark(const MarkRun& command, LiveRun& run) {
  const std::string reason = By("marked " + std::string(ToString(command.state)), command.user);
  CommandResult result;
  if (command.state == RunState::kFailed) {
    if (!IsTerminal(run.row.state)) return Cancel({command.dag_id, command.run_id, command.user}, run);
    if (run.row.state != RunState::kFailed) SetRunState(run, RunState::kFailed, true);
    run.row.note = reason;
    Touch(run);
  } else if (command.state == RunState::kSuccess) {
    if (!run.complete()) {
      return FailedPrecondition("run " + run.row.run_id + " has not started; it cannot be marked yet");
    }
    for (Instance& instance : run.instances) {
      if (MarkInstance(run, instance, TaskState::kSuccess, reason))
        result.instances.push_back(instance.row.key);
    }
    if (!result.instances.empty() && IsTerminal(run.row.state)) Reopen(run);
  } else {
    return InvalidArgument("a run can be marked success or failed");
  }
  result.run = run.row;
  return result;
}

CommandReply Engine::State::Note(const NoteRun& command, LiveRun& run) {
  run.row.note = command.note;
  Touch(run);
  CommandResult result;
  result.run = run.row;
  return result;
}

// As if it had never begun: it runs when its run is opened again. Tries count on, so that no try's log is taken
// for another's.
CommandReply Engine::State::Delete(const DeleteTaskInstance& command, LiveRun& run) {
  const std::int32_t task = run.dag->FindTask(command.task_id);
  if (task < 0) return NotFound("DAG " + run.row.dag_id + " has no task " + command.task_id);
  Instance* instance = nullptr;
  EachOf(run, task, [&](Instance& one) {
    if (one.row.map_index == command.map_index) instance = &one;
  });
  if (instance == nullptr || instance->row.state == TaskState::kRemoved)
    return NotFound("run " + run.row.run_id + " has no such instance of task " + command.task_id);
  if (!IsTerminal(run.row.state)) {
    return FailedPrecondition("run " + run.row.run_id + " is " + std::string(ToString(run.row.state)) +
                              ": a task instance can be deleted once its run has ended");
  }
  const TaskInstanceKey key = instance->row.key;
  if (instance->row.state != TaskState::kNone) ClearInstances(run, {key.index}, command.user);
  std::erase_if(out->batch.attempts, [&](const Attempt& one) { return one.instance == key; });
  std::erase_if(out->batch.xcoms, [&](const XComRow& one) { return one.instance == key; });
  std::erase_if(out->batch.approvals, [&](const ApprovalRow& one) { return one.instance == key; });
  out->batch.forgotten.push_back({key, false});
  ForgetStates({key});  // also what was set in this very batch
  CommandResult result;
  result.instances.push_back(key);
  result.run = run.row;
  return result;
}

CommandReply Engine::State::Delete(LiveRun& run) {
  if (!IsTerminal(run.row.state)) {
    return FailedPrecondition("run " + run.row.run_id + " is " + std::string(ToString(run.row.state)) +
                              "; cancel it first");
  }
  CommandResult result;
  const RunKey key = run.row.key;
  result.deleted.push_back(key);
  out->batch.deleted_runs.push_back(key);
  // Rows are written after what is deleted: of this run none may follow, whatever was done to it just before.
  std::erase(dirty_runs, key);
  std::erase_if(dirty_instances, [key](const TaskInstanceKey& one) { return one.run == key; });
  std::erase_if(out->batch.transitions, [key](const Transition& one) { return one.run == key; });
  std::erase_if(out->batch.attempts, [key](const Attempt& one) { return one.instance.run == key; });
  std::erase_if(out->batch.approvals, [key](const ApprovalRow& one) { return one.instance.run == key; });
  moved_runs.emplace_back(key, std::nullopt);
  DropNotifications(key);
  Evict(run);
  return result;
}

CommandReply Engine::State::Delete(const DeleteRuns& command) {
  CommandResult result;
  for (const DeleteRuns::Name& name : command.runs) {
    // What is in memory is live, or about to be changed by somebody; what has just ended is still to be written.
    const bool fresh = std::any_of(out->batch.runs.begin(), out->batch.runs.end(),
                                   [&](const Run& row) { return row.key == name.key; });
    if (fresh || runs.contains(name.key) || needs.contains({name.dag_id, name.run_id})) continue;
    result.deleted.push_back(name.key);
    out->batch.deleted_runs.push_back(name.key);
    moved_runs.emplace_back(name.key, std::nullopt);
    DropNotifications(name.key);
  }
  return result;
}

}  // namespace millrace::engine
