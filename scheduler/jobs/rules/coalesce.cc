#include "scheduler/jobs/rules/coalesce.h"

#include <algorithm>

namespace millrace::jobs {
namespace {

constexpr std::int64_t kTargetBytes = 64 << 20;
// What is reduced in the time that a task takes for itself: to start, to sync its file, to be told of.
constexpr std::int64_t kLeastBytes = 4 << 20;

}  // namespace

CoalesceChoice Coalesce(const std::vector<PartitionSize>& partitions, bool fixed, std::int32_t slots) {
  const auto count = static_cast<std::int32_t>(partitions.size());
  CoalesceChoice choice;
  std::int64_t total = 0;
  for (const PartitionSize& partition : partitions) total += partition.bytes;
  // Never so large that slots stay empty, unless there is too little for all of them.
  const std::int64_t target = std::clamp(total / std::max(slots, 1), kLeastBytes, kTargetBytes);
  std::int64_t bytes = 0;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int64_t size = partitions[static_cast<std::size_t>(i)].bytes;
    if (i == 0 || fixed || bytes + size > target) {
      choice.begins.push_back(i);
      bytes = 0;
    }
    bytes += size;
  }
  const std::string tasks = std::to_string(choice.begins.size()) + " tasks for " + std::to_string(count) + " partitions";
  choice.decision = {"coalesce", tasks,
                     fixed ? "the job gives a number of partitions"
                           : Bytes(static_cast<double>(total)) + " shuffled, target " + Bytes(static_cast<double>(target)) + " a task"};
  return choice;
}

}  // namespace millrace::jobs
