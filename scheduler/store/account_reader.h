// The reader of users and tokens. Made by SqliteReaders; any thread.
#pragma once

#include <memory>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

// `pool` outlives it.
std::unique_ptr<AccountReader> MakeAccountReader(ReadPool& pool);

}  // namespace millrace::store
