// Store on SQLite: one read-write connection, on a thread of its own, which alone checkpoints. WAL with synchronous=FULL: what
// Commit calls durable survives a power cut. A lock on the folder keeps a second scheduler out.
#pragma once

#include <memory>
#include <string>

#include "core/base/log.h"
#include "scheduler/store/store.h"

namespace millrace::store {

// The database's path within a state folder.
std::string DatabasePath(const std::string& folder);

// Makes the folder (0700) when it is not there, locks it, opens and migrates the database. UNAVAILABLE while another
// scheduler holds the lock, FAILED_PRECONDITION when a newer one has written the database. `log` outlives the store.
StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& folder, LogSink& log);

}  // namespace millrace::store
