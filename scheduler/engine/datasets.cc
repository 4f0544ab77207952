// Datasets: what a success tells the DAGs that wait for it, and the runs that follow. The rules are
// Airflow's: an event is queued for every DAG whose schedule names its dataset and that is not paused; once
// the datasets with queued events make the condition true, one run uses them all up.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

// What a DAG that never fires may collect; the oldest go first.
constexpr std::size_t kQueuedEvents = 1000;
// With partition keys many may rightly wait, each key for its own; what counts for several counts so many times.
constexpr std::size_t kQueuedPartitionEvents = 10'000;

}  // namespace

std::vector<std::string> UpdatedBy(const std::vector<EventPtr>& events) {
  std::vector<std::string> names;
  for (const EventPtr& event : events) names.push_back(event->dataset);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void Engine::State::Subscribe(LiveDag& dag) {
  for (const std::string& name : dag.waits_for) subscribers[name].erase(dag.row.dag_id);
  dag.waits_for.clear();
  dag.condition.reset();
  if (dag.dag->schedule.datasets) {
    dag.condition = Resolved(*dag.dag->schedule.datasets, attached);
    dag.waits_for = NamesIn(*dag.condition);
  }
  for (const std::string& name : dag.waits_for) subscribers[name].insert(dag.row.dag_id);
  // Events of datasets that the schedule no longer names would be used up without having been waited for.
  std::vector<EventPtr> kept;
  for (EventPtr& event : dag.dataset_events) {
    if (std::binary_search(dag.waits_for.begin(), dag.waits_for.end(), event->dataset)) {
      kept.push_back(std::move(event));
    } else if (out != nullptr) {
      out->batch.dataset_queue.push_back({dag.row.dag_id, event->id, true});
    }
  }
  dag.dataset_events = std::move(kept);
  Regroup(dag);
}

void Engine::State::TellDatasets(const LiveRun& run, const Instance& instance,
                                 const std::vector<OutletEvent>& events) {
  for (const OutletEvent& outlet : events) {
    if (!outlet.aliases.empty()) Attach(outlet);
    DatasetEvent event;
    event.dataset = outlet.dataset.name;
    event.dag_id = run.row.dag_id;
    event.run_id = run.row.run_id;
    event.task_id = TaskOf(run, instance).id;
    event.map_index = instance.row.map_index;
    event.extra = outlet.extra;
    event.aliases = outlet.aliases;
    const std::vector<std::string> of_run = {run.row.partition_key};
    for (const std::string& key : outlet.partition_keys.empty() ? of_run : outlet.partition_keys) {
      event.partition_key = key;
      AddEvent(event);
    }
  }
}

// Those whose schedule names an alias wait for the dataset from now on, and for the event that attached it
// first.
void Engine::State::Attach(const OutletEvent& outlet) {
  out->batch.datasets.push_back(outlet.dataset);
  for (const std::string& alias : outlet.aliases) {
    if (!attached[alias].insert(outlet.dataset.name).second) continue;
    out->batch.attached.push_back({alias, outlet.dataset.name});
    for (auto& [id, dag] : dags) {
      const Boxed<DatasetCondition>& written = dag.dag->schedule.datasets;
      if (!written) continue;
      const std::vector<std::string> aliases = AliasesIn(*written);
      if (std::binary_search(aliases.begin(), aliases.end(), alias)) Subscribe(dag);
    }
  }
}

const DatasetEvent& Engine::State::AddEvent(DatasetEvent event) {
  event.id = next_dataset_event++;
  event.at = now.wall;
  out->batch.dataset_events.push_back(event);
  const auto shared = std::make_shared<const DatasetEvent>(std::move(event));
  const auto waiting = subscribers.find(shared->dataset);
  if (waiting != subscribers.end()) {
    for (const std::string& id : waiting->second) {
      LiveDag& dag = dags.find(id)->second;
      if (dag.row.paused || dag.row.stale) continue;
      const StatusOr<std::vector<Partition>> keys = RunKeysOf(dag, *shared);
      if (!keys.ok()) {
        SayUncounted(dag, *shared, keys.status().message());
        continue;
      }
      dag.dataset_events.push_back(shared);
      for (const Partition& run : *keys) {
        out->batch.dataset_queue.push_back({id, shared->id, false, run.key});
        PutUnder(dag, run.key, shared);
      }
      if (!dag.dag->schedule.partitions && dag.dataset_events.size() > kQueuedEvents) DropOldest(dag);
      while (dag.waiting > kQueuedPartitionEvents) DropOldest(dag);
      woken.insert(id);
    }
  }
  return out->batch.dataset_events.back();
}

void Engine::State::FireDatasets(LiveDag& dag) {
  const Boxed<DatasetCondition>& condition = dag.condition;
  if (!condition || dag.dataset_events.empty() || dag.row.paused || dag.row.stale) return;
  if (dag.dag->schedule.partitions) return FirePartitions(dag);
  if (dag.queued_by_timetable >= kQueuedByTimetable || !Holds(*condition, UpdatedBy(dag.dataset_events)))
    return;
  const std::int64_t newest = dag.dataset_events.back()->id;
  const std::string run_id = "asset_triggered__" + FormatTs(now.wall) + "_" + std::to_string(newest);
  // Left out would mean that data was never looked at: the events wait instead.
  if (!MakeRoom(dag, run_id)) return;
  out->batch.dataset_queue.push_back({dag.row.dag_id, 0, true});
  MakeDatasetRun(dag, run_id, {}, std::exchange(dag.dataset_events, {}));
}

void Engine::State::MakeDatasetRun(LiveDag& dag, const std::string& run_id, Partition partition,
                                   std::vector<EventPtr> events) {
  Run row;
  row.key = RunKey{next_run_key++};
  row.dag_id = dag.row.dag_id;
  row.run_id = run_id;
  row.type = RunType::kAssetTriggered;
  row.version = dag.row.version;
  row.max_retries = dag.dag->max_dag_retries;
  row.run_after = now.wall;
  row.queued_at = now.wall;
  row.triggered_by = "asset";
  row.partition_key = std::move(partition.key);
  row.partition_date = partition.date;
  LiveRun& run = AddRun(dag, std::move(row), dag.dag);
  run.events = std::move(events);
  for (const EventPtr& event : run.events) out->batch.run_events.push_back({run.row.key, event->id});
  SetDeadlines(run);
  Touch(run);
}

CommandReply Engine::State::OnDatasetEvent(const AddDatasetEvent& command) {
  const StatusOr<Value> extra = ParseJson(command.extra);
  if (!extra.ok() || !extra->is_map())
    return InvalidArgument("a dataset event's extra must be a JSON object");
  RETURN_IF_ERROR(CheckPartitionKey(command.partition_key));
  CommandResult result;
  DatasetEvent event;
  event.dataset = command.dataset;
  event.extra = command.extra;
  event.partition_key = command.partition_key;
  result.dataset_event = AddEvent(std::move(event));
  return result;
}

CommandReply Engine::State::ClearQueue(const ClearDatasetQueue& command) {
  const auto found = dags.find(command.dag_id);
  if (found == dags.end()) return NotFound("DAG not found: " + command.dag_id);
  LiveDag& dag = found->second;
  const auto gone = [&](const EventPtr& event) {
    return command.dataset.empty() || event->dataset == command.dataset;
  };
  if (std::none_of(dag.dataset_events.begin(), dag.dataset_events.end(), gone)) {
    return NotFound("DAG " + command.dag_id + " has no queued events" +
                    (command.dataset.empty() ? "" : " of dataset " + command.dataset));
  }
  for (const EventPtr& event : dag.dataset_events) {
    if (gone(event)) out->batch.dataset_queue.push_back({command.dag_id, event->id, true});
  }
  std::erase_if(dag.dataset_events, gone);
  Regroup(dag);
  return CommandResult{};
}

Value Engine::State::EventsOf(const LiveRun& run) const {
  Value events{Value::Map{}};
  const auto add = [&events](const std::string& name, const Value& one) {
    const Value* known = events.Find(name);
    Value::List list = known == nullptr ? Value::List() : known->as_list();
    list.push_back(one);
    events.Set(name, std::move(list));
  };
  for (const EventPtr& event : run.events) {
    const StatusOr<Value> extra = ParseJson(event->extra);
    const Value one =
        Value::Map{{"name", event->dataset},
                   {"timestamp", FormatTs(event->at)},
                   {"extra", extra.ok() ? *extra : Value()},
                   {"partition_key", event->partition_key.empty() ? Value() : Value(event->partition_key)},
                   {"source_dag_id", event->dag_id},
                   {"source_run_id", event->run_id},
                   {"source_task_id", event->task_id},
                   {"source_map_index", event->map_index},
                   {"source_aliases", Value::List(event->aliases.begin(), event->aliases.end())}};
    add(event->dataset, one);
    // As in Airflow, what came by an alias is found under its name as well.
    for (const std::string& alias : event->aliases) {
      if (alias != event->dataset) add(alias, one);
    }
  }
  return events;
}

void Engine::State::LoadDatasets(const Image& image) {
  next_dataset_event = image.next_dataset_event;
  std::map<std::int64_t, EventPtr> events;
  for (const DatasetEvent& event : image.dataset_events)
    events[event.id] = std::make_shared<const DatasetEvent>(event);
  for (const DatasetQueueRow& row : image.dataset_queue) {
    const auto dag = dags.find(row.dag_id);
    if (dag == dags.end() || !events.contains(row.event)) continue;
    std::vector<EventPtr>& queued = dag->second.dataset_events;
    // One that counts for several runs has a row for each.
    if (queued.empty() || queued.back()->id != row.event) queued.push_back(events[row.event]);
    PutUnder(dag->second, row.partition_key, events[row.event]);
  }
  for (const RunEventRow& row : image.run_events) {
    LiveRun* run = FindRun(row.run);
    if (run != nullptr && events.contains(row.event)) run->events.push_back(events[row.event]);
  }
}

}  // namespace millrace::engine
