#include "scheduler/jobs/rules/coalesce.h"

#include <algorithm>

#include "scheduler/jobs/rules/spread.h"

namespace millrace::jobs {
namespace {

// What is reduced in the time that a task takes for itself: to start, to sync its file, to be told of.
constexpr std::int64_t kLeastTarget = 4 << 20;

}  // namespace

std::int64_t CoalesceTarget(std::int64_t total, std::int32_t slots, std::int64_t slot_bytes) {
  const std::int64_t most = TargetBytes(slot_bytes);
  // Never so large that slots stay empty, unless there is too little for all of them.
  return std::clamp(total / std::max(slots, 1), std::min(kLeastTarget, most), most);
}

CoalesceChoice Coalesce(const std::vector<PartitionSize>& partitions, bool fixed, std::int32_t slots,
                        const std::vector<bool>& without, std::int64_t slot_bytes) {
  CoalesceChoice choice;
  std::int64_t total = 0;
  std::size_t count = 0;
  const auto skipped = [&](std::size_t i) { return i < without.size() && without[i]; };
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    total += skipped(i) ? 0 : partitions[i].bytes;
    count += skipped(i) ? 0 : 1;
  }
  const std::int64_t target = CoalesceTarget(total, slots, slot_bytes);
  std::int64_t bytes = 0;
  bool open = false;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const std::int64_t size = partitions[i].bytes;
    if (skipped(i)) {
      open = false;
      continue;
    }
    if (!open || fixed || bytes + size > target) {
      choice.begins.push_back(static_cast<std::int32_t>(i));
      choice.ends.push_back(0);
      bytes = 0;
      open = true;
    }
    bytes += size;
    choice.ends.back() = static_cast<std::int32_t>(i) + 1;
  }
  const std::string tasks = std::to_string(choice.begins.size()) + " tasks for " + std::to_string(count) + " partitions";
  choice.decision = {"coalesce", tasks,
                     fixed ? "the job gives a number of partitions"
                           : Bytes(static_cast<double>(total)) + " shuffled, target " + Bytes(static_cast<double>(target)) + " a task"};
  return choice;
}

}  // namespace millrace::jobs
