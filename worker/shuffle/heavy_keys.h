// Which keys many rows have: Space-Saving over the hashes of keys, weighted by bytes, in a table that is thinned out when it is
// full (the counters that then go set the least that a new one begins with). What it says of a key is never more than the key
// has, and less by at most total / kCounters. One thread; lanes have one each, and the writer puts them together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace millrace::shuffle {

class HeavyKeys {
 public:
  static constexpr std::size_t kCounters = 4096;

  struct Key {
    std::uint64_t hash = 0;
    std::uint64_t bytes = 0;
  };

  HeavyKeys();
  // Gives what is known of the key, with this.
  std::uint64_t Add(std::uint64_t hash, std::uint64_t bytes) {
    total_ += bytes;
    return AddCounted(hash, bytes, 0);
  }
  void Merge(const HeavyKeys& other);
  // The heaviest first; equal ones by hash.
  std::vector<Key> Top(std::size_t most) const;
  std::uint64_t total() const { return total_; }

 private:
  struct Counter {
    std::uint64_t hash = 0;
    std::uint64_t count = 0;  // of bytes, too many rather than too few; 0: the slot is free
    std::uint64_t error = 0;  // that many too many at most
  };

  std::uint64_t AddCounted(std::uint64_t hash, std::uint64_t bytes, std::uint64_t error);
  Counter& Slot(std::uint64_t hash);
  void Thin();

  std::vector<Counter> slots_;
  std::size_t used_ = 0;
  std::uint64_t least_ = 0;  // a key that has no counter has at most this
  std::uint64_t total_ = 0;
};

}  // namespace millrace::shuffle
