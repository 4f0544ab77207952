// Rows from SQL into a map output: COPY (...) TO ... (FORMAT millrace_shuffle), a copy function of DuckDB's C
// API. Each of DuckDB's threads has a lane of the writer. Map stage tasks call it, on the connection's
// thread. What the finished output becomes (kept, served, dropped) is not decided here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/shuffle/map_writer.h"
#include "worker/sql/instance.h"

namespace millrace::sql {

struct MapFragment {
  std::string select;  // SelectFacts::text of the map (and combine) SQL
  std::vector<std::string>
      keys;  // columns of it; rows that agree in them share a partition. None: all rows do
  std::string hash;      // SQL over the columns: UBIGINT, instead of the hash of the keys as they are
  bool scatter = false;  // rows go to the partitions in turn, a chunk each
  // SQL over the columns: BLOB by which rows are sorted. With scatter, some of its values come back in `sample`; without, it says
  // the partition: bounds[i] is the least of partition i + 1.
  std::string order;
  std::vector<std::string> bounds;
  std::vector<std::string>* sample = nullptr;
  std::vector<HeavyKey>* heavy = nullptr;  // the heaviest keys come back in it, of rows that go by keys
  // Rows with these keys go to the last `salted_partitions`, in turn or, when they are replicated, to each of their key's.
  std::vector<SaltedKey> salts;
  std::uint32_t salted_partitions = 0;
  bool replicates = false;
  std::uint32_t partitions = 1;
  std::uint64_t buffer_bytes = std::uint64_t{1} << 30;  // as in shuffle::MapWriterOptions
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;
  // Asked when the rows of `select` have been taken, with about the bytes of all so far: true, and it is run again, as its views show
  // other rows now. Null: they do not.
  std::function<StatusOr<bool>(std::uint64_t bytes)> again;
  std::string folder;  // of the attempt, one that the instance's SQL may write in; spills go there too
};

// Runs the SELECT and finishes its output. NULL keys are one group, -0.0 is 0.0 and NaN is NaN, as in GROUP
// BY. UNIMPLEMENTED names a column whose type cannot be shuffled, before anything runs.
StatusOr<shuffle::FinishedOutput> RunMapFragment(Connection& connection, const MapFragment& fragment,
                                                 const shuffle::OutputKey& key, Fence fence);

}  // namespace millrace::sql
