// The file of one map output: header, index, blocks (docs/formats.md, "A map output"), and the bytes of some
// of its partitions as a reader holds them. Any thread. How blocks come about is MapWriter's, who keeps files
// is BlockStore's.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/shuffle/descriptor.h"

namespace millrace::shuffle {

// Names a map output of one job; which attempt's it is, the fence says.
struct OutputKey {
  JobKey job;
  std::int32_t stage = 0;
  std::int32_t map_index = 0;
  friend auto operator<=>(const OutputKey&, const OutputKey&) = default;
};
// "run 7, task 2, try 1, stage 0, map 3"
std::string ToString(const OutputKey& key);

// Partitions [begin, end); of one partition perhaps only the blocks that begin in [cut_begin, cut_end) of its bytes.
struct PartitionRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::int64_t cut_begin = 0;
  std::int64_t cut_end = 0;  // 0: all blocks
  friend bool operator==(const PartitionRange&, const PartitionRange&) = default;
};

struct MapFileHead {
  OutputKey key;
  Fence fence;
  std::vector<std::int64_t> index;  // partitions + 1 offsets

  std::uint32_t partitions() const { return static_cast<std::uint32_t>(index.size() - 1); }
  std::uint64_t file_bytes() const { return static_cast<std::uint64_t>(index.back()); }
};

constexpr std::uint64_t MapFileHeadBytes(std::uint32_t partitions) {
  return 64 + 8 * (std::uint64_t{partitions} + 1);
}
std::vector<std::byte> EncodeMapFileHead(const MapFileHead& head);
// Reads and verifies the head of an open file. DATA_LOSS when it is not one, or the file is shorter than it
// says.
StatusOr<MapFileHead> ReadMapFileHead(int fd);

// Bytes [begin, end) of a map output's file.
struct FileRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};
// Where the blocks of `range` are. INVALID_ARGUMENT when there are no such partitions, DATA_LOSS when the heads of the blocks
// on the way to a cut are not such.
StatusOr<FileRange> FindBlocks(int fd, const MapFileHead& head, PartitionRange range);

// A new file that has no name: a memfd (to be sealed by SealOutput) or, in `folder`, an unlinked file.
StatusOr<Descriptor> CreateOutput(bool in_memory, const std::string& folder);
// Makes a memfd unchangeable, so that readers may map it; leaves files alone.
Status SealOutput(int fd);
// Writes all of `bytes` at `offset`.
Status WriteAt(int fd, std::span<const std::byte> bytes, std::uint64_t offset);
// Reads exactly `out.size()` bytes; DATA_LOSS when the file ends before.
Status ReadAt(int fd, std::span<std::byte> out, std::uint64_t offset);

// Whole blocks in memory: a mapping or an allocation, owned. Move-only.
class BlockBytes {
 public:
  BlockBytes() = default;
  BlockBytes(BlockBytes&& other) noexcept;
  BlockBytes& operator=(BlockBytes&& other) noexcept;
  ~BlockBytes();

  // The blocks of `range`, mapped read-only; the descriptor may be closed afterwards.
  static StatusOr<BlockBytes> Map(int fd, const MapFileHead& head, PartitionRange range);
  static BlockBytes Own(std::vector<std::byte> bytes);

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  std::vector<std::byte> owned_;
  std::span<const std::byte> bytes_;
};

}  // namespace millrace::shuffle
