#include "worker/shuffle/map_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/shuffle/block.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::shuffle {
namespace {

constexpr std::uint32_t kFileMagic = 0x4f4d524d;  // "MRMO"
constexpr std::uint32_t kFileVersion = 1;
// Beyond the 2,000 a job may have; bounds what a corrupt header can make a reader allocate.
constexpr std::uint32_t kMaxPartitions = 1 << 16;

struct Header {
  std::uint32_t magic;
  std::uint32_t version;
  std::int64_t run;
  std::int32_t index;
  std::int32_t try_number;
  std::int32_t stage;
  std::int32_t map_index;
  std::uint32_t term;
  std::uint32_t partitions;
  std::uint64_t counter;
  std::uint64_t file_bytes;
  std::uint64_t checksum;
};
static_assert(sizeof(Header) == 64 && offsetof(Header, checksum) == 56);

// Of header (without the checksum) and index.
std::uint64_t Checksum(const Header& header, std::span<const std::int64_t> index) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, &header, offsetof(Header, checksum));
  XXH3_64bits_update(&state, index.data(), index.size_bytes());
  return XXH3_64bits_digest(&state);
}

Status CorruptOutput(std::string_view what) {
  return DataLoss("Map output is corrupt (" + std::string(what) + "); it must be made again");
}

}  // namespace

std::string ToString(const OutputKey& key) {
  return "run " + std::to_string(ToInt(key.job.instance.run)) + ", task " +
         std::to_string(key.job.instance.index) + ", try " + std::to_string(key.job.try_number) + ", stage " +
         std::to_string(key.stage) + ", map " + std::to_string(key.map_index);
}

std::vector<std::byte> EncodeMapFileHead(const MapFileHead& head) {
  Header header{kFileMagic,
                kFileVersion,
                ToInt(head.key.job.instance.run),
                head.key.job.instance.index,
                head.key.job.try_number,
                head.key.stage,
                head.key.map_index,
                head.fence.term,
                head.partitions(),
                head.fence.counter,
                head.file_bytes(),
                0};
  header.checksum = Checksum(header, head.index);
  std::vector<std::byte> bytes(MapFileHeadBytes(head.partitions()));
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, head.index.data(), head.index.size() * sizeof(std::int64_t));
  return bytes;
}

StatusOr<MapFileHead> ReadMapFileHead(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return ErrnoStatus(errno, "stat a map output");
  Header header;
  RETURN_IF_ERROR(ReadAt(fd, std::as_writable_bytes(std::span(&header, 1)), 0));
  if (header.magic != kFileMagic || header.version != kFileVersion) return CorruptOutput("not of this version");
  if (header.partitions == 0 || header.partitions > kMaxPartitions)
    return CorruptOutput("its number of partitions");
  MapFileHead head;
  head.index.resize(header.partitions + 1);
  RETURN_IF_ERROR(ReadAt(fd, std::as_writable_bytes(std::span(head.index)), sizeof header));
  if (Checksum(header, head.index) != header.checksum) return CorruptOutput("the checksum of its index");
  std::int64_t last = static_cast<std::int64_t>(MapFileHeadBytes(header.partitions));
  for (const std::int64_t offset : head.index) {
    if (offset < last || offset % 8 != 0) return CorruptOutput("its offsets");
    last = offset;
  }
  if (head.file_bytes() != header.file_bytes || facts.st_size < head.index.back()) return CorruptOutput("its size");
  head.key = {{{RunKey{header.run}, header.index}, header.try_number}, header.stage, header.map_index};
  head.fence = {header.term, header.counter};
  return head;
}

