#include "scheduler/jobs/rules/cut.h"

#include <algorithm>
#include <cstdio>
#include <limits>

#include "scheduler/jobs/rules/coalesce.h"

namespace millrace::jobs {
namespace {

constexpr double kHot = 1.25;  // times the median
// The least that is worth a task of its own: where the author gave the partitions, and where they are ours.
constexpr std::int64_t kLeastBytes = 16 << 10;
constexpr double kRate = 400e6;  // bytes that a slot reduces in a second
constexpr double kWorthSeconds = 0.05;  // more than a second barrier and some tasks take
constexpr std::int64_t kMostTasks = 256;  // of one partition

std::vector<PartitionSize> SizesOf(const std::vector<const MapResult*>& maps, std::size_t partitions) {
  std::vector<PartitionSize> sizes(partitions);
  for (const MapResult* map : maps) {
    for (std::size_t p = 0; p < std::min(partitions, map->partitions.size()); ++p) {
      sizes[p].bytes += map->partitions[p].bytes;
      sizes[p].rows += map->partitions[p].rows;
    }
  }
  return sizes;
}

// Of those that have any rows.
std::int64_t Median(const std::vector<PartitionSize>& sizes) {
  std::vector<std::int64_t> used;
  for (const PartitionSize& size : sizes) {
    if (size.bytes > 0) used.push_back(size.bytes);
  }
  if (used.empty()) return 0;
  const auto middle = used.begin() + static_cast<std::ptrdiff_t>(used.size() / 2);
  std::nth_element(used.begin(), middle, used.end());
  return *middle;
}

std::int64_t Total(const std::vector<PartitionSize>& sizes) {
  std::int64_t total = 0;
  for (const PartitionSize& size : sizes) total += size.bytes;
  return total;
}

// The places that divide what the maps wrote of a partition, one after the other, into `tasks` equal parts.
std::vector<CutPoint> Points(const std::vector<const MapResult*>& maps, std::size_t partition, std::int64_t tasks) {
  std::int64_t total = 0;
  for (const MapResult* map : maps) total += map->partitions[partition].bytes;
  std::vector<CutPoint> points;
  std::int64_t before = 0;
  std::int64_t next = 1;
  for (const MapResult* map : maps) {
    const std::int64_t bytes = map->partitions[partition].bytes;
    for (; next < tasks && total * next / tasks < before + bytes; ++next) {
      points.push_back({map->output.map_index, total * next / tasks - before});
    }
    before += bytes;
  }
  return points;
}

std::string Times(std::int64_t bytes, std::int64_t usual) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / static_cast<double>(std::max<std::int64_t>(usual, 1)));
  return text;
}

std::string Size(std::int64_t bytes) { return Bytes(static_cast<double>(bytes)); }

}  // namespace

std::vector<TaskShare> SharesOf(const HotPartition& partition, std::int32_t group) {
  std::vector<TaskShare> shares;
  CutPoint from;
  for (std::size_t i = 0; i <= partition.points.size(); ++i) {
    const CutPoint end{.map = std::numeric_limits<std::int32_t>::max()};
    const CutPoint to = i < partition.points.size() ? partition.points[i] : end;
    shares.push_back({.group = group, .begin = partition.partition, .end = partition.partition + 1, .cut_read = partition.read, .from = from, .to = to});
    from = to;
  }
  return shares;
}

