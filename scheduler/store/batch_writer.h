// Writes one batch's rows inside a transaction that the caller has opened. Keeps its prepared statements. The store's thread.
#pragma once

#include <map>
#include <string>

#include "core/model/batch.h"
#include "scheduler/store/sqlite.h"

namespace millrace::store {

class BatchWriter {
 public:
  explicit BatchWriter(Database& database) : database_(database) {}

  // ABORTED when the store is not at the batch's term and the sequence before it; then nothing may be committed.
  Status Write(const Batch& batch);

 private:
  StatusOr<Statement*> Prepared(const char* sql);
  Status CheckPosition(const Batch& batch);
  Status WriteDags(const Batch& batch);
  Status WriteDataset(const Dataset& dataset, WallTime at);
  Status WriteDatasetUses(const DagVersionRow& row);
  Status WriteWatches(const DagVersionRow& row);
  Status WriteDatasets(const Batch& batch);
  Status WriteInstances(const Batch& batch);
  Status WriteJobs(const Batch& batch);
  Status WriteCached(const CachedResult& row);
  Status WriteXCom(const XComRow& row);
  Status WriteBackfills(const Batch& batch);
  Status WriteNotifications(const Batch& batch);
  Status Delete(const Batch& batch);
  Status Forget(const Batch::Forgotten& forgotten);
  Status WriteRecord(const Record& record);
  Status WriteTaskState(const TaskStateRow& row);
  Status WriteDatasetState(const DatasetStateRow& row);
  Status Prune(const PruneRecord& prune);
  Status WriteJournal(const Batch& batch);

  Database& database_;
  std::map<const char*, Statement> statements_;
};

}  // namespace millrace::store
