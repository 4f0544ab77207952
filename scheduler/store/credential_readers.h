// Variables and connections of the store, as they are sealed there. Private to this room.
#pragma once

#include <memory>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

// `pool` outlives them.
std::unique_ptr<VariableReader> MakeVariableReader(ReadPool& pool);
std::unique_ptr<ConnectionReader> MakeConnectionReader(ReadPool& pool);

}  // namespace millrace::store
