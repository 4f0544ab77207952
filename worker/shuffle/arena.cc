#include "worker/shuffle/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace millrace::shuffle {
namespace {

constexpr std::uint64_t kChunk = std::uint64_t{4} << 20;

}  // namespace

std::byte* Arena::Allocate(std::uint64_t bytes) {
  bytes = (bytes + 15) & ~std::uint64_t{15};
  if (bytes > left_) {
    const std::uint64_t size = std::max(bytes, kChunk);
    void* chunk = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) throw std::bad_alloc();
    chunks_.emplace_back(chunk, size);
    // The second chunk and later: a lane with few rows stays small, a busy one takes a fault every 2 MiB, not
    // every 4 KiB.
    if (chunks_.size() > 1) ::madvise(chunk, size, MADV_HUGEPAGE);
    next_ = static_cast<std::byte*>(chunk);
    left_ = size;
  }
  std::byte* result = next_;
  next_ += bytes;
  left_ -= bytes;
  used_ += bytes;
  return result;
}

void Arena::Reset() {
  for (const auto& [chunk, size] : chunks_) ::munmap(chunk, size);
  chunks_.clear();
  next_ = nullptr;
  left_ = 0;
  used_ = 0;
}

}  // namespace millrace::shuffle
