#include "scheduler/store/dependencies.h"

#include <map>
#include <mutex>
#include <utility>

#include "core/model/codec.h"
#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

constexpr const char* kOfThere = "dag_id IN (SELECT dag_id FROM dag WHERE stale = 0 AND deleted = 0)";

class Dependencies : public DependencyReader {
 public:
  explicit Dependencies(ReadPool& pool) : pool_(pool) {}

  StatusOr<DependencyRows> ReadDependencies() override {
    return pool_.Read<DependencyRows>([this](Database& database) -> StatusOr<DependencyRows> {
      DependencyRows rows;
      RETURN_IF_ERROR(ReadDags(database, rows));
      RETURN_IF_ERROR(ReadDatasets(database, rows));
      RETURN_IF_ERROR(ReadUses(database, rows));
      RETURN_IF_ERROR(ReadWatches(database, rows));
      return rows;
    });
  }

 private:
  struct Known {
    std::int32_t version = 0;
    std::vector<DagReference> references;
  };

  Status ReadDags(Database& database, DependencyRows& rows) {
    // Keys of runs only grow: the newest run of a DAG is the last of its entries in the index.
    ASSIGN_OR_RETURN(
        Statement found,
        database.Prepare("SELECT d.dag_id, d.version, d.paused, r.run_id, r.state FROM dag d LEFT JOIN run r ON r.run = "
                         "(SELECT max(run) FROM run WHERE run.dag_id = d.dag_id) "
                         "WHERE d.stale = 0 AND d.deleted = 0 ORDER BY d.dag_id"));
    std::map<std::string, std::int32_t> versions;
    ASSIGN_OR_RETURN(rows.dags, All<DependencyRows::DagStanding>(found, [&](const Statement& row) {
                       DependencyRows::DagStanding dag{.dag_id = row.Text(0), .paused = row.Int(2) != 0};
                       dag.last_run_id = row.Text(3);
                       if (!dag.last_run_id.empty()) dag.last_state = static_cast<RunState>(row.Int(4));
                       versions.emplace(dag.dag_id, static_cast<std::int32_t>(row.Int(1)));
                       return dag;
                     }));
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [&](const auto& one) { return !versions.contains(one.first); });
    for (DependencyRows::DagStanding& dag : rows.dags) {
      Known& known = known_[dag.dag_id];
      const std::int32_t version = versions[dag.dag_id];
      if (known.version != version) {
        ASSIGN_OR_RETURN(known.references, References(database, dag.dag_id, version));
        known.version = version;
      }
      dag.references = known.references;
    }
    return OkStatus();
  }

  // The text of a DAG that refers to no other does not leave SQLite.
  static StatusOr<std::vector<DagReference>> References(Database& database, const std::string& dag_id,
                                                        std::int32_t version) {
    Query query("SELECT body FROM dag_version");
    query.Where("dag_id = ?").Add(dag_id).Where("version = ?").Add(version);
    query.Where("(instr(body, ?) > 0 OR instr(body, ?) > 0)")
        .Add(std::string(kTriggeringKind))
        .Add(std::string(kWaitingKind));
    ASSIGN_OR_RETURN(Statement found, query.Prepare(database));
    ASSIGN_OR_RETURN(const bool any, found.Step());
    if (!any) return std::vector<DagReference>();
    ASSIGN_OR_RETURN(const Dag dag, DecodeDag(found.Text(0)));
    return ReferencesOf(dag);
  }

  static Status ReadDatasets(Database& database, DependencyRows& rows) {
    ASSIGN_OR_RETURN(Statement datasets,
                     database.Prepare("SELECT d.id, d.name, d.uri, d.grp, e.at FROM dataset d LEFT JOIN dataset_event e "
                                      "ON e.id = (SELECT max(id) FROM dataset_event WHERE dataset_event.dataset = d.name) "
                                      "ORDER BY d.name"));
    ASSIGN_OR_RETURN(rows.datasets, All<DependencyRows::DatasetStanding>(datasets, [](const Statement& row) {
                       return DependencyRows::DatasetStanding{row.Int(0), row.Text(1), row.Text(2), row.Text(3),
                                                              row.Time(4)};
                     }));
    ASSIGN_OR_RETURN(Statement aliases, database.Prepare("SELECT id, name, grp FROM dataset_alias ORDER BY name"));
    ASSIGN_OR_RETURN(rows.aliases, All<DatasetAliasEntry>(aliases, [](const Statement& row) {
                       return DatasetAliasEntry{row.Int(0), {row.Text(1), row.Text(2)}};
                     }));
    ASSIGN_OR_RETURN(Statement attached,
                     database.Prepare("SELECT alias, dataset FROM attached_dataset ORDER BY alias, dataset"));
    ASSIGN_OR_RETURN(rows.attached, All<DependencyRows::Attached>(attached, [](const Statement& row) {
                       return DependencyRows::Attached{row.Text(0), row.Text(1)};
                     }));
    return OkStatus();
  }

  static Status ReadUses(Database& database, DependencyRows& rows) {
    Query query("SELECT dataset, dag_id, task_id, role, at FROM dataset_use");
    query.Where(kOfThere).Tail("ORDER BY dag_id, role, task_id, dataset");
    ASSIGN_OR_RETURN(Statement found, query.Prepare(database));
    ASSIGN_OR_RETURN(rows.uses, All<DependencyRows::Use>(found, [](const Statement& row) {
                       return DependencyRows::Use{row.Text(0), row.Int(3) >= kRoleOfAlias,
                                                  DatasetUse{row.Text(1), row.Text(2),
                                                             static_cast<DatasetRole>(row.Int(3) % kRoleOfAlias),
                                                             WallFromMicros(row.Int(4))}};
                     }));
    return OkStatus();
  }

  static Status ReadWatches(Database& database, DependencyRows& rows) {
    Query query("SELECT dataset, id, dag_id, name, kind, created_at, seen_at, failure FROM dataset_watch");
    query.Where(kOfThere).Tail("ORDER BY id");
    ASSIGN_OR_RETURN(Statement found, query.Prepare(database));
    ASSIGN_OR_RETURN(rows.watches, All<DependencyRows::Watch>(found, [](const Statement& row) {
                       return DependencyRows::Watch{
                           row.Text(0),
                           DatasetWatchEntry{row.Int(1), row.Text(2), row.Text(3), row.Text(4),
                                             WallFromMicros(row.Int(5)), row.Time(6), row.Text(7)}};
                     }));
    return OkStatus();
  }

  ReadPool& pool_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by DAG
};

}  // namespace

std::unique_ptr<DependencyReader> MakeDependencyReader(ReadPool& pool) {
  return std::make_unique<Dependencies>(pool);
}

}  // namespace millrace::store
