#include "worker/shuffle/map_writer.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <new>
#include <thread>
#include <utility>

#include "worker/shuffle/key_watch.h"
#include "worker/shuffle/lane.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::shuffle {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

// One block of the output to be: runs to encode, or a spilled block to copy.
struct Planned {
  std::vector<const RowsPart*> parts;
  std::uint64_t bytes = 0;
  int spill_file = -1;
  std::uint64_t spill_offset = 0;
};
using PlannedPartition = std::vector<Planned>;

// Collects bytes that follow each other in the file, and writes them a megabyte at a time.
class FileWriter {
 public:
  FileWriter(int fd, std::uint64_t offset) : fd_(fd), offset_(offset) {}

  // Not initialised.
  std::span<std::byte> Next(std::uint64_t bytes) {
    if (used_ + bytes > room_) {
      room_ = std::max(used_ + bytes, 2 * kWriteBytes);
      auto larger = std::make_unique_for_overwrite<std::byte[]>(room_);
      if (used_ != 0) std::memcpy(larger.get(), pending_.get(), used_);
      pending_ = std::move(larger);
    }
    used_ += bytes;
    return {pending_.get() + (used_ - bytes), bytes};
  }
  Status FlushIfLarge() { return used_ >= kWriteBytes ? Flush() : OkStatus(); }
  Status Flush() {
    RETURN_IF_ERROR(WriteAt(fd_, {pending_.get(), used_}, offset_));
    offset_ += used_;
    used_ = 0;
    return OkStatus();
  }

 private:
  int fd_;
  std::uint64_t offset_;
  std::unique_ptr<std::byte[]> pending_;
  std::uint64_t used_ = 0;
  std::uint64_t room_ = 0;
};

Status WritePartition(std::uint32_t number, const PlannedPartition& blocks, std::span<const ColumnType> types,
                      FileWriter& writer, PartitionFacts& facts) {
  XXH3_state_t order;
  XXH3_64bits_reset(&order);
  for (const Planned& block : blocks) {
    const std::span<std::byte> out = writer.Next(block.bytes);
    if (block.spill_file >= 0) {
      RETURN_IF_ERROR(ReadAt(block.spill_file, out, block.spill_offset));
    } else {
      EncodeBlock(number, types, block.parts, out.data());
    }
    const std::uint64_t checksum = BlockChecksum(out);
    XXH3_64bits_update(&order, &checksum, sizeof checksum);
    RETURN_IF_ERROR(writer.FlushIfLarge());
  }
  facts.order_digest = XXH3_64bits_digest(&order);
  return OkStatus();
}

std::string Hex(const XXH128_hash_t& hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

}  // namespace

std::string FoldedDigest(std::span<const PartitionFacts> partitions) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (const PartitionFacts& facts : partitions) {
    const std::uint64_t words[3] = {facts.rows, facts.digest.low, facts.digest.high};
    XXH3_128bits_update(&state, words, sizeof words);
  }
  return Hex(XXH3_128bits_digest(&state));
}

std::string FoldedOrderDigest(std::span<const PartitionFacts> partitions) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (const PartitionFacts& facts : partitions) {
    const std::uint64_t words[2] = {facts.blocks, facts.order_digest};
    XXH3_128bits_update(&state, words, sizeof words);
  }
  return Hex(XXH3_128bits_digest(&state));
}

Lane::Lane(const MapWriterOptions& options, std::atomic<std::uint64_t>& used)
    : buffers_(std::make_unique<Buffers>(options, used)),
      watch_(options.keys.empty() ? nullptr : std::make_unique<KeyWatch>(options)) {}
Lane::~Lane() = default;

Status Lane::Append(std::span<const std::uint32_t> partition_of, std::span<const ColumnInput> columns) {
  try {
    return buffers_->Append(partition_of, columns);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted(
        "Out of memory while rows were buffered for the shuffle; give the task more memory");
  }
}

void Lane::Watch(std::span<const std::uint64_t> hashes, std::span<const ColumnInput> columns) {
  if (watch_ != nullptr) watch_->Add(hashes, columns);
}

MapWriter::MapWriter(MapWriterOptions options) : options_(std::move(options)) {
  MILLRACE_CHECK(options_.partitions > 0 && !options_.types.empty());
}
MapWriter::~MapWriter() = default;

Lane* MapWriter::AddLane() {
  auto lane = std::unique_ptr<Lane>(new Lane(options_, used_));
  const std::lock_guard lock(mutex_);
  return lanes_.emplace_back(std::move(lane)).get();
}

std::uint64_t MapWriter::Bytes() const {
  std::uint64_t bytes = used_;
  for (const auto& lane : lanes_) bytes += lane->buffers_->spilled_bytes();
  return bytes;
}

