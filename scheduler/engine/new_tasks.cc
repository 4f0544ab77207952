// Clear with only_new: an ended run gets its DAG's newest version, and the tasks of it that the run does not
// have; what it has stays as it is, and what the version has not becomes `removed`. A task instance keeps its
// key, by which its tries, values and logs are known, so it need not stand where its task does (LiveRun::moved);
// new ones stand behind all others. The tasks that are gone follow the version's own (DagOfRun).
#include <algorithm>

#include "core/model/run_dag.h"
#include "scheduler/engine/graph.h"

namespace millrace::engine {
namespace {

const std::string& GroupOf(const Dag& dag, const Task& task) {
  static const std::string kNone;
  return task.mapped_group < 0 ? kNone : dag.groups[static_cast<std::size_t>(task.mapped_group)].id;
}

void Forget(TaskInstance& row) {
  row.skips.clear();
  row.reason.clear();
  row.map_value.clear();
  row.rendered_map_index.clear();
  row.map_index = -1;
  row.lost = row.rescheduled = 0;
  row.scheduled_at.reset();
  row.queued_at.reset();
  row.started_at.reset();
  row.ended_at.reset();
}

}  // namespace

// What only_new makes of a run.
struct Engine::State::NewVersion {
  std::vector<std::int32_t> added;       // places in the new version, of tasks that get a first instance
  std::vector<std::int32_t> begun_anew;  // instances that are the first of a task that is back, or is mapped otherwise
  std::vector<std::int32_t> removed;     // instances
  std::vector<std::string> former;
  std::vector<std::int32_t> places;  // old -> new

