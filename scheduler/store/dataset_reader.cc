#include "scheduler/store/dataset_reader.h"

#include "core/model/json.h"
#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

constexpr const char* kColumns = "id, name, uri, grp, extra, created_at, updated_at";

DatasetEntry ReadDataset(const Statement& row) {
  DatasetEntry entry;
  entry.id = row.Int(0);
  entry.dataset = {row.Text(1), row.Text(2), row.Text(3), Value(Value::Map())};
  if (StatusOr<Value> extra = ParseJson(row.Text(4)); extra.ok() && extra->is_map())
    entry.dataset.extra = std::move(extra).value();
  entry.created_at = WallFromMicros(row.Int(5));
  entry.updated_at = WallFromMicros(row.Int(6));
  return entry;
}

// Who uses it, and its newest event.
Status Complete(Database& database, DatasetEntry& entry) {
  Query uses("SELECT dag_id, task_id, role, at FROM dataset_use");
  uses.Where("dataset = ?").Add(entry.dataset.name);
  uses.Where("dag_id IN (SELECT dag_id FROM dag WHERE stale = 0)").Tail("ORDER BY dag_id, task_id");
  ASSIGN_OR_RETURN(Statement found, uses.Prepare(database));
  ASSIGN_OR_RETURN(entry.uses, All<DatasetUse>(found, [](const Statement& row) {
                     return DatasetUse{row.Text(0), row.Text(1), static_cast<DatasetRole>(row.Int(2)),
                                       WallFromMicros(row.Int(3))};
                   }));
  Query newest(std::string("SELECT ") + kDatasetEventColumns + " FROM dataset_event");
  newest.Where("dataset = ?").Add(entry.dataset.name).Tail("ORDER BY id DESC LIMIT 1");
  ASSIGN_OR_RETURN(Statement last, newest.Prepare(database));
  ASSIGN_OR_RETURN(const bool any, last.Step());
  if (any) entry.last = ReadDatasetEvent(last);
  return OkStatus();
}

StatusOr<DatasetEntry> Find(Database& database, std::int64_t id) {
  Query query(std::string("SELECT ") + kColumns + " FROM dataset");
  query.Where("id = ?").Add(id);
  return One<DatasetEntry>(database, query, "The Asset with ID: `" + std::to_string(id) + "` was not found",
                           ReadDataset);
}

void Match(const DatasetFilter& filter, Query& query) {
  if (!filter.name_pattern.empty()) query.Where("name LIKE ?").Add(filter.name_pattern);
  if (!filter.uri_pattern.empty()) query.Where("uri LIKE ?").Add(filter.uri_pattern);
  std::string used =
      "name IN (SELECT dataset FROM dataset_use WHERE dag_id IN (SELECT dag_id FROM dag WHERE stale = 0)";
  if (!filter.dag_ids.empty()) {
    used += " AND dag_id IN (";
    for (std::size_t i = 0; i < filter.dag_ids.size(); ++i) {
      used += i == 0 ? "?" : ",?";
      query.Add(filter.dag_ids[i]);
    }
    used += ")";
  }
  if (filter.only_active || !filter.dag_ids.empty()) query.Where(used + ")");
}

void Match(const DatasetEventFilter& filter, Query& query) {
  if (filter.dataset != 0)
    query.Where("dataset = (SELECT name FROM dataset WHERE dataset.id = ?)").Add(filter.dataset);
  if (filter.made) query.Where("id IN (SELECT event FROM run_event WHERE run = ?)").Add(ToInt(*filter.made));
  if (!filter.name_pattern.empty()) query.Where("dataset LIKE ?").Add(filter.name_pattern);
  if (!filter.dag_id.empty()) query.Where("dag_id = ?").Add(filter.dag_id);
  if (!filter.run_id.empty()) query.Where("run_id = ?").Add(filter.run_id);
  if (!filter.task_id.empty()) query.Where("task_id = ?").Add(filter.task_id);
  if (filter.map_index) query.Where("map_index = ?").Add(*filter.map_index);
  if (filter.from) query.Where("at >= ?").Add(ToMicros(*filter.from));
  if (filter.to) query.Where("at <= ?").Add(ToMicros(*filter.to));
}

}  // namespace

