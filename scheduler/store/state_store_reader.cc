#include "scheduler/store/state_store_reader.h"

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

class StateStores final : public StateStoreReader {
 public:
  explicit StateStores(ReadPool& pool) : pool_(pool) {}

  StatusOr<TaskStateRow> GetTaskState(const TaskInstanceKey& instance, const std::string& key,
                                      WallTime now) override {
    return pool_.Read<TaskStateRow>([&](Database& database) -> StatusOr<TaskStateRow> {
      ASSIGN_OR_RETURN(TaskStateRow row, TaskStateOf(database, instance, key));
      if (row.expires_at && *row.expires_at <= now)
        return NotFound("Task state store key '" + key + "' not found: it has expired");
      return row;
    });
  }

  StatusOr<Listing<TaskStateRow>> ListTaskStates(const TaskInstanceKey& instance, const Page& page,
                                                 WallTime now) override {
    return pool_.Read<Listing<TaskStateRow>>([&](Database& database) {
      const auto conditions = [&](Query& query) {
        query.Where("key = ?").Add(PackKey(instance));
        query.Where("(expires_at IS NULL OR expires_at > ?)").Add(ToMicros(now));
      };
      return ListPage<TaskStateRow>(database, kTaskStateColumns, "task_state", conditions, "name", page,
                                    ReadTaskState);
    });
  }

  StatusOr<DatasetStateRow> GetDatasetState(const std::string& dataset, const std::string& key) override {
    return pool_.Read<DatasetStateRow>([&](Database& database) { return DatasetStateOf(database, dataset, key); });
  }

  StatusOr<Listing<DatasetStateRow>> ListDatasetStates(const std::string& dataset, const Page& page) override {
    return pool_.Read<Listing<DatasetStateRow>>([&](Database& database) {
      const auto conditions = [&](Query& query) { query.Where("dataset = ?").Add(dataset); };
      return ListPage<DatasetStateRow>(database, kDatasetStateColumns, "dataset_state", conditions, "name", page,
                                       ReadDatasetState);
    });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

StatusOr<TaskStateRow> TaskStateOf(Database& database, const TaskInstanceKey& instance, const std::string& key) {
  Query query(std::string("SELECT ") + kTaskStateColumns + " FROM task_state");
  query.Where("key = ?").Add(PackKey(instance)).Where("name = ?").Add(key);
  return One<TaskStateRow>(database, query, "Task state store key '" + key + "' not found", ReadTaskState);
}

StatusOr<DatasetStateRow> DatasetStateOf(Database& database, const std::string& dataset, const std::string& key) {
  Query query(std::string("SELECT ") + kDatasetStateColumns + " FROM dataset_state");
  query.Where("dataset = ?").Add(dataset).Where("name = ?").Add(key);
  return One<DatasetStateRow>(database, query, "Asset state store key '" + key + "' not found", ReadDatasetState);
}

std::unique_ptr<StateStoreReader> MakeStateStoreReader(ReadPool& pool) {
  return std::make_unique<StateStores>(pool);
}

}  // namespace millrace::store
