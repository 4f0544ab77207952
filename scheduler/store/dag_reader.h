// The reader of DAGs, their versions and import errors. Made by SqliteReaders; any thread.
#pragma once

#include <memory>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"
#include "scheduler/store/version_cache.h"

namespace millrace::store {

// Both outlive it.
std::unique_ptr<DagReader> MakeDagReader(ReadPool& pool, VersionCache& versions);

}  // namespace millrace::store
