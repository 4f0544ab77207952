// Datasets whose updates have partition keys. The rules are Airflow's: an update with a key counts for schedules
// that map keys and for no others, one without a key for the others; keys wait for their datasets each for
// itself, and one run uses up the updates of its key. Of a dataset that is rolled up all keys of a window must have
// come; an update that is fanned out waits under several keys. What does not count for a DAG that waits for the dataset
// is told in the audit log.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/calendar/partition_window.h"
#include "core/model/json.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

bool MapsKeys(const Dag& dag) { return dag.schedule.partitions && dag.schedule.datasets; }

}  // namespace

Status CheckPartitionKey(const std::string& key) {
  if (key.empty() || IsValidPartitionKey(key)) return OkStatus();
  return InvalidArgument("a partition key must have at most 250 bytes and no control characters");
}

StatusOr<std::vector<Partition>> Engine::State::RunKeysOf(const LiveDag& dag, const DatasetEvent& event) const {
  const bool has_key = !event.partition_key.empty();
  if (!MapsKeys(*dag.dag)) {
    if (has_key) return InvalidArgument("it has a partition key, and the DAG's schedule has no partition_mapper");
    return std::vector<Partition>(1);
  }
  if (!has_key) return InvalidArgument("it has no partition key, which the DAG's schedule maps");
  const PartitionMapper& mapper = MapperOf(*dag.dag->schedule.partitions, event.dataset);
  return MapPartitions(mapper, event.partition_key, zones);
}

void Engine::State::SayUncounted(const LiveDag& dag, const DatasetEvent& event, const std::string& reason) {
  const Value extra = Value::Map{{"dataset", event.dataset},
                                 {"event", event.id},
                                 {"partition_key", event.partition_key},
                                 {"reason", reason}};
  out->batch.records.push_back(
      AuditRecord{now.wall, "scheduler", "dataset_event_not_counted", dag.row.dag_id, ToJson(extra)});
}

void Engine::State::PutUnder(LiveDag& dag, const std::string& key, const EventPtr& event) {
  if (!MapsKeys(*dag.dag)) return;
  LivePartition& group = dag.partitions[key];
  group.events.push_back(event);
  ++dag.waits_under[event->id];
  ++dag.waiting;
  LivePartition::Arrivals& arrivals = group.datasets[event->dataset];
  ++arrivals.events;
  const PartitionMapper& mapper = MapperOf(*dag.dag->schedule.partitions, event->dataset);
  if (mapper.kind == PartitionMapper::Kind::kRollup) {
    if (const StatusOr<WindowPlace> place = PlaceInWindow(mapper, event->partition_key, zones); place.ok()) {
      ++arrivals.keys[place->member];
      arrivals.needed = NeededKeys(mapper, place->keys.size());
    }
  }
  if (Holds(*dag.condition, ReadyIn(group))) dag.full_partitions.insert(key);
}

std::vector<std::string> Engine::State::ReadyIn(const LivePartition& group) {
  std::vector<std::string> names;
  for (const auto& [name, arrivals] : group.datasets) {
    if (arrivals.keys.size() >= arrivals.needed) names.push_back(name);
  }
  return names;
}

void Engine::State::Unqueue(LiveDag& dag, const std::string& key, const std::vector<EventPtr>& events) {
  std::set<std::int64_t> gone;
  for (const EventPtr& event : events) {
    out->batch.dataset_queue.push_back({dag.row.dag_id, event->id, true, key});
    --dag.waiting;
    if (const auto left = dag.waits_under.find(event->id); --left->second == 0) {
      dag.waits_under.erase(left);
      gone.insert(event->id);
    }
  }
  std::erase_if(dag.dataset_events, [&gone](const EventPtr& event) { return gone.contains(event->id); });
}

