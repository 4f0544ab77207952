#include "scheduler/store/dataset_reader.h"

#include <algorithm>

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

DatasetAliasEntry ReadAlias(const Statement& row) { return {row.Int(0), {row.Text(1), row.Text(2)}}; }

// Of DAGs that are there; `which` says of what, in terms of dataset_use u. One that is used by its name and
// by an alias is used by its name.
StatusOr<std::vector<DatasetUse>> UsesOf(Database& database, const std::string& which,
                                         const std::string& name) {
  Query query("SELECT dag_id, task_id, role, at, dataset FROM dataset_use u");
  query.Where(which).Add(name);
  query.Where("dag_id IN (SELECT dag_id FROM dag WHERE stale = 0)");
  query.Tail("ORDER BY dag_id, task_id, role % 3, role");
  ASSIGN_OR_RETURN(Statement found, query.Prepare(database));
  ASSIGN_OR_RETURN(std::vector<DatasetUse> uses, All<DatasetUse>(found, [](const Statement& row) {
                     DatasetUse use{row.Text(0), row.Text(1),
                                    static_cast<DatasetRole>(row.Int(2) % kRoleOfAlias),
                                    WallFromMicros(row.Int(3))};
                     if (row.Int(2) >= kRoleOfAlias) use.alias = row.Text(4);
                     return use;
                   }));
  uses.erase(std::unique(uses.begin(), uses.end(),
                         [](const DatasetUse& a, const DatasetUse& b) {
                           return a.dag_id == b.dag_id && a.task_id == b.task_id && a.role == b.role;
                         }),
             uses.end());
  return uses;
}

// Who uses it, by which aliases, and its newest event.
Status Complete(Database& database, DatasetEntry& entry) {
  ASSIGN_OR_RETURN(entry.uses,
                   UsesOf(database,
                          "(dataset = ?1 AND role < 3 OR dataset IN (SELECT a.alias FROM attached_dataset a "
                          "WHERE a.dataset = ?1) AND role >= 3)",
                          entry.dataset.name));
  Query aliases("SELECT id, name, grp FROM dataset_alias");
  aliases.Where("name IN (SELECT alias FROM attached_dataset WHERE dataset = ?)").Add(entry.dataset.name);
  aliases.Tail("ORDER BY name");
  ASSIGN_OR_RETURN(Statement named, aliases.Prepare(database));
  ASSIGN_OR_RETURN(entry.aliases, All<DatasetAliasEntry>(named, ReadAlias));
  Query watches("SELECT id, dag_id, name, kind, created_at, seen_at, failure FROM dataset_watch");
  watches.Where("dataset = ?").Add(entry.dataset.name);
  watches.Where("dag_id IN (SELECT dag_id FROM dag WHERE stale = 0)").Tail("ORDER BY dag_id");
  ASSIGN_OR_RETURN(Statement watched, watches.Prepare(database));
  ASSIGN_OR_RETURN(entry.watches, All<DatasetWatchEntry>(watched, [](const Statement& row) {
                     return DatasetWatchEntry{
                         row.Int(0),  row.Text(1), row.Text(2), row.Text(3), WallFromMicros(row.Int(4)),
                         row.Time(5), row.Text(6)};
                   }));
  Query newest(std::string("SELECT ") + kDatasetEventColumns + " FROM dataset_event");
  newest.Where("dataset = ?").Add(entry.dataset.name).Tail("ORDER BY id DESC LIMIT 1");
  ASSIGN_OR_RETURN(Statement last, newest.Prepare(database));
  ASSIGN_OR_RETURN(const bool any, last.Step());
  if (any) entry.last = ReadDatasetEvent(last);
  return OkStatus();
}

