// The store's tables and their numbered migrations. docs/formats.md describes every column.
#pragma once

#include "core/base/status.h"
#include "scheduler/store/sqlite.h"

namespace millrace::store {

inline constexpr int kSchemaVersion = 19;

// Brings the database to kSchemaVersion, one transaction a step. A store written by a newer program is refused
// (FAILED_PRECONDITION). Before migrating a store that holds data, a copy is migrated first ("path.migrating").
Status Migrate(Database& database, const std::string& path);

// An empty database of an older program, for tests of what follows: the first `version` steps.
Status MakeOlder(Database& database, int version);

// How a task instance's integer key is made of run and index; keeps a run's instances side by side.
inline constexpr int kIndexBits = 20;
inline constexpr std::int64_t kMaxIndex = (std::int64_t{1} << kIndexBits) - 1;

}  // namespace millrace::store
