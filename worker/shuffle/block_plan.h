// How the buffered rows of one partition become blocks: runs are put together up to a block's size, and divided where they are
// larger. A partition that has much more than the others gets smaller blocks, as its reducers are cut between blocks. Lanes ask
// when they spill, the writer at its end. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "worker/shuffle/block.h"

namespace millrace::shuffle {

// What a block holds of rows, about; less where its partition has much more than the others.
constexpr std::uint64_t kBlockBytes = std::uint64_t{1} << 20;

// Rows of one partition that were closed: columns point into the buffers of a lane.
struct Run {
  RowsPart columns;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // about what they take in a block
};

// How large the blocks of each partition become, of which so many bytes are there.
std::vector<std::uint64_t> BlockSizes(std::span<const std::uint64_t> partition_bytes);

// The parts of each block, in order. Parts of divided runs live in `divided`, which must not move.
std::vector<std::vector<const RowsPart*>> PlanBlocks(std::span<const ColumnType> types, std::span<const Run* const> runs,
                                                     std::uint64_t block_bytes, std::deque<RowsPart>& divided);

}  // namespace millrace::shuffle
