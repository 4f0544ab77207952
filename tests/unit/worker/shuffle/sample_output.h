// Map outputs for tests: rows 0 to N - 1 of one BIGINT column, row i in partition i % P.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "worker/shuffle/map_writer.h"

namespace millrace::shuffle {

inline OutputKey SampleKey(std::int32_t map) { return {{{RunKey{7}, 2}, 1}, 0, map}; }

inline FinishedOutput SampleOutput(const OutputKey& key, Fence fence, std::uint32_t partitions,
                                   std::int64_t rows) {
  MapWriter writer({.partitions = partitions, .types = {ColumnType::Fixed(8)}, .folder = testing::TempDir()});
  std::vector<std::uint32_t> partition_of;
  std::vector<std::int64_t> values;
  for (std::int64_t row = 0; row < rows; ++row) {
    partition_of.push_back(static_cast<std::uint32_t>(row % partitions));
    values.push_back(row);
  }
  ColumnInput column;
  column.values = reinterpret_cast<const std::byte*>(values.data());
  EXPECT_TRUE(writer.AddLane()->Append(partition_of, std::span(&column, 1)).ok());
  auto output = writer.Finish(key, fence, 1);
  EXPECT_TRUE(output.ok()) << output.status().ToString();
  return std::move(*output);
}

// The values in some fetched blocks, in order.
inline std::vector<std::int64_t> SampleRows(const BlockBytes& blocks) {
  const std::vector<ColumnType> types = {ColumnType::Fixed(8)};
  std::vector<std::int64_t> rows;
  std::span<const std::byte> rest = blocks.bytes();
  while (!rest.empty()) {
    auto block = BlockView::Open(rest, types);
    EXPECT_TRUE(block.ok()) << block.status().ToString();
    if (!block.ok()) return rows;
    const std::size_t before = rows.size();
    rows.resize(before + block->rows());
    std::memcpy(rows.data() + before, block->column(0).values, block->rows() * sizeof(std::int64_t));
    rest = rest.subspan(block->bytes());
  }
  return rows;
}

}  // namespace millrace::shuffle
