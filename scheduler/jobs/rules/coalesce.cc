#include "scheduler/jobs/rules/coalesce.h"

#include <algorithm>

namespace millrace::jobs {
namespace {

constexpr std::int64_t kTargetBytes = 64 << 20;
// What is reduced in the time that a task takes for itself: to start, to sync its file, to be told of.
constexpr std::int64_t kLeastBytes = 4 << 20;

}  // namespace

std::int64_t CoalesceTarget(std::int64_t total, std::int32_t slots) {
  // Never so large that slots stay empty, unless there is too little for all of them.
  return std::clamp(total / std::max(slots, 1), kLeastBytes, kTargetBytes);
}

CoalesceChoice Coalesce(const std::vector<PartitionSize>& partitions, bool fixed, std::int32_t slots,
                        const std::vector<bool>& without) {
  CoalesceChoice choice;
  std::int64_t total = 0;
  std::size_t count = 0;
  const auto skipped = [&](std::size_t i) { return i < without.size() && without[i]; };
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    total += skipped(i) ? 0 : partitions[i].bytes;
    count += skipped(i) ? 0 : 1;
  }
  const std::int64_t target = CoalesceTarget(total, slots);
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