// Who uses it, and what is attached to it.
Status Complete(Database& database, DatasetAliasEntry& entry) {
  ASSIGN_OR_RETURN(entry.uses, UsesOf(database, "role >= 3 AND dataset = ?", entry.alias.name));
  Query datasets("SELECT dataset FROM attached_dataset");
  datasets.Where("alias = ?").Add(entry.alias.name).Tail("ORDER BY dataset LIMIT 1000");
  ASSIGN_OR_RETURN(Statement attached, datasets.Prepare(database));
  ASSIGN_OR_RETURN(entry.datasets,
                   All<std::string>(attached, [](const Statement& row) { return row.Text(0); }));
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
  // By its name, or by an alias that it is attached to.
  std::string used =
      "name IN (SELECT coalesce(a.dataset, u.dataset) FROM dataset_use u "
      "LEFT JOIN attached_dataset a ON u.role >= 3 AND a.alias = u.dataset "
      "WHERE (u.role < 3 OR a.dataset IS NOT NULL) AND u.dag_id IN (SELECT dag_id FROM dag WHERE stale = 0)";
  if (!filter.dag_ids.empty()) {
    used += " AND u.dag_id IN (";
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
  if (filter.teams) {
    query.Where("(dag_id = '' OR " + OfTeams(*filter.teams) + ")");
    AddNames(query, *filter.teams);
  }
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

StatusOr<DatasetAliasEntry> SqliteDatasets::GetAlias(std::int64_t id) {
  return pool_.Read<DatasetAliasEntry>([&](Database& database) -> StatusOr<DatasetAliasEntry> {
    Query query("SELECT id, name, grp FROM dataset_alias");
    query.Where("id = ?").Add(id);
    ASSIGN_OR_RETURN(DatasetAliasEntry entry,
                     One<DatasetAliasEntry>(
                         database, query,
                         "The Asset Alias with ID: `" + std::to_string(id) + "` was not found", ReadAlias));
    RETURN_IF_ERROR(Complete(database, entry));
    return entry;
  });
}

StatusOr<Listing<DatasetAliasEntry>> SqliteDatasets::ListAliases(const DatasetAliasFilter& filter) {
  return pool_.Read<Listing<DatasetAliasEntry>>(
      [&](Database& database) -> StatusOr<Listing<DatasetAliasEntry>> {
        const auto conditions = [&filter](Query& query) {
          if (!filter.name_pattern.empty()) query.Where("name LIKE ?").Add(filter.name_pattern);
        };
        std::string order = filter.by_name ? "name" : "id";
        if (filter.descending) order += " DESC";
        ASSIGN_OR_RETURN(auto listing,
                         ListPage<DatasetAliasEntry>(database, "id, name, grp", "dataset_alias", conditions,
                                                     order, filter.page, ReadAlias));
        for (DatasetAliasEntry& entry : listing.rows) RETURN_IF_ERROR(Complete(database, entry));
        return listing;
      });
}

StatusOr<std::vector<QueuedEvent>> SqliteDatasets::ListQueued(const std::string& dag_id,
                                                              std::int64_t dataset) {
  return pool_.Read<std::vector<QueuedEvent>>([&](Database& database) -> StatusOr<std::vector<QueuedEvent>> {
    if (dataset != 0) RETURN_IF_ERROR(Find(database, dataset).status());
    Query query(
        "SELECT q.dag_id, d.id, d.name, e.id, e.at, q.partition_key, e.partition_key FROM dataset_queue q JOIN dataset_event e ON e.id = "
        "q.event "
        "LEFT JOIN dataset d ON d.name = e.dataset");
    if (!dag_id.empty()) query.Where("q.dag_id = ?").Add(dag_id);
    if (dataset != 0) query.Where("d.id = ?").Add(dataset);
    query.Tail("ORDER BY q.dag_id, e.id, q.partition_key LIMIT 10000");
    ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
    return All<QueuedEvent>(statement, [](const Statement& row) {
      return QueuedEvent{row.Text(0), row.Int(1), row.Text(2), row.Int(3), WallFromMicros(row.Int(4)),
                         row.Text(5), row.Text(6)};
    });
  });
}

}  // namespace millrace::store
