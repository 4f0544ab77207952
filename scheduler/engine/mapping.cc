// `expand`: one task, or all tasks of a group, becomes an instance for each combination of values. It happens
// when the first of them would start, since the values may be what tasks before it left. The instance that
// stands where the task stands is map index 0; the others are added behind all tasks.
#include <algorithm>

#include "core/model/json.h"
#include "core/model/secret_text.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/render.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kMaxInstances = 1'000'000;  // of a run: what a task instance's key has room for

// A map's members count as {key, value}.
StatusOr<Value::List> ItemsOf(const Value& values, const std::string& name) {
  if (values.is_list()) return values.as_list();
  if (name.empty()) {
    return InvalidArgument("'expand_kwargs' needs a list of maps, not a " + std::string(values.TypeName()));
  }
  if (!values.is_map()) {
    return InvalidArgument("'expand' needs a list or a map for '" + name + "', not a " +
                           std::string(values.TypeName()));
  }
  Value::List items;
  for (const auto& [key, value] : values.as_map())
    items.emplace_back(Value::Map{{"key", key}, {"value", value}});
  return items;
}

std::vector<std::int32_t> TasksOf(const Dag& dag, std::int32_t task) {
  const std::int32_t group = dag.tasks[static_cast<std::size_t>(task)].mapped_group;
  if (group < 0) return {task};
  std::vector<std::int32_t> tasks;
  for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
    if (dag.tasks[i].mapped_group == group) tasks.push_back(static_cast<std::int32_t>(i));
  }
  return tasks;
}

}  // namespace

StatusOr<std::vector<Value>> Engine::State::MapValues(const LiveRun& run, const Instance& instance,
                                                      const std::vector<Expansion>& expand, bool zip,
                                                      const Value* fill) const {
  const Task& task = TaskOf(run, instance);
  std::vector<Value::List> lists;
  std::size_t count = 1;
  for (const Expansion& expansion : expand) {
    Value values = expansion.values;
    if (values.is_string()) {
      TemplateAnswers answers = AnswersOf(run, instance);
      TaskInstance copy;
      ASSIGN_OR_RETURN(values, RenderData(run.row, *run.dag, task, RowWithLoop(run, instance, copy),
                                          values.as_string(), &answers, EventsOf(run)));
    }
    ASSIGN_OR_RETURN(lists.emplace_back(), ItemsOf(values, expansion.name));
    const std::size_t size = lists.back().size();
    if (zip && fill == nullptr && size != lists.front().size()) {
      return InvalidArgument("'expand' with zip needs lists of one length, or 'expand_fill': '" +
                             expand.front().name + "' has " + std::to_string(lists.front().size()) + ", '" +
                             expansion.name + "' has " + std::to_string(size));
    }
    count = !zip ? count * size : lists.size() == 1 ? size : std::max(count, size);
    if (count > static_cast<std::size_t>(options.max_map_length)) {
      return InvalidArgument("'expand' would make " + std::to_string(count) +
                             " task instances or more, at most " + std::to_string(options.max_map_length) +
                             " are allowed (the scheduler's --max-map-length)");
    }
  }
  std::vector<Value> maps;
  for (std::size_t i = 0; i < count; ++i) {
    Value map{Value::Map()};
    std::size_t rest = i;
    // The last name changes fastest, as nested loops would have it.
    for (std::size_t name = expand.size(); name-- > 0;) {
      const std::size_t place = zip ? i : rest % lists[name].size();
      if (!zip) rest /= lists[name].size();
      const Value& item = place < lists[name].size() ? lists[name][place] : *fill;
      if (!expand[name].name.empty()) {
        map.as_map().insert(map.as_map().begin(), {expand[name].name, item});
      } else if (item.is_map()) {
        map = item;
      } else {
        return InvalidArgument("an item of 'expand_kwargs' must be a map of names to values, not " +
                               std::string(item.TypeName()));
      }
    }
    maps.push_back(std::move(map));
  }
  return maps;
}

void Engine::State::ExpandReady() {
  while (!expanding.empty()) {
    const TaskInstanceKey key = *expanding.begin();
    expanding.erase(expanding.begin());
    LiveRun* run = FindRun(key.run);
    // What is added stands behind all tasks, so those must be there. One that was added before waits for its
    // task.
    if (run == nullptr || !run->complete()) continue;
    Instance& instance = run->at(key.index);
    const std::int32_t task = instance.row.task();
    if (run->mapped.contains(task)) continue;
    if (instance.row.state == TaskState::kNone && key.index == run->first(task)) Expand(*run, instance);
  }
}

