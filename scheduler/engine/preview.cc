#include "scheduler/engine/preview.h"

#include <optional>
#include <utility>
#include <vector>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/field.h"
#include "scheduler/engine/params.h"
#include "scheduler/engine/render.h"

namespace millrace::engine {
namespace {

// Runs of earlier dates that the timetable may name first: an interval ends after its logical date.
constexpr int kAhead = 4;

std::optional<RunDates> Scheduled(const Dag& dag, const Timetable& timetable, WallTime from, WallTime until) {
  const ScheduleWindow window{dag.schedule.start, dag.schedule.end, dag.schedule.catchup};
  for (const RunDates& dates : timetable.Upcoming(from - WallTime::duration(1), window, kAhead)) {
    if (dates.logical_date >= from && dates.logical_date < until) return dates;
  }
  return std::nullopt;
}

// What `expand` would give the first instance.
StatusOr<Value> FirstValues(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                            TemplateLookup* lookup) {
  Value first{Value::Map()};
  const std::vector<Expansion>& expand =
      task.mapped_group < 0 ? task.expand : dag.groups[static_cast<std::size_t>(task.mapped_group)].expand;
  for (const Expansion& expansion : expand) {
    Value values = expansion.values;
    if (values.is_string()) {
      ASSIGN_OR_RETURN(values, RenderData(run, dag, task, instance, values.as_string(), lookup));
    }
    const bool none =
        values.is_map() ? values.as_map().empty() : !values.is_list() || values.as_list().empty();
    if (none)
      return InvalidArgument("task '" + task.id + "' is mapped over nothing: 'expand' gives no values");
    Value item = values.is_list() ? values.as_list().front()
                                  : Value(Value::Map{{"key", values.as_map().front().first},
                                                     {"value", values.as_map().front().second}});
    if (!expansion.name.empty()) {
      first.Set(expansion.name, std::move(item));
    } else if (item.is_map()) {
      first = std::move(item);
    }
  }
  return first;
}

}  // namespace

StatusOr<Run> RunOfDate(const Dag& dag, const Timetable& timetable, const std::string& date,
                        const std::string& conf) {
  const StatusOr<WallTime> from = ParseTimeUtc(date);
  if (!from.ok()) return from.status().WithContext("the date");
  const bool is_day = date.size() == FormatDs(*from).size();
  const WallTime until = *from + (is_day ? WallTime::duration(std::chrono::days(1)) : WallTime::duration(1));
  RETURN_IF_ERROR(MergeParams(dag, conf).status());
  const std::optional<RunDates> scheduled = Scheduled(dag, timetable, *from, until);
  const RunDates dates = scheduled ? *scheduled : timetable.ForManual(*from);
  Run run;
  run.dag_id = dag.id;
  run.type = scheduled ? RunType::kScheduled : RunType::kManual;
  run.run_id = std::string(ToString(run.type)) + "__" + FormatTs(dates.logical_date);
  run.logical_date = dates.logical_date;
  run.interval_start = dates.interval_start;
  run.interval_end = dates.interval_end;
  run.run_after = dates.run_after;
  run.conf = conf.empty() ? "{}" : conf;
  if (std::optional<Partition> partition = scheduled ? timetable.PartitionOf(dates) : std::nullopt) {
    run.partition_key = std::move(partition->key);
    run.partition_date = partition->date;
  }
  return run;
}

StatusOr<TaskInstance> FirstAttempt(const Run& run, const Dag& dag, const std::string& task_id,
                                    TemplateLookup* lookup) {
  TaskInstance instance;
  instance.key = {run.key, dag.FindTask(task_id)};
  if (instance.key.index < 0) {
    std::vector<std::string> ids;
    for (const Task& candidate : dag.tasks) ids.push_back(candidate.id);
    const std::string suggestion = DidYouMean(task_id, ids);
    return NotFound("DAG " + dag.id + " has no task '" + task_id + "'" +
                    (suggestion.empty() ? "" : " (" + suggestion + ")"));
  }
  instance.try_number = 1;
  const Task& task = dag.tasks[static_cast<std::size_t>(instance.key.index)];
  if (IsLoopGate(task)) {
    return InvalidArgument("task '" + task_id + "' is the gate of a group that loops: it has no fields, it asks the group's 'until'");
  }
  instance.max_tries = task.retry.retries;
  if (task.mapped()) {
    ASSIGN_OR_RETURN(const Value values, FirstValues(run, dag, task, instance, lookup));
    instance.map_index = 0;
    instance.mapped_task = instance.key.index;
    instance.map_value = ToJson(values);
  }
  return instance;
}

StatusOr<Value::List> RenderedFields(const Run& run, const Dag& dag, const TaskInstance& instance,
                                     TemplateLookup* lookup) {
  const Task& task = dag.tasks.at(static_cast<std::size_t>(instance.task()));
  ASSIGN_OR_RETURN(const Assignment given, Render(run, dag, task, instance, Fence{}, lookup));
  ASSIGN_OR_RETURN(const Value with, ParseJson(given.with));
  Value::List fields;
  if (with.is_map()) {
    for (const auto& [name, value] : with.as_map())
      fields.push_back(Value::Map{{"field", name}, {"value", value}});
  }
  // What Render adds to the environment of every attempt is what its shell text refers to.
  const std::size_t always = Frame(run, dag, task, instance, Fence{}).environment.size();
  for (std::size_t i = always; i < given.environment.size(); ++i) {
    const auto& [name, value] = given.environment[i];
    fields.push_back(Value::Map{{"field", name}, {"value", value}});
  }
  return fields;
}

}  // namespace millrace::engine
