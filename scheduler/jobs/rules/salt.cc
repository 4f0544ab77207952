#include "scheduler/jobs/rules/salt.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "scheduler/jobs/rules/spread.h"

namespace millrace::jobs {
namespace {

constexpr double kHeavy = 1.25;  // times what a partition has of the other keys
constexpr std::int32_t kMostOfOneKey = 256;

std::string Percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

}  // namespace

SaltChoice Salt(const StageSalt& salt, std::int32_t partitions, bool earlier) {
  SaltChoice choice;
  if (salt.partitions == 0 || salt.sampled_bytes <= 0 || partitions < 2) return choice;
  std::vector<HeavyKey> heavy = salt.heavy;
  std::stable_sort(heavy.begin(), heavy.end(), [](const HeavyKey& a, const HeavyKey& b) { return a.bytes > b.bytes; });
  const auto share = [&](const HeavyKey& key) { return static_cast<double>(key.bytes) / static_cast<double>(salt.sampled_bytes); };
  // What is left for a partition when the keys before it are taken out says whether the next one is heavy, too.
  double rest = 1;
  std::size_t count = 0;
  while (count < heavy.size() && share(heavy[count]) > kHeavy * (rest - share(heavy[count])) / partitions) rest -= share(heavy[count++]);
  if (count == 0) return choice;
  const double usual = std::max(rest / partitions, 1e-6);
  double largest = usual;  // of what a partition has then
  for (std::size_t i = 0; i < count; ++i) {
    std::int32_t parts = salt.partitions;
    if (parts < 0) parts = static_cast<std::int32_t>(std::ceil(std::min(share(heavy[i]) / (kHeavy * usual), double{kMostOfOneKey})));
    if (parts < 2) continue;
    if (partitions + choice.partitions + parts > kMaxPartitions) break;
    choice.salts.push_back({.hash = heavy[i].hash, .first = partitions + choice.partitions, .count = parts});
    choice.partitions += parts;
    largest = std::max(largest, share(heavy[i]) / parts);
  }
  if (choice.salts.empty()) return choice;
  const std::string others = choice.salts.size() == 1 ? "" : ", and others";
  const std::string sampled = earlier ? Bytes(static_cast<double>(salt.sampled_bytes)) + " that the last run shuffled"
                                      : std::to_string(salt.sampled_bytes) + " sampled rows";
  choice.decision = {"salt", std::to_string(choice.salts.size()) + " heavy keys in " + std::to_string(choice.partitions) + " partitions of their own",
                     heavy[0].text + " has " + Percent(share(heavy[0])) + " of " + sampled + others +
                         "; no partition gets more than about " + Percent(largest)};
  return choice;
}

}  // namespace millrace::jobs
