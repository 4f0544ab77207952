#include "scheduler/jobs/rules/spread.h"

#include <algorithm>
#include <set>

namespace millrace::jobs {
namespace {

constexpr std::int64_t kBytesPerPartition = 64 << 20;
constexpr std::int64_t kLeastPerPartition = 1 << 20;
constexpr std::int64_t kPartitionsPerSlot = 10;  // of that size, in its memory
// A map's combine has what it reads in memory, unpacked.
constexpr std::int64_t kMapTasksInMemory = 4;
// About a second of work for a slot.
constexpr std::int64_t kBytesPerMapTask = 256 << 20;
constexpr std::int32_t kMapTasksPerSlot = 4;

std::int32_t Ceil(std::int64_t bytes, std::int64_t unit) { return static_cast<std::int32_t>((bytes + unit - 1) / unit); }

}  // namespace

SpreadChoice Spread(const std::vector<Split>& all, std::int32_t workers, std::int32_t slots, std::int64_t slot_bytes) {
  const auto splits = static_cast<std::int32_t>(std::min<std::size_t>(all.size(), kMaxMapTasks));
  std::set<std::string> paths;
  std::int64_t bytes = 0;
  std::int32_t files = 0;
  for (const Split& split : all) {
    if (paths.insert(split.path).second) files += split.files;
    bytes += split.bytes;
  }
  const std::int32_t least = std::min(files, workers);
  const std::int32_t held = slot_bytes > 0 ? Ceil(bytes, std::max<std::int64_t>(slot_bytes / kMapTasksInMemory, 1)) : 1;
  const std::int32_t wanted =
      std::max(held, std::clamp(Ceil(bytes, kBytesPerMapTask), std::max(slots, 1), std::max(slots, 1) * kMapTasksPerSlot));
  SpreadChoice choice;
  choice.tasks = std::max(1, std::min(splits, std::max(wanted, least)));
  choice.decision = {"spread", std::to_string(choice.tasks) + " tasks",
                     std::to_string(splits) + " splits of " + Bytes(static_cast<double>(bytes)) + " in " + std::to_string(files) +
                         " files, " + std::to_string(workers) + " workers with " + std::to_string(slots) + " slots"};
  return choice;
}

std::int64_t TargetBytes(std::int64_t slot_bytes) {
  if (slot_bytes <= 0) return kBytesPerPartition;
  return std::clamp(slot_bytes / kPartitionsPerSlot, kLeastPerPartition, kBytesPerPartition);
}

std::int32_t PartitionsOf(std::int32_t asked, std::int64_t bytes, std::int32_t slots, std::int64_t slot_bytes) {
  if (asked > 0) return std::min(asked, kMaxPartitions);
  return std::clamp(Ceil(bytes, TargetBytes(slot_bytes)), std::max(slots, 1), kMaxPartitions);
}

std::vector<std::vector<Split>> Deal(const std::vector<Split>& splits, std::int32_t tasks) {
  std::vector<std::vector<Split>> dealt(static_cast<std::size_t>(std::max(tasks, 1)));
  std::int64_t left = 0;
  for (const Split& split : splits) left += split.bytes;
  std::size_t next = 0;
  for (std::size_t task = 0; task < dealt.size(); ++task) {
    const auto tasks_left = static_cast<std::int64_t>(dealt.size() - task);
    const std::int64_t share = left / tasks_left;
    std::int64_t taken = 0;
    // Each later task must still find a split.
    while (next < splits.size() && (dealt[task].empty() || static_cast<std::int64_t>(splits.size() - next) >= tasks_left)) {
      const std::int64_t bytes = splits[next].bytes;
      const bool last_task = tasks_left == 1;
      if (!dealt[task].empty() && !last_task && taken + bytes / 2 > share) break;
      dealt[task].push_back(splits[next]);
      taken += bytes;
      ++next;
    }
    left -= taken;
  }
  return dealt;
}

}  // namespace millrace::jobs
