#include "scheduler/store/run_loader.h"

#include "core/model/run_dag.h"
#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"
#include "scheduler/store/schema.h"
#include "scheduler/store/state_store_reader.h"

namespace millrace::store {
namespace {

class Loader : public RunLoader {
 public:
  Loader(ReadPool& pool, VersionCache& versions) : pool_(pool), versions_(versions) {}

  StatusOr<RunImage> LoadRun(const std::string& dag_id, const std::string& run_id) override {
    return pool_.Read<RunImage>([&](Database& database) -> StatusOr<RunImage> {
      Query run(std::string("SELECT ") + kRunColumns + " FROM run");
      run.Where("dag_id = ?").Add(dag_id).Where("run_id = ?").Add(run_id);
      ASSIGN_OR_RETURN(const Run row,
                       One<Run>(database, run, "run not found: " + dag_id + " " + run_id, ReadRun));
      return Whole(database, row);
    });
  }

  StatusOr<RunImage> LoadPrevious(const std::string& dag_id, WallTime before) override {
    return pool_.Read<RunImage>([&](Database& database) -> StatusOr<RunImage> {
      Query run(std::string("SELECT ") + kRunColumns + " FROM run");
      run.Where("dag_id = ?").Add(dag_id).Where("logical_date < ?").Add(ToMicros(before));
      run.Tail("ORDER BY logical_date DESC, run DESC LIMIT 1");
      ASSIGN_OR_RETURN(const Run row,
                       One<Run>(database, run, "no run of " + dag_id + " is earlier", ReadRun));
      return Whole(database, row);
    });
  }

  StatusOr<Run> LoadPreviousSuccess(const std::string& dag_id, WallTime before) override {
    return pool_.Read<Run>([&](Database& database) -> StatusOr<Run> {
      Query run(std::string("SELECT ") + kRunColumns + " FROM run");
      run.Where("dag_id = ?").Add(dag_id).Where("logical_date < ?").Add(ToMicros(before));
      run.Where("state = ?").Add(static_cast<std::int64_t>(RunState::kSuccess));
      run.Tail("ORDER BY logical_date DESC, run DESC LIMIT 1");
      return One<Run>(database, run, "no successful run of " + dag_id + " is earlier", ReadRun);
    });
  }

  StatusOr<CachedResult> LoadCached(const std::string& key) override {
    return pool_.Read<CachedResult>([&](Database& database) -> StatusOr<CachedResult> {
      Query query(std::string("SELECT ") + kCachedColumns + " FROM cached_result");
      query.Where("hash = ?").Add(key);
      return One<CachedResult>(database, query, "no such cached result", ReadCached);
    });
  }

  StatusOr<TaskStateRow> LoadTaskState(const TaskInstanceKey& instance, const std::string& key) override {
    return pool_.Read<TaskStateRow>([&](Database& database) { return TaskStateOf(database, instance, key); });
  }

  StatusOr<DatasetStateRow> LoadDatasetState(const std::string& dataset, const std::string& key) override {
    return pool_.Read<DatasetStateRow>([&](Database& database) { return DatasetStateOf(database, dataset, key); });
  }

  StatusOr<std::vector<XComRow>> LoadXComs(const std::vector<XComKey>& keys) override {
    return pool_.Read<std::vector<XComRow>>([&](Database& database) -> StatusOr<std::vector<XComRow>> {
      std::vector<XComRow> rows;
      for (const XComKey& key : keys) {
        Query query(std::string("SELECT ") + kXComColumns + " FROM xcom");
        query.Where("key = ?").Add(PackKey(key.instance)).Where("name = ?").Add(key.key);
        ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
        ASSIGN_OR_RETURN(std::vector<XComRow> found, All<XComRow>(statement, ReadXCom));
        for (XComRow& row : found) rows.push_back(std::move(row));
      }
      return rows;
    });
  }

  StatusOr<std::vector<Run>> LoadDates(const std::string& dag_id, WallTime from, WallTime to) override {
    return pool_.Read<std::vector<Run>>([&](Database& database) -> StatusOr<std::vector<Run>> {
      Query query(std::string("SELECT ") + kRunColumns + " FROM run");
      query.Where("dag_id = ?")
          .Add(dag_id)
          .Where("logical_date BETWEEN ? AND ?")
          .Add(ToMicros(from))
          .Add(ToMicros(to));
      query.Tail("ORDER BY run");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<Run>(statement, ReadRun);
    });
  }

 private:
  StatusOr<RunImage> Whole(Database& database, const Run& run) {
    RunImage image;
    image.run = run;
    ASSIGN_OR_RETURN(DagPtr version, versions_.Find(database, run.dag_id, run.version));
    image.dag = DagOfRun(run, std::move(version));
    Query instances(std::string("SELECT ") + kTaskInstanceColumns + " FROM task_instance");
    instances.Where("key BETWEEN ? AND ?").Add(PackKey({run.key, 0}));
    instances.Add(PackKey({run.key, static_cast<std::int32_t>(kMaxIndex)})).Tail("ORDER BY key");
    ASSIGN_OR_RETURN(Statement statement, instances.Prepare(database));
    ASSIGN_OR_RETURN(image.task_instances, All<TaskInstance>(statement, ReadTaskInstance));
    Query events(std::string("SELECT ") + kDatasetEventColumns + " FROM dataset_event");
    events.Where("id IN (SELECT event FROM run_event WHERE run = ?)").Add(ToInt(run.key)).Tail("ORDER BY id");
    ASSIGN_OR_RETURN(Statement made_by, events.Prepare(database));
    ASSIGN_OR_RETURN(image.events, All<DatasetEvent>(made_by, ReadDatasetEvent));
    return image;
  }

  ReadPool& pool_;
  VersionCache& versions_;
};

}  // namespace

std::unique_ptr<RunLoader> MakeRunLoader(ReadPool& pool, VersionCache& versions) {
  return std::make_unique<Loader>(pool, versions);
}

}  // namespace millrace::store
