// Memory that is handed out piece by piece and given back all at once: the buffers of a lane. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace millrace::shuffle {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { Reset(); }

  // Aligned to 16 bytes, not initialised. Throws std::bad_alloc.
  std::byte* Allocate(std::uint64_t bytes);
  void Reset();
  std::uint64_t used() const { return used_; }

 private:
  std::byte* next_ = nullptr;
  std::uint64_t left_ = 0;
  std::uint64_t used_ = 0;
  std::vector<std::pair<void*, std::size_t>> chunks_;
};

}  // namespace millrace::shuffle
