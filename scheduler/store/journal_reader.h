// The reader of the journal. Made by SqliteReaders; any thread.
#pragma once

#include <memory>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

// `pool` outlives it.
std::unique_ptr<JournalReader> MakeJournalReader(ReadPool& pool);

}  // namespace millrace::store
