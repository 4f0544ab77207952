// Datasets whose updates have partition keys. The rules are Airflow's: an update with a key counts for schedules
// that map keys and for no others, one without a key for the others; keys wait for their datasets each for
// itself, and one run uses up the updates of its key. What does not count for a DAG that waits for the dataset is
// told in the audit log.
#include <algorithm>

#include "core/calendar/format.h"
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

StatusOr<std::string> Engine::State::RunKeyOf(const LiveDag& dag, const DatasetEvent& event) const {
  const bool has_key = !event.partition_key.empty();
  if (!MapsKeys(*dag.dag)) {
    if (has_key) return InvalidArgument("it has a partition key, and the DAG's schedule has no partition_mapper");
    return std::string();
  }
  if (!has_key) return InvalidArgument("it has no partition key, which the DAG's schedule maps");
  const PartitionMapper& mapper = MapperOf(*dag.dag->schedule.partitions, event.dataset);
  ASSIGN_OR_RETURN(Partition partition, MapPartition(mapper, event.partition_key, zones));
  return std::move(partition.key);
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
  std::vector<EventPtr>& events = dag.partitions[key];
  events.push_back(event);
  if (Holds(*dag.condition, UpdatedBy(events))) dag.full_partitions.insert(key);
}

void Engine::State::Regroup(LiveDag& dag) {
  std::map<std::int64_t, std::string> before;
  for (const auto& [key, events] : dag.partitions) {
    for (const EventPtr& event : events) before[event->id] = key;
  }
  dag.partitions.clear();
  dag.full_partitions.clear();
  std::vector<EventPtr> kept;
  for (EventPtr& event : dag.dataset_events) {
    const StatusOr<std::string> key = RunKeyOf(dag, *event);
    const bool moved = !key.ok() || before[event->id] != *key;
    if (moved && out != nullptr) out->batch.dataset_queue.push_back({dag.row.dag_id, event->id, true});
    if (!key.ok()) {
      if (out != nullptr) SayUncounted(dag, *event, key.status().message());
      continue;
    }
    if (moved && out != nullptr) out->batch.dataset_queue.push_back({dag.row.dag_id, event->id, false, *key});
    PutUnder(dag, *key, event);
    kept.push_back(std::move(event));
  }
  dag.dataset_events = std::move(kept);
}

void Engine::State::DropOldest(LiveDag& dag) {
  const EventPtr oldest = dag.dataset_events.front();
  out->batch.dataset_queue.push_back({dag.row.dag_id, oldest->id, true});
  dag.dataset_events.erase(dag.dataset_events.begin());
  if (!MapsKeys(*dag.dag)) return;
  SayUncounted(dag, *oldest, "too many updates wait; the oldest go");
  // It is the oldest of its key, too.
  const auto group = std::find_if(dag.partitions.begin(), dag.partitions.end(),
                                  [&](const auto& one) { return one.second.front() == oldest; });
  if (group == dag.partitions.end()) return;
  group->second.erase(group->second.begin());
  if (!Holds(*dag.condition, UpdatedBy(group->second))) dag.full_partitions.erase(group->first);
  if (group->second.empty()) dag.partitions.erase(group);
}

void Engine::State::FirePartitions(LiveDag& dag) {
  while (!dag.full_partitions.empty() && dag.queued_by_timetable < kQueuedByTimetable) {
    const std::string key = *dag.full_partitions.begin();
    const EventPtr newest = dag.partitions[key].back();
    const std::string run_id = "asset_triggered__" + FormatTs(now.wall) + "_" + std::to_string(newest->id);
    if (!MakeRoom(dag, run_id)) return;
    const PartitionMapper& mapper = MapperOf(*dag.dag->schedule.partitions, newest->dataset);
    const StatusOr<Partition> partition = MapPartition(mapper, newest->partition_key, zones);
    std::vector<EventPtr> used = std::move(dag.partitions.extract(key).mapped());
    dag.full_partitions.erase(key);
    for (const EventPtr& event : used) {
      std::erase(dag.dataset_events, event);
      out->batch.dataset_queue.push_back({dag.row.dag_id, event->id, true});
    }
    MakeDatasetRun(dag, run_id, {key, partition.ok() ? partition->date : std::nullopt}, std::move(used));
  }
}

}  // namespace millrace::engine
