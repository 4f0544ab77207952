// What the table functions of Millrace's own views have in common: each takes one number, by which the desk finds its source, and
// gives the source's parts out to threads. For .cc files of this room. Any thread.
#pragma once

#include <duckdb.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/sql/shuffle_desk.h"
#include "worker/sql/types.h"

namespace millrace::sql {

// Of one statement: which columns it wants, and the next part to give out.
struct ScanState {
  std::vector<idx_t> columns;
  std::atomic<std::size_t> next = 0;
};

// What DuckDB calls: when a statement is bound, when it begins, when one of its threads does, for each chunk.
struct ScanCalls {
  duckdb_table_function_bind_t bind;
  duckdb_table_function_init_t begin;
  duckdb_table_function_init_t begin_thread;
  duckdb_table_function_t scan;
};

// For all connections of the instance. INTERNAL when DuckDB refuses.
Status RegisterScan(duckdb_connection connection, ShuffleDesk& desk, const char* name, const ScanCalls& calls);

// The number that the statement names its source by.
std::uint64_t SourceNumber(duckdb_bind_info info);
void OfferColumns(duckdb_bind_info info, const std::vector<Column>& columns, const std::vector<LogicalType>& types);

std::vector<idx_t> WantedColumns(duckdb_init_info info);
// Leaves a ScanState of the statement with DuckDB; a thread for each part, but no more than `threads`.
void BeginScan(duckdb_init_info info, std::size_t parts, int threads);

}  // namespace millrace::sql
