// Clear with only_new: an ended run gets its DAG's newest version, and the tasks of it that the run does not
// have; what it has stays as it is. A task instance is known by its task's place in the version, its tries,
// values and logs too: so the newest version must have the run's tasks where they stood.
#include "scheduler/engine/graph.h"

namespace millrace::engine {
namespace {

Status CanFollow(const LiveRun& run, const Dag& newest) {
  const std::vector<Task>& old = run.dag->tasks;
  const std::string how = "; clear the whole run with run_on_latest_version instead";
  if (!IsTerminal(run.row.state)) {
    return FailedPrecondition("run " + run.row.run_id +
                              " is under way: wait for its end, or cancel it, before it gets new tasks");
  }
  if (run.instances.size() > old.size()) {
    return FailedPrecondition("run " + run.row.run_id +
                              " has mapped task instances, which stand where its new tasks would" + how);
  }
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (i < newest.tasks.size() && newest.tasks[i].id == old[i].id) continue;
    return FailedPrecondition("task " + old[i].id + " of run " + run.row.run_id + " stands elsewhere in version " +
                              std::to_string(run.owner->row.version) + ", or is gone" + how);
  }
  return OkStatus();
}

}  // namespace

CommandReply Engine::State::AddNewTasks(const ClearTasks& command, LiveRun& run) {
  const DagPtr newest = run.owner->dag;
  CommandResult result;
  for (const Task& task : newest->tasks) {
    if (run.dag->FindTask(task.id) < 0) result.new_tasks.push_back(task.id);
  }
  if (!result.new_tasks.empty()) RETURN_IF_ERROR(CanFollow(run, *newest));
  if (!result.new_tasks.empty() && !command.dry_run) {
    run.dag = newest;
    run.row.version = run.owner->row.version;
    run.task_limits.clear();
    run.lanes.clear();
    run.past.reset();
    run.stopped.clear();
    for (Instance& instance : run.instances) Recount(run, instance);
    Reopen(run);
  }
  result.run = run.row;
  return result;
}

}  // namespace millrace::engine
