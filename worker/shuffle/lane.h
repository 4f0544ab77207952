// What is inside a Lane: the rows of every partition that its thread has seen, in runs of growing size, and
// the blocks it had to spill. One thread until the writer finishes. Only map_writer.cc includes it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "worker/shuffle/arena.h"
#include "worker/shuffle/block_plan.h"
#include "worker/shuffle/map_writer.h"

namespace millrace::shuffle {

// A nested column of a run; grows by value, for what is rare and whose sizes are unknown.
class NestedBuffer {
 public:
  explicit NestedBuffer(const ColumnType& type);
  void Append(const ColumnInput& input, std::uint64_t row);
  std::uint64_t bytes() const;
  // Borrows from this buffer.
  ColumnPart part() const;

 private:
  void AppendNull();

  const ColumnType* type_;
  std::uint64_t rows_ = 0;
  bool has_nulls_ = false;
  std::vector<std::byte> values_;
  std::vector<std::byte> heap_;
  std::vector<std::uint64_t> validity_;
  std::vector<NestedBuffer> children_;
};

struct SpilledBlock {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

class Lane::Buffers {
 public:
  Buffers(const MapWriterOptions& options, std::atomic<std::uint64_t>& used);

  Status Append(std::span<const std::uint32_t> partition_of, std::span<const ColumnInput> columns);
  // Closes what is open; afterwards the accessors below may be called from any thread.
  void Close();

  std::span<const Run> runs(std::uint32_t partition) const { return partitions_[partition].runs; }
  std::span<const SpilledBlock> spilled(std::uint32_t partition) const {
    return partitions_[partition].spilled;
  }
  Digest digest(std::uint32_t partition) const { return fill_[partition].digest; }
  std::uint64_t rows(std::uint32_t partition) const { return fill_[partition].total_rows; }
  int spill_file() const { return spill_.get(); }
  std::uint64_t spilled_bytes() const { return spill_end_; }

 private:
  // A column of a partition's open run.
  struct Open {
    std::byte* values = nullptr;        // the run's first
    std::uint64_t* validity = nullptr;  // made at the first NULL
    std::byte* heap = nullptr;          // next free byte of the last piece
    std::byte* heap_end = nullptr;
    std::uint64_t heap_bytes = 0;
    std::vector<std::span<const std::byte>> pieces;  // all but the last are final
    std::unique_ptr<NestedBuffer> nested;
  };
  // What every chunk touches of a partition; kept small and apart, as with thousands of partitions the cache
  // decides.
  struct Fill {
    std::uint32_t rows = 0;  // of the open run
    std::uint32_t capacity = 0;
    std::uint64_t total_rows = 0;
    Digest digest;
  };
  struct Partition {
    std::vector<Run> runs;
    std::vector<SpilledBlock> spilled;
  };

  std::byte*& next(std::uint32_t partition, std::size_t column) {
    return next_[partition * options_.types.size() + column];
  }
  Open& open(std::uint32_t partition, std::size_t column) {
    return open_[partition * options_.types.size() + column];
  }
  // Groups the rows by partition: touched_, first_ and rows_ say which rows go where.
  void Group(std::span<const std::uint32_t> partition_of);
  void Reserve(std::uint32_t partition, std::uint32_t rows);
  void CloseRun(std::uint32_t partition);
  void AppendColumn(std::size_t column, const ColumnInput& input);
  template <typename T>
  void AppendFixed(std::size_t column, const ColumnInput& input);
  void AppendStrings(std::size_t column, const ColumnInput& input);
  void AppendValidity(Open& open, const Fill& fill, const ColumnInput& input,
                      std::span<const std::uint32_t> rows);
  std::byte* Heap(Open& open, std::uint64_t bytes);
  // Keeps the sum over all lanes right; whether this one has to spill.
  bool CountBytes();
  Status Spill();
  std::span<const std::uint32_t> RowsOf(std::uint32_t partition) const {
    return std::span(rows_).subspan(first_[partition], counts_[partition]);
  }

  const MapWriterOptions& options_;
  std::atomic<std::uint64_t>& used_;
  std::uint64_t counted_ = 0;  // of used_
  Arena arena_;
  std::uint64_t nested_bytes_ = 0;
  bool variable_ = false;  // some column's values have no fixed width
  std::vector<Partition> partitions_;
  std::vector<Fill> fill_;
  std::vector<std::byte*> next_;  // of each partition and column: where the next value of the open run goes
  std::vector<Open> open_;
  std::vector<std::vector<std::unique_ptr<NestedBuffer>>> nested_;  // of closed runs
  // Of one Append.
  std::vector<std::uint32_t> touched_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> rows_;
  std::vector<Digest> digests_;
  std::size_t all_rows_ = 0;
  Descriptor spill_;
  std::uint64_t spill_end_ = 0;
};

}  // namespace millrace::shuffle