void Engine::State::Regroup(LiveDag& dag) {
  std::map<std::int64_t, std::set<std::string>> before;
  for (const auto& [key, group] : dag.partitions) {
    for (const EventPtr& event : group.events) before[event->id].insert(key);
  }
  dag.partitions.clear();
  dag.full_partitions.clear();
  dag.waits_under.clear();
  dag.waiting = 0;
  std::vector<EventPtr> kept;
  for (EventPtr& event : dag.dataset_events) {
    const StatusOr<std::vector<Partition>> mapped = RunKeysOf(dag, *event);
    std::set<std::string> keys;
    if (mapped.ok()) {
      for (const Partition& run : *mapped) keys.insert(run.key);
    }
    if (!MapsKeys(*dag.dag)) keys.clear();  // it waits under none
    const std::set<std::string>& former = before[event->id];
    // What counted for some of these before and for none besides has made the runs of the others already.
    if (!former.empty() && std::includes(keys.begin(), keys.end(), former.begin(), former.end())) keys = former;
    const bool moved = !mapped.ok() || keys != former;
    if (moved && out != nullptr) out->batch.dataset_queue.push_back({dag.row.dag_id, event->id, true});
    if (!mapped.ok()) {
      if (out != nullptr) SayUncounted(dag, *event, mapped.status().message());
      continue;
    }
    for (const std::string& key : keys) {
      if (moved && out != nullptr) out->batch.dataset_queue.push_back({dag.row.dag_id, event->id, false, key});
      PutUnder(dag, key, event);
    }
    kept.push_back(std::move(event));
  }
  dag.dataset_events = std::move(kept);
}

void Engine::State::DropOldest(LiveDag& dag) {
  const EventPtr oldest = dag.dataset_events.front();
  if (!MapsKeys(*dag.dag)) {
    out->batch.dataset_queue.push_back({dag.row.dag_id, oldest->id, true});
    dag.dataset_events.erase(dag.dataset_events.begin());
    return;
  }
  SayUncounted(dag, *oldest, "too many updates wait; the oldest go");
  for (auto at = dag.partitions.begin(); at != dag.partitions.end();) {
    const auto group = at++;
    if (group->second.events.front() != oldest) continue;  // it is the oldest of its keys, too
    Unqueue(dag, group->first, {oldest});
    TakeOldest(dag, group->second);
    if (!Holds(*dag.condition, ReadyIn(group->second))) dag.full_partitions.erase(group->first);
    if (group->second.events.empty()) dag.partitions.erase(group);
  }
}

void Engine::State::TakeOldest(const LiveDag& dag, LivePartition& group) const {
  const EventPtr oldest = group.events.front();
  group.events.erase(group.events.begin());
  const auto dataset = group.datasets.find(oldest->dataset);
  LivePartition::Arrivals& arrivals = dataset->second;
  if (--arrivals.events == 0) {
    group.datasets.erase(dataset);
    return;
  }
  if (arrivals.needed == 0) return;
  const PartitionMapper& mapper = MapperOf(*dag.dag->schedule.partitions, oldest->dataset);
  const StatusOr<WindowPlace> place = PlaceInWindow(mapper, oldest->partition_key, zones);
  if (!place.ok()) return;
  const auto arrived = arrivals.keys.find(place->member);
  if (arrived != arrivals.keys.end() && --arrived->second == 0) arrivals.keys.erase(arrived);
}

void Engine::State::FirePartitions(LiveDag& dag) {
  while (!dag.full_partitions.empty() && dag.queued_by_timetable < kQueuedByTimetable) {
    const std::string key = *dag.full_partitions.begin();
    const auto group = dag.partitions.find(key);
    const EventPtr newest = group->second.events.back();
    std::string run_id = "asset_triggered__" + FormatTs(now.wall) + "_" + std::to_string(newest->id);
    Partition partition{key, std::nullopt};
    if (const StatusOr<std::vector<Partition>> all = RunKeysOf(dag, *newest); all.ok()) {
      const auto own = std::find_if(all->begin(), all->end(), [&key](const Partition& one) { return one.key == key; });
      if (own != all->end()) partition.date = own->date;
      // One update may make several runs at once.
      if (all->size() > 1) run_id += "_" + std::to_string(own - all->begin() + 1);
    }
    if (!MakeRoom(dag, run_id)) return;
    std::vector<EventPtr> used = std::move(group->second.events);
    dag.partitions.erase(group);
    dag.full_partitions.erase(key);
    Unqueue(dag, key, used);
    MakeDatasetRun(dag, run_id, std::move(partition), std::move(used));
  }
}

}  // namespace millrace::engine
