// The readers of task instances: their attempts and notes, their values, their jobs. Made by SqliteReaders;
// any thread.
#pragma once

#include <memory>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

// `pool` outlives them.
std::unique_ptr<TaskInstanceReader> MakeTaskInstanceReader(ReadPool& pool);
std::unique_ptr<XComReader> MakeXComReader(ReadPool& pool);
std::unique_ptr<JobReader> MakeJobReader(ReadPool& pool);

}  // namespace millrace::store
