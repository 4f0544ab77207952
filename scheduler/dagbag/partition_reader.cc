#include "scheduler/dagbag/partition_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/calendar/cron.h"
#include "core/calendar/partition_key.h"
#include "core/spec/field.h"
#include "scheduler/dagbag/fields.h"
#include "scheduler/dagbag/mapper_reader.h"

namespace millrace::dagbag {

std::optional<Partitioning> ReadPartitionKeys(const Value& with, const Zone& zone, std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  const Value& cron = *with.Find("cron");
  if (const StatusOr<Cron> parsed = Cron::Parse(cron.as_string()); !parsed.ok()) {
    AddProblem(problems, cron.position(), "timetable 'cron_partition': " + parsed.status().message(),
               "for example \"0 2 * * *\" or @daily");
  }
  Partitioning partitions;
  partitions.key_format = TextOf(with.Find("key_format"));
  if (partitions.key_format.empty()) partitions.key_format = kPartitionKeyFormat;
  partitions.run_offset = NumberOf(with.Find("run_offset"), 0);
  const WallTime sample = std::chrono::sys_days(std::chrono::year(2001) / 3 / 1);
  if (const StatusOr<Partition> key = PartitionAt(sample, partitions.key_format, zone); !key.ok()) {
    const Value* format = with.Find("key_format");
    AddProblem(problems, (format != nullptr ? *format : with).position(),
               "timetable 'cron_partition': key_format: " + key.status().message(), "%Y-%m-%d");
  }
  if (problems.size() > before) return std::nullopt;
  return partitions;
}

std::optional<Partitioning> ReadPartitionMappers(const Value& map, const std::vector<Dataset>& datasets,
                                                 const ZoneDatabase& zones, bool is_wanted,
                                                 std::vector<Problem>& problems) {
  const Value* mapper = map.Find("partition_mapper");
  const Value* airflows = map.Find("default_partition_mapper");
  const Value* config = map.Find("partition_mapper_config");
  if (!is_wanted && mapper == nullptr && airflows == nullptr && config == nullptr) return std::nullopt;
  if (mapper != nullptr && airflows != nullptr)
    AddProblem(problems, airflows->position(), "partition_mapper and default_partition_mapper are both given",
               "they mean the same");
  MapperReader reader(zones, problems);
  Partitioning partitions;
  if (mapper == nullptr) mapper = airflows;
  if (mapper != nullptr) {
    if (std::optional<PartitionMapper> read = reader.Read(*mapper)) partitions.mapper = std::move(*read);
  }
  if (config == nullptr || !config->is_map()) return partitions;
  std::vector<std::string> names;
  for (const Dataset& dataset : datasets) names.push_back(dataset.name);
  for (const auto& [name, written] : config->as_map()) {
    const auto found = std::find_if(datasets.begin(), datasets.end(), [&key = name](const Dataset& dataset) {
      return dataset.name == key || dataset.uri == key;
    });
    if (found == datasets.end()) {
      AddProblem(problems, written.key_position(),
                 "partition_mapper_config: the schedule names no dataset '" + name + "'",
                 DidYouMean(name, names));
    } else if (std::optional<PartitionMapper> read = reader.Read(written)) {
      partitions.mappers.push_back({found->name, std::move(*read)});
    }
  }
  return partitions;
}

}  // namespace millrace::dagbag
