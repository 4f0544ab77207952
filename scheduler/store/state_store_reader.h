// The reader of state stores, and how one value is found: the loop's RunLoader reads the same. Made by
// SqliteReaders; any thread.
#pragma once

#include <memory>
#include <string>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

// `pool` outlives it.
std::unique_ptr<StateStoreReader> MakeStateStoreReader(ReadPool& pool);

// NOT_FOUND; whether it has expired is not looked at.
StatusOr<TaskStateRow> TaskStateOf(Database& database, const TaskInstanceKey& instance, const std::string& key);
StatusOr<DatasetStateRow> DatasetStateOf(Database& database, const std::string& dataset, const std::string& key);

}  // namespace millrace::store
