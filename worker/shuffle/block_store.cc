#include "worker/shuffle/block_store.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace millrace::shuffle {
namespace {

// Late outputs come from attempts that were running when their job ended, so few jobs back suffices.
constexpr std::size_t kRememberedJobs = 4096;
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

StatusOr<Descriptor> CopyToFile(int source, std::uint64_t bytes, const std::string& folder) {
  ASSIGN_OR_RETURN(Descriptor file, CreateOutput(false, folder));
  std::vector<std::byte> buffer(std::min<std::uint64_t>(bytes, kCopyBytes));
  for (std::uint64_t at = 0; at < bytes; at += buffer.size()) {
    const std::span<std::byte> piece =
        std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), bytes - at));
    RETURN_IF_ERROR(ReadAt(source, piece, at));
    RETURN_IF_ERROR(WriteAt(file.get(), piece, at));
  }
  return file;
}

}  // namespace

Status LostOutput(const OutputKey& key, Fence fence) {
  return NotFound("Map output is lost and must be made again: " + ToString(key) + ", attempt " +
                  millrace::ToString(fence));
}

BlockStore::BlockStore(BlockStoreOptions options) : options_(std::move(options)) {}

Status BlockStore::Put(const OutputKey& key, Fence fence, Descriptor file) {
  ASSIGN_OR_RETURN(const MapFileHead head, ReadMapFileHead(file.get()));
  if (head.key != key || head.fence != fence)
    return DataLoss("Map output is another than announced: " + ToString(key));
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  const int seals = ::fcntl(file.get(), F_GET_SEALS);
  // A file has no seals; one on tmpfs has the one that forbids them.
  Held held{fence, std::move(file), seals >= 0 && seals != F_SEAL_SEAL, head.file_bytes()};
  if (held.in_memory && (seals & kSeals) != kSeals) {
    return FailedPrecondition("Map output is not sealed, so readers could not trust it: " + ToString(key));
  }
  std::unique_lock lock(mutex_);
  if (held.in_memory && usage_.memory_bytes + held.bytes > options_.memory_bytes) {
    lock.unlock();  // the copy takes time that readers should not wait
    ASSIGN_OR_RETURN(held.file, CopyToFile(held.file.get(), held.bytes, options_.folder));
    held.in_memory = false;
    lock.lock();
  }
  if (ended_.contains(key.job)) return Aborted("Map output came after its job had ended: " + ToString(key));
  const auto found = outputs_.find(key);
  if (found != outputs_.end()) {
    if (found->second.fence > fence) {
      return FailedPrecondition("Map output of a younger attempt is here already: " + ToString(key));
    }
    Count(found->second, false);
  }
  Count(held, true);
  outputs_.insert_or_assign(key, std::move(held));
  return OkStatus();
}

StatusOr<Descriptor> BlockStore::Find(const OutputKey& key, Fence fence) const {
  const std::lock_guard lock(mutex_);
  const auto found = outputs_.find(key);
  if (found == outputs_.end() || found->second.fence != fence) return LostOutput(key, fence);
  Descriptor file(::fcntl(found->second.file.get(), F_DUPFD_CLOEXEC, 0));
  if (!file.valid()) return ErrnoStatus(errno, "duplicate a map output's descriptor");
  return file;
}

void BlockStore::DropJob(const JobKey& job) {
  const std::lock_guard lock(mutex_);
  std::erase_if(outputs_, [&](const auto& entry) {
    if (entry.first.job != job) return false;
    Count(entry.second, false);
    return true;
  });
  ended_.insert(job);
  if (ended_.size() > kRememberedJobs) ended_.erase(ended_.begin());
}

BlockStore::Usage BlockStore::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

void BlockStore::Count(const Held& held, bool add) {
  const std::uint64_t sign = add ? 1 : ~std::uint64_t{0};
  usage_.outputs += sign;
  (held.in_memory ? usage_.memory_bytes : usage_.file_bytes) += sign * held.bytes;
}

}  // namespace millrace::shuffle
