// The reader of runs and their deadlines. Made by SqliteReaders; any thread.
#pragma once

#include <memory>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

// `pool` outlives it.
std::unique_ptr<RunReader> MakeRunReader(ReadPool& pool);

}  // namespace millrace::store