// Of each partition, in all lanes, spilled or not.
std::vector<std::uint64_t> MapWriter::PartitionBytes() const {
  std::vector<std::uint64_t> bytes(options_.partitions);
  for (const auto& lane : lanes_) {
    for (std::uint32_t partition = 0; partition < options_.partitions; ++partition) {
      for (const Run& run : lane->buffers_->runs(partition)) bytes[partition] += run.bytes;
      for (const SpilledBlock& block : lane->buffers_->spilled(partition)) bytes[partition] += block.bytes;
    }
  }
  return bytes;
}

StatusOr<FinishedOutput> MapWriter::Finish(const OutputKey& key, Fence fence, int threads) {
  FinishedOutput output;
  output.partitions.resize(options_.partitions);
  std::vector<PlannedPartition> plan(options_.partitions);
  MapFileHead head{key, fence, {}};
  std::uint64_t offset = MapFileHeadBytes(options_.partitions);
  for (const auto& lane : lanes_) {
    lane->buffers_->Close();
    output.spilled_bytes += lane->buffers_->spilled_bytes();
  }
  const std::vector<std::uint64_t> block_sizes = BlockSizes(PartitionBytes());
  std::deque<RowsPart> divided;
  for (std::uint32_t partition = 0; partition < options_.partitions; ++partition) {
    PartitionFacts& facts = output.partitions[partition];
    std::vector<const Run*> runs;
    for (const auto& lane : lanes_) {
      const Lane::Buffers& buffers = *lane->buffers_;
      facts.rows += buffers.rows(partition);
      facts.digest.low += buffers.digest(partition).low;
      facts.digest.high += buffers.digest(partition).high;
      for (const SpilledBlock& block : buffers.spilled(partition)) {
        plan[partition].push_back({{}, block.bytes, buffers.spill_file(), block.offset});
      }
      for (const Run& run : buffers.runs(partition)) runs.push_back(&run);
    }
    for (auto& parts : PlanBlocks(options_.types, runs, block_sizes[partition], divided)) {
      const std::uint64_t bytes = EncodedBytes(options_.types, parts);
      plan[partition].push_back({.parts = std::move(parts), .bytes = bytes});
    }
    head.index.push_back(static_cast<std::int64_t>(offset));
    for (const Planned& block : plan[partition]) facts.bytes += block.bytes;
    facts.blocks = static_cast<std::uint32_t>(plan[partition].size());
    offset += facts.bytes;
  }
  head.index.push_back(static_cast<std::int64_t>(offset));
  output.bytes = offset;
  output.in_memory = output.bytes <= options_.memory_bytes;
  ASSIGN_OR_RETURN(output.file, CreateOutput(output.in_memory, options_.folder));
  const int fd = output.file.get();
  RETURN_IF_ERROR(WriteAt(fd, EncodeMapFileHead(head), 0));

  // Every thread takes neighbouring partitions of about an eighth of its share at a time: one run of writes
  // each.
  const std::uint64_t share = output.bytes / (static_cast<std::uint64_t>(std::max(1, threads)) * 8) + 1;
  std::vector<std::uint32_t> starts;
  for (std::uint32_t partition = 0; partition < options_.partitions;) {
    starts.push_back(partition);
    const std::int64_t begin = head.index[partition];
    while (partition < options_.partitions &&
           head.index[partition] - begin < static_cast<std::int64_t>(share)) {
      ++partition;
    }
  }
  starts.push_back(options_.partitions);
  std::atomic<std::size_t> next = 0;
  std::mutex failed_mutex;
  Status failed;
  const auto write_group = [&](std::size_t group) -> Status {
    try {
      FileWriter writer(fd, static_cast<std::uint64_t>(head.index[starts[group]]));
      for (std::uint32_t partition = starts[group]; partition < starts[group + 1]; ++partition) {
        RETURN_IF_ERROR(
            WritePartition(partition, plan[partition], options_.types, writer, output.partitions[partition]));
      }
      return writer.Flush();
    } catch (const std::bad_alloc&) {
      return ResourceExhausted("Out of memory while shuffle blocks were written; give the task more memory");
    }
  };
  const auto work = [&] {
    for (std::size_t group = next++; group + 1 < starts.size(); group = next++) {
      const Status status = write_group(group);
      if (status.ok()) continue;
      const std::lock_guard lock(failed_mutex);
      if (failed.ok()) failed = status;
      return;
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < threads && starts.size() > 2; ++i) helpers.emplace_back(work);
    work();
  }
  if (!failed.ok()) return failed.WithContext("Map output not written");
  RETURN_IF_ERROR(SealOutput(fd));
  std::vector<KeyWatch*> watches;
  for (const auto& lane : lanes_) {
    if (lane->watch_ != nullptr) watches.push_back(lane->watch_.get());
  }
  output.heavy = Heaviest(watches);
  return output;
}

}  // namespace millrace::shuffle
