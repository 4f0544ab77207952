// Single values of a block's columns, whose bytes need not be aligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "worker/shuffle/block.h"

namespace millrace::shuffle {

template <typename T>
T At(const std::byte* values, std::size_t row) {
  T value;
  std::memcpy(&value, values + row * sizeof(T), sizeof(T));
  return value;
}

inline bool Valid(const ColumnView& column, std::size_t row) {
  return column.validity == nullptr || (At<std::uint64_t>(column.validity, row / 64) >> (row % 64) & 1) != 0;
}

}  // namespace millrace::shuffle