CutChoice Cut(const std::vector<CutRead>& reads, const StageCut& cut, bool fixed, std::int32_t slots, std::int64_t slot_bytes) {
  std::size_t count = 0;
  for (const CutRead& read : reads) {
    for (const MapResult* map : read.maps) count = std::max(count, map->partitions.size());
  }
  std::vector<PartitionSize> sizes(count);
  std::vector<std::vector<PartitionSize>> by_read;
  for (const CutRead& read : reads) {
    by_read.push_back(SizesOf(read.maps, count));
    for (std::size_t p = 0; p < count; ++p) {
      sizes[p].bytes += by_read.back()[p].bytes;
      sizes[p].rows += by_read.back()[p].rows;
    }
  }
  CutChoice choice;
  const std::int64_t median = Median(sizes);
  const std::int64_t total = Total(sizes);
  const std::int64_t share = total / std::max(slots, 1);
  choice.usual_bytes = median;
  // Where partitions are ours, tasks are not made smaller than others are put together to be.
  if (!fixed) choice.usual_bytes = std::max(CoalesceTarget(total, slots, slot_bytes), std::min(median, share));
  auto limit = static_cast<std::int64_t>(kHot * static_cast<double>(choice.usual_bytes));
  if (fixed) limit = std::max(limit, kLeastBytes);
  if (cut.bytes > 0) limit = cut.bytes;
  std::size_t hottest = 0;
  for (std::size_t p = 0; p < count; ++p) {
    if (sizes[p].bytes > sizes[hottest].bytes) hottest = p;
  }
  if (count == 0 || sizes[hottest].bytes <= limit) return choice;
  choice.largest_bytes = sizes[hottest].bytes;
  choice.largest_task_bytes = limit;
  const std::string hot = "partition " + std::to_string(hottest) + " has " + Size(choice.largest_bytes) + ", " +
                          Times(choice.largest_bytes, median) + " x the median of " + Size(median);
  const double saved = static_cast<double>(choice.largest_bytes - std::max(limit, share)) / kRate;
  if (!cut.never.empty()) {
    choice.decision = {"cut", "nothing is cut", hot + "; " + cut.never};
    return choice;
  }
  if (!fixed && cut.bytes == 0 && saved < kWorthSeconds) {
    char text[64];
    std::snprintf(text, sizeof text, "; cutting it would save %.3f s", std::max(saved, 0.0));
    choice.decision = {"cut", "nothing is cut", hot + text};
    return choice;
  }
  std::int64_t tasks = 0;
  std::int64_t replicated = 0;
  std::int64_t whole = 0;  // the largest that each task of a hot partition reads
  choice.largest_task_bytes = 0;
  for (std::size_t p = 0; p < count; ++p) {
    choice.largest_task_bytes = std::max(choice.largest_task_bytes, sizes[p].bytes <= limit ? sizes[p].bytes : 0);
    if (sizes[p].bytes <= limit) continue;
    std::size_t largest = reads.size();
    for (std::size_t i = 0; i < reads.size(); ++i) {
      if (reads[i].may_cut && (largest == reads.size() || by_read[i][p].bytes > by_read[largest][p].bytes)) largest = i;
    }
    const std::int64_t divided = largest < reads.size() ? by_read[largest][p].bytes : 0;
    const std::int64_t rest = sizes[p].bytes - divided;
    // Where what every task reads whole is large itself, more of them help less and less: a piece is no smaller than a quarter of it,
    // so that what is read more than once stays in proportion to what is gained.
    const std::int64_t piece = std::max({limit - rest, limit / 4, rest / 4, std::int64_t{1}});
    const std::int64_t parts = std::min((divided + piece - 1) / piece, kMostTasks);
    const std::int64_t task = parts > 0 ? rest + divided / parts : sizes[p].bytes;
    if (parts < 2 || task > sizes[p].bytes * 4 / 5) {
      choice.largest_task_bytes = std::max(choice.largest_task_bytes, sizes[p].bytes);
      continue;
    }
    HotPartition partition{.partition = static_cast<std::int32_t>(p), .size = sizes[p], .read = reads[largest].read};
    partition.points = Points(reads[largest].maps, p, parts);
    partition.largest_task_bytes = task;
    partition.replicated_bytes = rest * (parts - 1);
    tasks += parts;
    replicated += partition.replicated_bytes;
    whole = std::max(whole, rest);
    choice.largest_task_bytes = std::max(choice.largest_task_bytes, task);
    choice.hot.push_back(std::move(partition));
  }
  if (choice.hot.empty()) {
    choice.decision = {"cut", "nothing is cut", hot + "; the other side of the join, which each task would read, is as large"};
    return choice;
  }
  choice.decision = {"cut", std::to_string(choice.hot.size()) + " hot partitions in " + std::to_string(tasks) + " tasks",
                     hot + "; the largest task has about " + Size(choice.largest_task_bytes) + " instead"};
  if (replicated > 0) choice.decision.why += ", " + Size(replicated) + " are read more than once";
  if (whole > limit) choice.decision.why += "; the other side, which each task reads whole, is hot there, too, with " + Size(whole);
  return choice;
}

}  // namespace millrace::jobs
