#include "core/spec/kinds.h"
#include "core/spec/sensor.h"

namespace millrace {
namespace {

bool IsState(const std::string& name, bool of_runs) {
  return of_runs ? RunStateFromString(name).has_value() : TaskStateFromString(name).has_value();
}

void CheckExternalTask(const Value& with, std::vector<Problem>& problems) {
  CheckSensor(with, problems);
  const Value* group = with.Find("external_task_group_id");
  const bool tasks = with.Find("external_task_id") != nullptr || with.Find("external_task_ids") != nullptr;
  if (group != nullptr && tasks) {
    AddProblem(problems, group->key_position(), "it waits for a group or for tasks, not for both",
               "leave one out, or write two sensors");
  }
  const Value* delta = with.Find("execution_delta");
  if (delta != nullptr && with.Find("logical_date") != nullptr) {
    AddProblem(problems, delta->key_position(), "'execution_delta' and 'logical_date' both say which run",
               "leave one out");
  }
  const bool of_runs = group == nullptr && !tasks;
  for (const char* name : {"allowed_states", "failed_states", "skipped_states"}) {
    const Value* states = with.Find(name);
    if (states == nullptr) continue;
    for (const Value& state : states->is_list() ? states->as_list() : Value::List{*states}) {
      if (!state.is_string() || IsState(state.as_string(), of_runs)) continue;
      AddProblem(problems, state.position(),
                 std::string("'") + name + "': a " + (of_runs ? "run" : "task") + " has no state '" +
                     state.as_string() + "'",
                 of_runs ? "there are: queued, running, success, failed"
                         : "such as success, failed, skipped, upstream_failed");
    }
  }
}

}  // namespace

const TaskKind& SensorExternalTaskKind() {
  static const TaskKind kind{
      .name = "sensor_external_task",
      .doc =
          "Waits for the run of another DAG with the same logical date, or for tasks of it, in the "
          "scheduler, without a worker: it ends at the moment they do. poke_interval means nothing to it.",
      .fields = SensorFields({
          {.name = "external_dag_id",
           .type = FieldType::kString,
           .doc = "the DAG",
           .required = true,
           .use = FieldUse::kTemplate},
          {.name = "external_task_id",
           .type = FieldType::kString,
           .doc = "a task of it; without one, and without the two below, its run is waited for",
           .use = FieldUse::kTemplate},
          {.name = "external_task_ids",
           .type = FieldType::kStringList,
           .doc = "several tasks of it, all of which are waited for",
           .use = FieldUse::kTemplate},
          {.name = "external_task_group_id",
           .type = FieldType::kString,
           .doc = "all tasks of a group of it",
           .use = FieldUse::kTemplate},
          {.name = "execution_delta",
           .type = FieldType::kDuration,
           .doc = "how much earlier than its own run's the logical date waited for is"},
          {.name = "logical_date",
           .type = FieldType::kString,
           .doc = "the logical date waited for, instead of execution_delta",
           .use = FieldUse::kTemplate},
          {.name = "allowed_states",
           .type = FieldType::kStringList,
           .doc = "states that end the wait; success when left out"},
          {.name = "failed_states",
           .type = FieldType::kStringList,
           .doc = "states upon which it fails; none when left out: then what failed may be cleared and "
                  "succeed"},
          {.name = "skipped_states",
           .type = FieldType::kStringList,
           .doc = "states upon which it is skipped; none when left out"},
          {.name = "check_existence",
           .type = FieldType::kBoolean,
           .doc = "true: it fails at once when there is no such DAG, task or group"},
      }),
      .check = CheckExternalTask,
      .in_engine = true,
      .sensor = true};
  return kind;
}

}  // namespace millrace