void Engine::State::Expand(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (ExpandReadsValues(task) && instance.values == nullptr) {
    if (!instance.asked) Ask(run, instance);
    return;
  }
  const bool grouped = task.mapped_group >= 0;
  const TaskGroup* group = grouped ? &run.dag->groups[static_cast<std::size_t>(task.mapped_group)] : nullptr;
  StatusOr<std::vector<Value>> values =
      grouped ? MapValues(run, instance, group->expand, group->zip, group->zip_fills ? &group->zip_fill : nullptr)
              : MapValues(run, instance, task.expand, task.zip, task.zip_fills ? &task.zip_fill : nullptr);
  const std::vector<std::int32_t> tasks = TasksOf(*run.dag, instance.row.task());
  if (values.ok() && run.instances.size() + values->size() * tasks.size() > kMaxInstances)
    values = InvalidArgument("'expand' would give this run more than a million task instances");
  if (!values.ok()) {
    instance.row.reason = MaskedText(values.status().message(), SecretsOf(instance.values.get()));
    SetState(run, instance, TaskState::kFailed);
    return;
  }
  instance.values.reset();
  SetMapped(run, tasks, *values);
  for (const std::int32_t mapped : tasks) {
    if (!values->empty()) {
      EachOf(run, mapped, [&](Instance& added) { Evaluate(run, added); });
    } else if (Instance& none = run.at(run.first(mapped)); none.row.state == TaskState::kNone) {
      Skip(run, none, "there is nothing to expand over");
    }
  }
}

void Engine::State::SetMapped(LiveRun& run, const std::vector<std::int32_t>& tasks,
                              const std::vector<Value>& values) {
  for (std::size_t i = 0; i < std::max<std::size_t>(values.size(), 1); ++i) {
    const std::string value = i < values.size() ? ToJson(values[i]) : "";
    for (const std::int32_t task : tasks) {
      const std::vector<std::int32_t>& before = run.to_map[task];
      std::vector<std::int32_t>& now_there = run.mapped[task];
      const auto again = run.removed.find({task, static_cast<std::int32_t>(i)});
      const std::int32_t index = i == 0                       ? run.first(task)
                                 : i < before.size()          ? before[i]
                                 : again != run.removed.end() ? again->second
                                                              : static_cast<std::int32_t>(run.instances.size());
      if (!run.has(index)) {
        Instance& added = run.instances.emplace_back();
        added.row.key = {run.row.key, index};
        added.row.try_number = run.tries_before;
        ++run.unfinished;
        ++run.counted;
        ++active_instances;
      }
      Instance& instance = run.at(index);
      if (instance.row.state == TaskState::kRemoved) {
        SetState(run, instance, TaskState::kNone, true);
        instance.row.ended_at.reset();
        instance.row.reason.clear();
      }
      if (i > 0) {
        instance.row.max_tries =
            instance.row.try_number + run.dag->tasks[static_cast<std::size_t>(task)].retry.retries;
        instance.row.loop = run.at(run.first(task)).row.loop;
      }
      instance.row.map_index = values.empty() ? -1 : static_cast<std::int32_t>(i);
      instance.row.mapped_task = values.empty() && index == task ? -1 : task;
      instance.row.map_value = value;
      instance.row.rendered_map_index.clear();
      now_there.push_back(index);
      Touch(run, instance);
    }
  }
  std::set<std::int32_t> behind;
  for (const std::int32_t task : tasks) {
    const std::vector<std::int32_t> before = std::move(run.to_map[task]);
    run.to_map.erase(task);
    for (std::size_t i = std::max<std::size_t>(values.size(), 1); i < before.size(); ++i) {
      if (run.at(before[i]).row.state == TaskState::kNone)
        SetState(run, run.at(before[i]), TaskState::kRemoved);
    }
    behind.insert(task);
    const std::vector<std::int32_t>& downstream = run.dag->tasks[static_cast<std::size_t>(task)].downstream;
    behind.insert(downstream.begin(), downstream.end());
  }
  for (const std::int32_t task : behind)
    EachOf(run, task, [&](Instance& instance) { Recount(run, instance); });
  if (!values.empty()) return;
  for (const std::int32_t task : tasks) run.mapped.erase(task);
}

void Engine::State::ForgetMapped(LiveRun& run, const std::vector<std::int32_t>& cleared) {
  std::set<std::int32_t> indices(cleared.begin(), cleared.end());
  for (auto at = run.mapped.begin(); at != run.mapped.end();) {
    const std::vector<std::int32_t> tasks = TasksOf(*run.dag, at->first);
    const bool whole = std::all_of(tasks.begin(), tasks.end(), [&](std::int32_t task) {
      const auto mapped = run.mapped.find(task);
      return mapped != run.mapped.end() &&
             std::all_of(mapped->second.begin(), mapped->second.end(),
                         [&](std::int32_t index) { return indices.contains(index); });
    });
    if (!whole || at->second.empty()) {
      ++at;
      continue;
    }
    const std::int32_t next_after = at->first;
    for (const std::int32_t task : tasks) run.to_map[task] = std::move(run.mapped.extract(task).mapped());
    at = run.mapped.upper_bound(next_after);
  }
}

}  // namespace millrace::engine