  bool changes() const { return !added.empty() || !begun_anew.empty() || !removed.empty(); }
};

Engine::State::NewVersion Engine::State::Compare(const LiveRun& run, const Dag& newest) {
  const Dag& old = *run.dag;
  const std::int32_t own = OwnTasks(run.row, old);
  std::vector<std::vector<std::int32_t>> instances(old.tasks.size());
  for (const Instance& instance : run.instances)
    instances[static_cast<std::size_t>(instance.row.task())].push_back(instance.row.key.index);
  NewVersion change;
  change.places.assign(old.tasks.size(), -1);
  for (std::size_t i = 0; i < newest.tasks.size(); ++i) {
    const Task& task = newest.tasks[i];
    const std::int32_t place = old.FindTask(task.id);
    if (place < 0 || instances[static_cast<std::size_t>(place)].empty()) {
      change.added.push_back(static_cast<std::int32_t>(i));
      continue;
    }
    change.places[static_cast<std::size_t>(place)] = static_cast<std::int32_t>(i);
    const Task& was = old.tasks[static_cast<std::size_t>(place)];
    // What was not mapped is one instance, also of a task that is now.
    const bool mapped_otherwise =
        run.mapped.contains(place) && !(task.mapped() && GroupOf(old, was) == GroupOf(newest, task));
    if (place < own && !mapped_otherwise) continue;
    bool first = true;
    for (const std::int32_t index : instances[static_cast<std::size_t>(place)]) {
      const TaskInstance& row = run.at(index).row;
      if (first && row.map_index <= 0 && (place >= own || row.state != TaskState::kRemoved)) {
        change.begun_anew.push_back(index);
        first = false;
      } else if (row.state != TaskState::kRemoved) {
        change.removed.push_back(index);
      }
    }
    if (first) change.added.push_back(static_cast<std::int32_t>(i));
  }
  for (std::size_t place = 0; place < old.tasks.size(); ++place) {
    if (change.places[place] >= 0 || instances[place].empty()) continue;
    change.places[place] = static_cast<std::int32_t>(newest.tasks.size() + change.former.size());
    change.former.push_back(old.tasks[place].id);
    for (const std::int32_t index : instances[place]) {
      if (run.at(index).row.state != TaskState::kRemoved) change.removed.push_back(index);
    }
  }
  return change;
}

CommandReply Engine::State::AddNewTasks(const ClearTasks& command, LiveRun& run) {
  const DagPtr newest = run.owner->dag;
  CommandResult result;
  const NewVersion change = Compare(run, *newest);
  const auto id_of = [&](std::int32_t place) { return newest->tasks[static_cast<std::size_t>(place)].id; };
  for (const std::int32_t place : change.added) result.new_tasks.push_back(id_of(place));
  for (const std::int32_t index : change.begun_anew)
    result.new_tasks.push_back(id_of(change.places[static_cast<std::size_t>(run.at(index).row.task())]));
  for (const std::int32_t index : change.removed) result.instances.push_back({run.row.key, index});
  if (change.changes() && !IsTerminal(run.row.state)) {
    return FailedPrecondition("run " + run.row.run_id +
                              " is under way: wait for its end, or cancel it, before it gets new tasks");
  }
  if (change.changes() && !command.dry_run) {
    if (run.instances.empty()) {  // it ended before it began
      run.dag = newest;
      run.row.version = run.owner->row.version;
      run.row.former_tasks.reset();
    } else {
      Follow(run, change);
    }
    run.stopped.clear();
    Reopen(run);
  }
  result.run = run.row;
  return result;
}

void Engine::State::Follow(LiveRun& run, const NewVersion& change) {
  const std::int32_t version = run.owner->row.version;
  for (const std::int32_t index : change.removed) {
    Instance& instance = run.at(index);
    instance.row.reason = "version " + std::to_string(version) + " of the DAG, which its run was given, has it no more";
    SetState(run, instance, TaskState::kRemoved, true);
  }
  for (const std::int32_t index : change.begun_anew) {
    Instance& instance = run.at(index);
    if (instance.row.state == TaskState::kSuccess) KeepAttempt(instance, TaskState::kSuccess, std::nullopt);
    if (instance.row.state != TaskState::kNone) SetState(run, instance, TaskState::kNone, true);
    Forget(instance.row);
  }
  run.row.version = version;
  run.row.former_tasks = change.former;
  run.UseDag(DagOfRun(run.row, run.owner->dag));
  const auto place_of = [&](std::int32_t old) { return change.places[static_cast<std::size_t>(old)]; };
  for (Instance& instance : run.instances) {
    TaskInstance& row = instance.row;
    const std::int32_t task = place_of(row.task());
    row.mapped_task = row.map_index < 0 && task == row.key.index ? -1 : task;
    for (std::int32_t& skipped : row.skips) skipped = place_of(skipped);
    std::erase(row.skips, -1);
    Touch(run, instance);
  }
  for (const std::int32_t index : change.begun_anew) {
    Instance& instance = run.at(index);
    instance.row.max_tries = instance.row.try_number + TaskOf(run, instance).retry.retries;
  }
  FindPlaces(run);
  for (const std::int32_t task : change.added) AddInstances(run, task);
  for (Instance& instance : run.instances) Recount(run, instance);
}

// In a group that was expanded already it gets an instance beside each of the others.
void Engine::State::AddInstances(LiveRun& run, std::int32_t task) {
  const Task& added = run.dag->tasks[static_cast<std::size_t>(task)];
  std::vector<std::int32_t> beside;
  for (const auto& [other, indices] : run.mapped) {
    if (beside.empty() && other != task && internal::InOneGroup(run, other, task)) beside = indices;
  }
  for (std::size_t i = 0; i < std::max<std::size_t>(beside.size(), 1); ++i) {
    const auto index = static_cast<std::int32_t>(run.instances.size());
    Instance& instance = run.instances.emplace_back();
    TaskInstance& row = instance.row;
    row.key = {run.row.key, index};
    row.try_number = run.tries_before;
    row.max_tries = run.tries_before + added.retry.retries;
    if (!beside.empty()) {
      const TaskInstance& other = run.at(beside[i]).row;
      row.map_index = other.map_index;
      row.map_value = other.map_value;
    }
    if (row.map_index >= 0 || index != task) row.mapped_task = task;
    ++run.unfinished;
    FindPlace(run, row);
    Touch(run, instance);
  }
}

}  // namespace millrace::engine
