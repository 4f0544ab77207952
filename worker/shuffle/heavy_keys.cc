#include "worker/shuffle/heavy_keys.h"

#include <algorithm>

#include "core/model/partition.h"

namespace millrace::shuffle {
namespace {

// Twice as many keys as counters fit before the table is thinned out, and it is never more than half full.
constexpr std::size_t kSlots = 4 * HeavyKeys::kCounters;
constexpr std::size_t kMost = 2 * HeavyKeys::kCounters;

}  // namespace

HeavyKeys::HeavyKeys() : slots_(kSlots) {}

HeavyKeys::Counter& HeavyKeys::Slot(std::uint64_t hash) {
  std::size_t at = Mix64(hash) % kSlots;
  while (slots_[at].count != 0 && slots_[at].hash != hash) at = (at + 1) % kSlots;
  return slots_[at];
}

std::uint64_t HeavyKeys::AddCounted(std::uint64_t hash, std::uint64_t bytes, std::uint64_t error) {
  if (bytes == 0) return 0;
  Counter& counter = Slot(hash);
  if (counter.count != 0) {
    counter.count += bytes;
    counter.error += error;
    return counter.count - counter.error;
  }
  counter = {hash, least_ + bytes, least_ + error};
  if (++used_ == kMost) Thin();
  return bytes - error;
}

void HeavyKeys::Thin() {
  std::vector<Counter> all;
  for (const Counter& counter : slots_) {
    if (counter.count != 0) all.push_back(counter);
  }
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(kCounters);
  std::nth_element(all.begin(), end, all.end(), [](const Counter& a, const Counter& b) { return a.count > b.count; });
  least_ = std::max(least_, end->count);
  all.erase(end, all.end());
  std::fill(slots_.begin(), slots_.end(), Counter{});
  for (const Counter& counter : all) Slot(counter.hash) = counter;
  used_ = all.size();
}

void HeavyKeys::Merge(const HeavyKeys& other) {
  for (const Counter& counter : other.slots_) AddCounted(counter.hash, counter.count, counter.error);
  total_ += other.total_;
}

std::vector<HeavyKeys::Key> HeavyKeys::Top(std::size_t most) const {
  std::vector<Key> keys;
  for (const Counter& counter : slots_) {
    if (counter.count > counter.error) keys.push_back({counter.hash, counter.count - counter.error});
  }
  const auto heavier = [](const Key& a, const Key& b) { return a.bytes != b.bytes ? a.bytes > b.bytes : a.hash < b.hash; };
  const std::size_t count = std::min(most, keys.size());
  std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(count), keys.end(), heavier);
  keys.resize(count);
  return keys;
}

}  // namespace millrace::shuffle
