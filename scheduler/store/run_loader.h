// What the loop reads for its engine: whole runs, values, cached results. Made by SqliteReaders; any thread.
#pragma once

#include <memory>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/store.h"
#include "scheduler/store/version_cache.h"

namespace millrace::store {

// Both outlive it.
std::unique_ptr<RunLoader> MakeRunLoader(ReadPool& pool, VersionCache& versions);

}  // namespace millrace::store