StatusOr<DatasetEntry> SqliteDatasets::GetDataset(std::int64_t id) {
  return pool_.Read<DatasetEntry>([&](Database& database) -> StatusOr<DatasetEntry> {
    ASSIGN_OR_RETURN(DatasetEntry entry, Find(database, id));
    RETURN_IF_ERROR(Complete(database, entry));
    return entry;
  });
}

StatusOr<Listing<DatasetEntry>> SqliteDatasets::ListDatasets(const DatasetFilter& filter) {
  return pool_.Read<Listing<DatasetEntry>>([&](Database& database) -> StatusOr<Listing<DatasetEntry>> {
    const auto conditions = [&filter](Query& query) { Match(filter, query); };
    std::string order = filter.by_name ? "name" : "id";
    if (filter.descending) order += " DESC";
    ASSIGN_OR_RETURN(
        Listing<DatasetEntry> listing,
        ListPage<DatasetEntry>(database, kColumns, "dataset", conditions, order, filter.page, ReadDataset));
    for (DatasetEntry& entry : listing.rows) RETURN_IF_ERROR(Complete(database, entry));
    return listing;
  });
}

StatusOr<Listing<DatasetEventEntry>> SqliteDatasets::ListEvents(const DatasetEventFilter& filter) {
  return pool_.Read<Listing<DatasetEventEntry>>(
      [&](Database& database) -> StatusOr<Listing<DatasetEventEntry>> {
        const auto conditions = [&filter](Query& query) { Match(filter, query); };
        const auto read = [](const Statement& row) {
          DatasetEventEntry entry;
          entry.event = ReadDatasetEvent(row);
          return entry;
        };
        ASSIGN_OR_RETURN(auto listing, ListPage<DatasetEventEntry>(
                                           database, kDatasetEventColumns, "dataset_event", conditions,
                                           filter.descending ? "id DESC" : "id", filter.page, read));
        for (DatasetEventEntry& entry : listing.rows) {
          Query dataset(std::string("SELECT ") + kColumns + " FROM dataset");
          dataset.Where("name = ?").Add(entry.event.dataset);
          StatusOr<DatasetEntry> known = One<DatasetEntry>(database, dataset, "none", ReadDataset);
          if (known.ok()) {
            entry.dataset_id = known->id;
            entry.dataset = std::move(known->dataset);
          } else {
            entry.dataset.name = entry.dataset.uri = entry.event.dataset;
          }
          Query made(std::string("SELECT ") + kRunColumns + " FROM run");
          made.Where("run IN (SELECT run FROM run_event WHERE event = ?)")
              .Add(entry.event.id)
              .Tail("ORDER BY run");
          ASSIGN_OR_RETURN(Statement runs, made.Prepare(database));
          ASSIGN_OR_RETURN(entry.made, All<Run>(runs, ReadRun));
        }
        return listing;
      });
}

StatusOr<std::vector<QueuedEvent>> SqliteDatasets::ListQueued(const std::string& dag_id,
                                                              std::int64_t dataset) {
  return pool_.Read<std::vector<QueuedEvent>>([&](Database& database) -> StatusOr<std::vector<QueuedEvent>> {
    if (dataset != 0) RETURN_IF_ERROR(Find(database, dataset).status());
    Query query(
        "SELECT q.dag_id, d.id, d.name, e.id, e.at, q.partition_key FROM dataset_queue q JOIN dataset_event e ON e.id = "
        "q.event "
        "LEFT JOIN dataset d ON d.name = e.dataset");
    if (!dag_id.empty()) query.Where("q.dag_id = ?").Add(dag_id);
    if (dataset != 0) query.Where("d.id = ?").Add(dataset);
    query.Tail("ORDER BY q.dag_id, e.id LIMIT 10000");
    ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
    return All<QueuedEvent>(statement, [](const Statement& row) {
      return QueuedEvent{row.Text(0), row.Int(1), row.Text(2), row.Int(3), WallFromMicros(row.Int(4)),
                         row.Text(5)};
    });
  });
}

}  // namespace millrace::store
