// depends_on_past and wait_for_downstream: an instance starts only when the same task of the run before, by
// logical date, has succeeded or was skipped. Which run that is, the store is asked when a run starts; while
// it is live, its ends are told to those that follow it.
#include <algorithm>

#include "scheduler/engine/graph.h"

namespace millrace::engine {
namespace {

bool IsGood(TaskState state) { return state == TaskState::kSuccess || state == TaskState::kSkipped; }

// Of several instances the one that stands in the way, if any does.
TaskState Worse(TaskState a, TaskState b) { return IsGood(a) ? b : a; }

}  // namespace

void Engine::State::LookBack(LiveRun& run) {
  const bool depends = std::any_of(run.dag->tasks.begin(), run.dag->tasks.end(),
                                   [](const Task& task) { return task.depends_on_past; });
  if (!depends || (run.past != nullptr && run.past->known)) return;
  run.past = std::make_unique<Past>();
  if (run.row.logical_date) {
    Emit(NeedPrevious{run.row.key, run.row.dag_id, *run.row.logical_date});
  } else {
    run.past->known = run.past->none = true;  // nothing comes before a run without a date
  }
}

void Engine::State::OnPreviousLoaded(const PreviousLoaded& event) {
  LiveRun* run = FindRun(event.run);
  if (run == nullptr || run->past == nullptr || run->past->known) return;
  Past& past = *run->past;
  if (!event.image.ok() && event.image.status().code() != Code::kNotFound) {
    timers.Add({now.boot + kStorePause, TimerKind::kAskAgain, {}, {event.run, -1}, 0, {}});
    return;
  }
  past.known = true;
  past.none = !event.image.ok();
  if (!past.none) {
    past.run = event.image->run.key;
    const Dag& before = *event.image->dag;
    past.states.assign(run->dag->tasks.size(), TaskState::kSuccess);
    std::vector<TaskState> states(before.tasks.size(), TaskState::kSuccess);
    if (event.image->task_instances.empty()) states.assign(before.tasks.size(), TaskState::kNone);
    for (const TaskInstance& row : event.image->task_instances) {
      TaskState& state = states[static_cast<std::size_t>(row.task())];
      if (row.state != TaskState::kRemoved) state = Worse(state, row.state);
    }
    for (std::size_t i = 0; i < run->dag->tasks.size(); ++i) {
      const std::int32_t there = before.FindTask(run->dag->tasks[i].id);
      if (there >= 0) past.states[i] = states[static_cast<std::size_t>(there)];
    }
    run->owner->followers[past.run].insert(run->row.key);
    // What the engine knows is newer than what was read.
    if (LiveRun* previous = FindRun(past.run); previous != nullptr) {
      for (std::size_t i = 0; i < previous->dag->tasks.size(); ++i)
        TellFollowers(*previous, static_cast<std::int32_t>(i));
    }
  }
  for (std::size_t i = 0; i < run->instances.size(); ++i) {
    if (TaskOf(*run, run->instances[i]).depends_on_past) Evaluate(*run, run->instances[i]);
  }
}

bool Engine::State::PastAllows(const LiveRun& run, const Task& task, std::int32_t index) const {
  if (run.past == nullptr || run.past->none) return true;
  if (!run.past->known) return false;
  const std::vector<TaskState>& states = run.past->states;
  if (!IsGood(states[static_cast<std::size_t>(index)])) return false;
  return !task.wait_for_downstream ||
         std::all_of(task.downstream.begin(), task.downstream.end(),
                     [&](std::int32_t next) { return IsGood(states[static_cast<std::size_t>(next)]); });
}

void Engine::State::TellFollowers(LiveRun& run, std::int32_t task) {
  const auto followers = run.owner->followers.find(run.row.key);
  if (followers == run.owner->followers.end()) return;
  TaskState state = run.has(run.first(task)) ? TaskState::kSuccess : TaskState::kNone;
  EachOf(run, task, [&](const Instance& instance) { state = Worse(state, instance.row.state); });
  const std::string& id = run.dag->tasks[static_cast<std::size_t>(task)].id;
  for (const RunKey key : std::set<RunKey>(followers->second)) {
    LiveRun& follower = runs.find(key)->second;
    const std::int32_t there = follower.dag == run.dag ? task : follower.dag->FindTask(id);
    if (there < 0) continue;
    follower.past->states[static_cast<std::size_t>(there)] = state;
    const auto look = [&](std::int32_t index) {
      if (!follower.dag->tasks[static_cast<std::size_t>(index)].depends_on_past) return;
      EachOf(follower, index, [&](Instance& instance) { Evaluate(follower, instance); });
    };
    if (!IsGood(state)) continue;
    look(there);
    for (const std::int32_t upstream : follower.dag->tasks[static_cast<std::size_t>(there)].upstream)
      look(upstream);
  }
}

}  // namespace millrace::engine