StatusOr<Descriptor> CreateOutput(bool in_memory, const std::string& folder) {
  if (in_memory) {
    Descriptor memory(::memfd_create("millrace-shuffle", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory.valid()) return ErrnoStatus(errno, "create a memfd for a map output");
    return memory;
  }
  // O_TMPFILE: no name, so nothing is left behind however this process ends.
  Descriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.valid()) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR) return ErrnoStatus(errno, "create a spill file in " + folder);
  std::string name = folder + "/spill-XXXXXX";
  Descriptor named(::mkostemp(name.data(), O_CLOEXEC));
  if (!named.valid()) return ErrnoStatus(errno, "create a spill file in " + folder);
  ::unlink(name.c_str());
  return named;
}

Status SealOutput(int fd) {
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
    return OkStatus();
  if (errno == EINVAL || errno == EPERM) return OkStatus();  // a file; EPERM is what one on tmpfs says
  return ErrnoStatus(errno, "seal a map output");
}

Status WriteAt(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write shuffle blocks");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return OkStatus();
}

Status ReadAt(int fd, std::span<std::byte> out, std::uint64_t offset) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read shuffle blocks");
    if (got == 0) return CorruptOutput("it ends too early");
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return OkStatus();
}

StatusOr<FileRange> FindBlocks(int fd, const MapFileHead& head, PartitionRange range) {
  const bool cut = range.cut_end != 0;
  if (range.begin > range.end || range.end > head.partitions() || range.cut_begin < 0 ||
      range.cut_begin > range.cut_end || (cut && range.end != range.begin + 1)) {
    return InvalidArgument("Partitions " + std::to_string(range.begin) + " to " + std::to_string(range.end) +
                           ", bytes " + std::to_string(range.cut_begin) + " to " + std::to_string(range.cut_end) +
                           ", were asked of a map output that has " + std::to_string(head.partitions()) +
                           " partitions");
  }
  const auto begin = static_cast<std::uint64_t>(head.index[range.begin]);
  const auto end = static_cast<std::uint64_t>(head.index[range.end]);
  if (!cut) return FileRange{begin, end};
  // A cut ends where the next one begins: at the first block that begins at or after its last byte.
  FileRange found{end, end};
  std::byte bytes[kBlockHeadBytes];
  for (std::uint64_t at = begin; at < end;) {
    const auto place = static_cast<std::int64_t>(at - begin);
    if (place >= range.cut_begin && found.begin == end) found.begin = at;
    if (place >= range.cut_end) {
      found.end = at;
      break;
    }
    if (end - at < kBlockHeadBytes) return CorruptOutput("the head of a block");
    RETURN_IF_ERROR(ReadAt(fd, bytes, at));
    ASSIGN_OR_RETURN(const BlockHead block, ReadBlockHead(bytes, end - at));
    at += block.bytes;
  }
  return found;
}

BlockBytes::BlockBytes(BlockBytes&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_(std::exchange(other.mapped_, 0)),
      owned_(std::move(other.owned_)),
      bytes_(std::exchange(other.bytes_, {})) {}

BlockBytes& BlockBytes::operator=(BlockBytes&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_, other.mapped_);
  std::swap(owned_, other.owned_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

BlockBytes::~BlockBytes() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_);
}

StatusOr<BlockBytes> BlockBytes::Map(int fd, const MapFileHead& head, PartitionRange range) {
  ASSIGN_OR_RETURN(const FileRange blocks, FindBlocks(fd, head, range));
  const auto [begin, end] = blocks;
  BlockBytes result;
  if (begin == end) return result;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t from = begin / page * page;
  result.mapped_ = end - from;
  void* mapping = ::mmap(nullptr, result.mapped_, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(from));
  if (mapping == MAP_FAILED) return ErrnoStatus(errno, "map a map output");
  result.mapping_ = mapping;
  result.bytes_ = {static_cast<const std::byte*>(mapping) + (begin - from), end - begin};
  return result;
}

BlockBytes BlockBytes::Own(std::vector<std::byte> bytes) {
  BlockBytes result;
  result.owned_ = std::move(bytes);
  result.bytes_ = result.owned_;
  return result;
}

}  // namespace millrace::shuffle
