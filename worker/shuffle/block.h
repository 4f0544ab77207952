// The block: some rows of one partition of a map output, column by column, as bytes. docs/formats.md,
// "Shuffle blocks", has it byte by byte. MapWriter encodes blocks; shuffle_scan (worker/sql) and native
// reducers read them. Any thread. It knows no DuckDB type, no file and no compression: a type here is only a
// layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace millrace::shuffle {

// How the values of a column lie in memory. A MAP is a list of structs.
enum class ColumnKind : std::uint8_t { kFixed = 1, kString = 2, kList = 3, kStruct = 4 };

struct ColumnType {
  ColumnKind kind = ColumnKind::kFixed;
  std::uint8_t width = 0;  // kFixed: 1, 2, 4, 8 or 16 bytes a value
  std::vector<ColumnType> children;

  static ColumnType Fixed(std::uint8_t width) { return {ColumnKind::kFixed, width, {}}; }
  static ColumnType String() { return {ColumnKind::kString, 0, {}}; }
  static ColumnType List(ColumnType child) { return {ColumnKind::kList, 0, {std::move(child)}}; }
  static ColumnType Struct(std::vector<ColumnType> fields) {
    return {ColumnKind::kStruct, 0, std::move(fields)};
  }
  bool nested() const { return kind == ColumnKind::kList || kind == ColumnKind::kStruct; }
  friend bool operator==(const ColumnType&, const ColumnType&) = default;
};

// A run of rows of one column, borrowed. A block is encoded from any number of runs, one after the other.
struct ColumnPart {
  std::uint64_t rows = 0;
  const std::byte* values = nullptr;  // kFixed: rows x width; kString, kList: rows u32 lengths; kStruct: null
  const std::uint64_t* validity =
      nullptr;  // one bit a row, lowest first, 1 = not NULL; null: all rows are valid
  std::vector<std::span<const std::byte>> heap;  // kString: the bytes, in row order, in any number of pieces
  std::vector<ColumnPart>
      children;  // kList: one, with as many rows as the lengths add up to; kStruct: its fields
};
using RowsPart = std::vector<ColumnPart>;  // every column of some rows

// The exact size of the block that EncodeBlock makes; a multiple of eight.
std::uint64_t EncodedBytes(std::span<const ColumnType> types, std::span<const RowsPart* const> parts);

// Writes one block of EncodedBytes() bytes to `out`. NULL rows must have length 0 and zeroed values.
void EncodeBlock(std::uint32_t partition, std::span<const ColumnType> types,
                 std::span<const RowsPart* const> parts, std::byte* out);

// A column inside a block. Pointers may be unaligned (bytes come from a network too): read them by memcpy.
struct ColumnView {
  std::uint64_t rows = 0;
  const std::byte* values = nullptr;
  const std::byte* validity = nullptr;  // null: all rows are valid; else rows rounded up to 64 bits
  std::span<const std::byte> heap;
  std::vector<ColumnView> children;
};

// What the fixed part of a block says, before anything is verified but that the block lies within its bytes.
struct BlockHead {
  std::uint64_t bytes = 0;
  std::uint32_t rows = 0;
  std::uint32_t partition = 0;
};
// DATA_LOSS unless a whole block of a version that we know starts here.
StatusOr<BlockHead> ReadBlockHead(std::span<const std::byte> bytes);
// The same of the first kBlockHeadBytes of what has `available` bytes.
inline constexpr std::uint64_t kBlockHeadBytes = 32;
StatusOr<BlockHead> ReadBlockHead(std::span<const std::byte> head, std::uint64_t available);

// A verified block. The bytes are borrowed, and are not trusted: checksum, every count and every length are
// checked before use, against the types the reader expects. Anything wrong is DATA_LOSS.
class BlockView {
 public:
  static StatusOr<BlockView> Open(std::span<const std::byte> bytes, std::span<const ColumnType> expected);

  std::uint64_t bytes() const { return head_.bytes; }
  std::uint32_t rows() const { return head_.rows; }
  std::uint32_t partition() const { return head_.partition; }
  std::uint64_t checksum() const { return checksum_; }
  const ColumnView& column(std::size_t index) const { return columns_[index]; }

 private:
  BlockHead head_;
  std::uint64_t checksum_ = 0;
  std::vector<ColumnView> columns_;
};

// The checksum a block ends with, unverified; for digests over many blocks. `block` is a whole block.
std::uint64_t BlockChecksum(std::span<const std::byte> block);

}  // namespace millrace::shuffle
