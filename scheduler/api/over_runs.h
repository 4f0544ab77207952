// Commands on the task instances of several runs, as one request means them: which runs, one command each,
// what they touched; and notes. Within one handler call.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "scheduler/api/context.h"
#include "scheduler/api/input.h"
#include "scheduler/api/instances.h"

namespace millrace::api {

// Those of a DAG with logical dates in this range; at most a thousand.
StatusOr<std::vector<Run>> RunsBetween(Context& context, const std::string& dag_id,
                                       std::optional<WallTime> from, std::optional<WallTime> to);

// The run, and on request those of its DAG before and after it, by logical date.
StatusOr<std::vector<Run>> RunsAround(Context& context, const Run& run, bool past, bool future);

// The instances of a task: the one with that map index, or all.
StatusOr<std::vector<TaskInstanceKey>> KeysOf(Context& context, const Located& at, std::int32_t map_index);
StatusOr<Value::List> ShowInstances(Context& context, const Located& at, std::int32_t map_index);
// "" takes the note away.
Status NoteInstances(Context& context, const Located& at, std::int32_t map_index, const std::string& note,
                     const std::string& user);

// One command a run, all of them tried before the first is done: a refusal leaves everything as it was.
template <typename OneRun>
StatusOr<Value::List> OverRuns(Context& context, const std::vector<Run>& runs, OneRun command,
                               const std::string& audit) {
  if (runs.size() > 1 && !command.dry_run) {
    OneRun trial = command;
    trial.dry_run = true;
    for (const Run& run : runs) {
      trial.dag_id = run.dag_id;
      trial.run_id = run.run_id;
      RETURN_IF_ERROR(context.Run(trial).status());
    }
  }
  std::vector<TaskInstanceKey> touched;
  Value::List added;  // tasks that have no instances yet
  Shower shower(context);
  for (const Run& run : runs) {
    command.dag_id = run.dag_id;
    command.run_id = run.run_id;
    ASSIGN_OR_RETURN(const CommandResult result, context.Run(command));
    touched.insert(touched.end(), result.instances.begin(), result.instances.end());
    if (result.run) shower.Know(*result.run);
    for (const std::string& id : result.new_tasks)
      added.push_back(Value::Map{{"task_id", id}, {"task_display_name", id}});
    if (!command.dry_run) context.Audit(command.user, audit, run.dag_id + "/" + run.run_id);
  }
  ASSIGN_OR_RETURN(Value::List shown, shower.Show(touched));
  if constexpr (std::is_same_v<OneRun, ClearTasks>) {
    // Of only_new these are the ones that the newest version has not; what it adds follows.
    for (Value& removed : shown) {
      if (command.only_new) removed.Set("state", Value(ToString(TaskState::kRemoved)));
    }
  }
  shown.insert(shown.end(), added.begin(), added.end());
  return shown;
}

// A clear's only_skipped, which its only_failed and only_running stand beside; and its only_new.
void ReadOnlySkipped(BodyInput& body, ClearTasks* clear);
void ReadOnlyNew(BodyInput& body, ClearTasks* clear);

}  // namespace millrace::api
