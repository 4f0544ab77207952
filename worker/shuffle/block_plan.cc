#include "worker/shuffle/block_plan.h"

#include <algorithm>
#include <cstring>

namespace millrace::shuffle {
namespace {

constexpr std::uint64_t kBlockRows = 65536;
constexpr std::uint64_t kLeastBlockBytes = std::uint64_t{4} << 10;
// A run is divided at multiples of this, so that its validity can be, too.
constexpr std::uint64_t kStep = 64;

std::uint64_t LengthAt(const ColumnPart& column, std::uint64_t row) {
  std::uint32_t length;
  std::memcpy(&length, column.values + row * sizeof length, sizeof length);
  return length;
}

std::uint64_t HeapBytes(const ColumnPart& column, std::uint64_t begin, std::uint64_t end) {
  std::uint64_t bytes = 0;
  for (std::uint64_t row = begin; row < end; ++row) bytes += LengthAt(column, row);
  return bytes;
}

// Where reading stands in the heap of a column.
struct HeapPlace {
  std::size_t piece = 0;
  std::size_t at = 0;
};

ColumnPart Slice(const ColumnType& type, const ColumnPart& column, std::uint64_t begin, std::uint64_t end, HeapPlace& heap) {
  ColumnPart part;
  part.rows = end - begin;
  const std::uint64_t width = type.kind == ColumnKind::kString ? sizeof(std::uint32_t) : type.width;
  part.values = column.values + begin * width;
  if (column.validity != nullptr) part.validity = column.validity + begin / 64;
  if (type.kind != ColumnKind::kString) return part;
  std::uint64_t left = HeapBytes(column, begin, end);
  while (left > 0) {
    const std::span<const std::byte> piece = column.heap[heap.piece].subspan(heap.at);
    const std::uint64_t taken = std::min<std::uint64_t>(left, piece.size());
    if (taken > 0) part.heap.push_back(piece.first(taken));
    left -= taken;
    heap.at += taken;
    if (heap.at == column.heap[heap.piece].size()) heap = {heap.piece + 1, 0};
  }
  return part;
}

// The rows of a run where blocks of about that size end; the last is all of them.
std::vector<std::uint64_t> Ends(std::span<const ColumnType> types, const Run& run, std::uint64_t block_bytes) {
  std::uint64_t fixed = 0;
  for (const ColumnType& type : types) fixed += type.kind == ColumnKind::kString ? sizeof(std::uint32_t) : type.width;
  std::vector<std::uint64_t> ends;
  std::uint64_t bytes = 0;
  for (std::uint64_t begin = 0; begin < run.rows; begin += kStep) {
    const std::uint64_t end = std::min(begin + kStep, run.rows);
    std::uint64_t step = fixed * (end - begin);
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (types[i].kind == ColumnKind::kString) step += HeapBytes(run.columns[i], begin, end);
    }
    if (bytes > 0 && bytes + step > block_bytes) {
      ends.push_back(begin);
      bytes = 0;
    }
    bytes += step;
  }
  ends.push_back(run.rows);
  return ends;
}

}  // namespace

std::vector<std::uint64_t> BlockSizes(std::span<const std::uint64_t> partition_bytes) {
  std::vector<std::uint64_t> sizes(partition_bytes.size(), kBlockBytes);
  std::vector<std::uint64_t> used;
  for (const std::uint64_t bytes : partition_bytes) {
    if (bytes > 0) used.push_back(bytes);
  }
  if (used.empty()) return sizes;
  const auto middle = used.begin() + static_cast<std::ptrdiff_t>(used.size() / 2);
  std::nth_element(used.begin(), middle, used.end());
  // A cut is off by a block at most: a quarter of the median is what scheduler/jobs leaves for that.
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (partition_bytes[i] > *middle + *middle / 4) sizes[i] = std::clamp(*middle / 4, kLeastBlockBytes, kBlockBytes);
  }
  return sizes;
}

std::vector<std::vector<const RowsPart*>> PlanBlocks(std::span<const ColumnType> types, std::span<const Run* const> runs,
                                                     std::uint64_t block_bytes, std::deque<RowsPart>& divided) {
  const bool nested = std::any_of(types.begin(), types.end(), [](const ColumnType& type) { return type.nested(); });
  std::vector<std::vector<const RowsPart*>> blocks;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  const auto add = [&](const RowsPart* part, std::uint64_t part_rows, std::uint64_t part_bytes) {
    rows += part_rows;
    bytes += part_bytes;
    if (blocks.empty() || (!blocks.back().empty() && (rows > kBlockRows || bytes > block_bytes))) {
      blocks.emplace_back();
      rows = part_rows;
      bytes = part_bytes;
    }
    blocks.back().push_back(part);
  };
  for (const Run* run : runs) {
    if (run->bytes <= block_bytes || nested || run->rows <= kStep) {
      add(&run->columns, run->rows, run->bytes);
      continue;
    }
    std::vector<HeapPlace> heaps(types.size());
    std::uint64_t begin = 0;
    for (const std::uint64_t end : Ends(types, *run, block_bytes)) {
      RowsPart& part = divided.emplace_back();
      for (std::size_t i = 0; i < types.size(); ++i) part.push_back(Slice(types[i], run->columns[i], begin, end, heaps[i]));
      add(&part, end - begin, run->bytes * (end - begin) / run->rows);
      begin = end;
    }
  }
  return blocks;
}

}  // namespace millrace::shuffle
