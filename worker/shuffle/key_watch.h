// Which keys are heavy among the rows that a thread writes, and how they read: a sketch of all, and the values of those that have
// much. A lane owns one. One thread until the writer finishes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "worker/shuffle/heavy_keys.h"
#include "worker/shuffle/lane.h"

namespace millrace::shuffle {

class KeyWatch {
 public:
  // `options` lives as long.
  explicit KeyWatch(const MapWriterOptions& options) : options_(options) {}
  void Add(std::span<const std::uint64_t> hashes, std::span<const ColumnInput> columns);

 private:
  friend HeavyRows Heaviest(std::span<KeyWatch* const> watches);
  std::uint64_t RowBytes(std::span<const ColumnInput> columns, std::uint64_t row) const;
  void Keep(std::uint64_t hash, std::span<const ColumnInput> columns, std::uint64_t row);

  const MapWriterOptions& options_;
  HeavyKeys heavy_;
  std::uint64_t rows_ = 0;  // so far
  std::uint64_t state_ = 1;  // of what picks rows
  std::map<std::uint64_t, std::vector<NestedBuffer>> kept_;  // hash -> one row of the key columns
};

// Of all threads together.
HeavyRows Heaviest(std::span<KeyWatch* const> watches);

}  // namespace millrace::shuffle
