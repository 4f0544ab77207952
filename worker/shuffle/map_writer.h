// Writes one map output: rows come in by column with the partition of each, lie in buffers of their
// partition, and leave as blocks, partition by partition. SQL fragments call it from DuckDB's threads
// (worker/sql, shuffle_copy), native mappers from theirs; a thread writes to a lane of its own, so nothing is
// locked on the way. Who keeps and serves the finished file is BlockStore's business.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "worker/shuffle/block.h"
#include "worker/shuffle/heavy_keys.h"
#include "worker/shuffle/map_file.h"

namespace millrace::shuffle {

// The layout of DuckDB's list entries.
struct ListEntry {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Values of one column, borrowed; which member counts, its type says.
struct ColumnInput {
  const std::byte* values = nullptr;          // kFixed: rows x width
  const std::string_view* strings = nullptr;  // kString; what stands at NULL rows is not read
  const ListEntry* lists = nullptr;           // kList: into the rows of children[0]; at NULL rows not read
  const std::uint64_t* validity = nullptr;    // null: no row is NULL
  std::vector<ColumnInput> children;
};

inline bool IsValid(const ColumnInput& column, std::uint64_t row) {
  return column.validity == nullptr || (column.validity[row / 64] >> (row % 64) & 1) != 0;
}

// Equal for equal multisets of rows, in any order.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

struct PartitionFacts {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of its blocks
  std::uint32_t blocks = 0;
  Digest digest;
  std::uint64_t order_digest = 0;  // of the blocks, in order
};

// Some of the heaviest keys, and for each a row's values of the key columns.
struct HeavyRows {
  std::vector<HeavyKeys::Key> keys;  // the heaviest first
  std::vector<std::byte> block;      // of the columns MapWriterOptions::keys, a row a key
};

struct FinishedOutput {
  Descriptor file;  // sealed; of a map output
  bool in_memory = false;
  std::uint64_t bytes = 0;
  std::uint64_t spilled_bytes = 0;  // written to files before the end, to stay within the buffers' limit
  std::vector<PartitionFacts> partitions;
  HeavyRows heavy;  // at most 64
};
// 32 hexadecimal digits: equal when every partition has the same rows.
std::string FoldedDigest(std::span<const PartitionFacts> partitions);
// The same of the rows in the same blocks.
std::string FoldedOrderDigest(std::span<const PartitionFacts> partitions);

struct MapWriterOptions {
  std::uint32_t partitions = 1;
  std::vector<ColumnType> types;
  std::uint64_t buffer_bytes = std::uint64_t{1} << 30;  // of all lanes together; beyond it they spill
  std::uint64_t memory_bytes = std::uint64_t{1}
                               << 30;  // an output up to this size becomes a memfd, else a file
  int lanes = 1;                       // how many the buffers are divided by
  std::string folder;                  // for spills; must exist
  std::vector<std::size_t> keys;       // columns to tell heavy keys by; none: nobody asks which keys are heavy
};

class KeyWatch;

// Of a row that Append leaves out.
inline constexpr std::uint32_t kNoPartition = 0xffffffff;

// One thread's side of a map output.
class Lane {
 public:
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane();
  // Takes a copy of `partition_of.size()` rows, but of those that go to kNoPartition. After an error the output cannot be
  // finished.
  Status Append(std::span<const std::uint32_t> partition_of, std::span<const ColumnInput> columns);
  // Of the same rows, the hashes of their keys; before or after Append.
  void Watch(std::span<const std::uint64_t> hashes, std::span<const ColumnInput> columns);

 private:
  friend class MapWriter;
  class Buffers;
  Lane(const MapWriterOptions& options, std::atomic<std::uint64_t>& used);
  std::unique_ptr<Buffers> buffers_;
  std::unique_ptr<KeyWatch> watch_;  // null: nobody asks
};

class MapWriter {
 public:
  explicit MapWriter(MapWriterOptions options);
  MapWriter(const MapWriter&) = delete;
  MapWriter& operator=(const MapWriter&) = delete;
  ~MapWriter();

  const MapWriterOptions& options() const { return options_; }
  // Any thread. The lane lives as long as the writer.
  Lane* AddLane();
  // Of what was appended so far, about; while no lane appends.
  std::uint64_t Bytes() const;
  // Once, after the last Append of every lane. Encodes with `threads` threads.
  StatusOr<FinishedOutput> Finish(const OutputKey& key, Fence fence, int threads);

 private:
  std::vector<std::uint64_t> PartitionBytes() const;

  MapWriterOptions options_;
  std::atomic<std::uint64_t> used_ = 0;  // bytes in the buffers of all lanes
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // guarded by mutex_
};

}  // namespace millrace::shuffle
