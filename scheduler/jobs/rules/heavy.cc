#include "scheduler/jobs/rules/heavy.h"

#include <algorithm>
#include <map>

namespace millrace::jobs {

std::vector<HeavyKey> Heaviest(const std::vector<const MapResult*>& maps, std::size_t most) {
  std::map<std::uint64_t, HeavyKey> by_hash;
  for (const MapResult* map : maps) {
    for (const HeavyKey& key : map->heavy) {
      HeavyKey& sum = by_hash[key.hash];
      sum.hash = key.hash;
      sum.bytes += key.bytes;
      if (sum.text.empty()) sum.text = key.text;
    }
  }
  std::vector<HeavyKey> keys;
  for (auto& [hash, key] : by_hash) keys.push_back(std::move(key));
  std::stable_sort(keys.begin(), keys.end(), [](const HeavyKey& a, const HeavyKey& b) { return a.bytes > b.bytes; });
  if (keys.size() > most) keys.resize(most);
  return keys;
}

}  // namespace millrace::jobs
