#include "scheduler/jobs/rules/ranges.h"

#include <algorithm>
#include <utility>

namespace millrace::jobs {

RangesChoice Ranges(const std::vector<const MapResult*>& maps, std::int32_t partitions) {
  std::vector<std::pair<std::string, double>> values;  // hex of bytes sorts as the bytes do
  double total = 0;
  for (const MapResult* map : maps) {
    double rows = 0;
    for (const PartitionSize& size : map->partitions) rows += static_cast<double>(size.rows);
    const double weight = rows / static_cast<double>(std::max<std::size_t>(1, map->sample.size()));
    for (const std::string& value : map->sample) {
      values.emplace_back(value, weight);
      total += weight;
    }
  }
  std::sort(values.begin(), values.end());
  RangesChoice choice;
  double before = 0;
  std::int32_t next = 1;
  for (const auto& [value, weight] : values) {
    // The value at each of the `partitions` - 1 places that divide the rows equally begins a range.
    if (next < partitions && before >= total * next / partitions) {
      const bool again =
          choice.bounds.empty() ? value == values.front().first : value == choice.bounds.back();
      if (!again) choice.bounds.push_back(value);
      while (next < partitions && before >= total * next / partitions) ++next;
    }
    before += weight;
  }
  choice.decision = {"ranges", std::to_string(choice.bounds.size() + 1) + " ranges",
                     "from a sample of " + std::to_string(values.size()) + " rows"};
  return choice;
}

}  // namespace millrace::jobs
