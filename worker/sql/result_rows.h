// A finished statement's rows as DuckDB holds them. For .cc files of this room. One thread.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <vector>

#include "worker/sql/result.h"

namespace millrace::sql {

struct Result::Rows {
  duckdb_result result{};
  std::vector<duckdb_data_chunk> chunks;
  std::vector<std::uint64_t> starts;  // the first row of each chunk; not all are full

  Rows() = default;
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() {
    for (duckdb_data_chunk& chunk : chunks) duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
  }
};

}  // namespace millrace::sql
