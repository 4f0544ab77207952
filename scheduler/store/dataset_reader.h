// DatasetReader on SQLite; see sqlite_readers.h.
#pragma once

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

class SqliteDatasets : public DatasetReader {
 public:
  explicit SqliteDatasets(ReadPool& pool) : pool_(pool) {}

  StatusOr<DatasetEntry> GetDataset(std::int64_t id) override;
  StatusOr<Listing<DatasetEntry>> ListDatasets(const DatasetFilter& filter) override;
  StatusOr<Listing<DatasetEventEntry>> ListEvents(const DatasetEventFilter& filter) override;
  StatusOr<std::vector<QueuedEvent>> ListQueued(const std::string& dag_id, std::int64_t dataset) override;
  StatusOr<DatasetAliasEntry> GetAlias(std::int64_t id) override;
  StatusOr<Listing<DatasetAliasEntry>> ListAliases(const DatasetAliasFilter& filter) override;

 private:
  ReadPool& pool_;
};

}  // namespace millrace::store
