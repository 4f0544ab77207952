#include "core/calendar/partition_key.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <vector>

#include "core/calendar/fire_times.h"
#include "core/calendar/partition_time.h"
#include "core/calendar/partition_window.h"
#include "core/calendar/time_pattern.h"
#include "core/model/ids.h"

namespace millrace {
namespace {

using Kind = PartitionMapper::Kind;

// What an update may count for when the author does not say, as in Airflow.
constexpr std::size_t kMostRunKeys = 1000;

Status CheckKey(const std::string& key) {
  if (IsValidPartitionKey(key)) return OkStatus();
  return InvalidArgument("'" + key + "' is no partition key: it must have 1 to 250 bytes and no control characters");
}

StatusOr<Partition> MapTime(const PartitionMapper& mapper, std::string_view key, const Zone& zone) {
  ASSIGN_OR_RETURN(const KeyTime time, ReadKeyTime(mapper, key, zone));
  return WriteKeyTime(time.start, ResolveLocal(zone, time.start), OutputFormatOf(mapper), zone,
                      mapper.kind == Kind::kQuarter);
}

// At most one part is a time in keys that people make: of several none is the whole key's.
StatusOr<Partition> MapParts(const PartitionMapper& mapper, std::string_view key, const ZoneDatabase& zones) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from != std::string_view::npos;) {
    const std::size_t end = key.find(mapper.delimiter, from);
    parts.push_back(key.substr(from, end == std::string_view::npos ? end : end - from));
    from = end == std::string_view::npos ? end : end + mapper.delimiter.size();
  }
  if (parts.size() != mapper.parts.size()) {
    return InvalidArgument("'" + std::string(key) + "' has " + std::to_string(parts.size()) +
                           " parts between '" + mapper.delimiter + "', not " +
                           std::to_string(mapper.parts.size()));
  }
  Partition whole;
  int times = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    StatusOr<Partition> part = MapPartition(mapper.parts[i], parts[i], zones);
    if (!part.ok()) return part.status().WithContext("part " + std::to_string(i + 1));
    whole.key += (i == 0 ? "" : mapper.delimiter) + part->key;
    if (part->date && ++times == 1) whole.date = part->date;
  }
  if (times > 1) whole.date.reset();
  return whole;
}

// By a mapper that makes one key of one.
StatusOr<Partition> MapOne(const PartitionMapper& mapper, std::string_view key, const ZoneDatabase& zones) {
  if (MapsTimes(mapper.kind)) {
    ASSIGN_OR_RETURN(const Zone* zone, zones.Find(mapper.timezone));
    return MapTime(mapper, key, *zone);
  }
  if (mapper.kind == Kind::kProduct) return MapParts(mapper, key, zones);
  if (mapper.kind == Kind::kFixed) return Partition{mapper.fixed, std::nullopt};
  const bool allowed =
      std::find(mapper.allowed.begin(), mapper.allowed.end(), key) != mapper.allowed.end();
  if (mapper.kind == Kind::kAllowed && !allowed) {
    std::string known;
    for (const std::string& one : mapper.allowed) known += (known.empty() ? "" : ", ") + one;
    return InvalidArgument("'" + std::string(key) + "' is none of the allowed keys: " + known);
  }
  return Partition{std::string(key), std::nullopt};
}

Status CheckCount(const PartitionMapper& mapper, std::string_view key, std::size_t count) {
  const std::size_t most = mapper.max_keys > 0 ? static_cast<std::size_t>(mapper.max_keys) : kMostRunKeys;
  if (count <= most) return OkStatus();
  return InvalidArgument("'" + std::string(key) + "' would count for " + std::to_string(count) +
                         " runs or more, and max_downstream_keys is " + std::to_string(most));
}

StatusOr<std::vector<Partition>> MapChain(const PartitionMapper& chain, std::string_view key,
                                          const ZoneDatabase& zones) {
  std::vector<Partition> partitions = {{std::string(key), std::nullopt}};
  for (const PartitionMapper& mapper : chain.parts) {
    std::vector<Partition> next;
    std::set<std::string> known;
    for (const Partition& one : partitions) {
      ASSIGN_OR_RETURN(std::vector<Partition> mapped, MapPartitions(mapper, one.key, zones));
      for (Partition& partition : mapped) {
        if (known.insert(partition.key).second) next.push_back(std::move(partition));
      }
      RETURN_IF_ERROR(CheckCount(chain, key, next.size()));
    }
    partitions = std::move(next);
  }
  return partitions;
}

StatusOr<std::vector<Partition>> MapToAll(const PartitionMapper& mapper, std::string_view key,
                                          const ZoneDatabase& zones) {
  if (mapper.kind == Kind::kRollup) {
    RETURN_IF_ERROR(PlaceInWindow(mapper, key, zones).status());
    return MapToAll(mapper.parts.front(), key, zones);
  }
  if (mapper.kind == Kind::kFanOut) return FanOut(mapper, key, zones);
  if (mapper.kind == Kind::kChain) return MapChain(mapper, key, zones);
  ASSIGN_OR_RETURN(Partition one, MapOne(mapper, key, zones));
  return std::vector<Partition>{std::move(one)};
}

// Whether every key makes one of another.
bool MakesOne(const PartitionMapper& mapper) {
  return mapper.kind != Kind::kFanOut && std::all_of(mapper.parts.begin(), mapper.parts.end(), MakesOne);
}

bool RollsUp(const PartitionMapper& mapper) {
  return mapper.kind == Kind::kRollup || std::any_of(mapper.parts.begin(), mapper.parts.end(), RollsUp);
}

// Which mappers may stand in which.
Status CheckMapperParts(const PartitionMapper& mapper) {
  if (std::any_of(mapper.parts.begin(), mapper.parts.end(), RollsUp))
    return InvalidArgument("a rollup cannot be a part of another mapper: let it be the outermost one");
  if (mapper.kind == Kind::kChain || std::all_of(mapper.parts.begin(), mapper.parts.end(), MakesOne)) return OkStatus();
  return InvalidArgument("a fan_out makes several keys: it can be a part of a chain only");
}

Status CheckTimeMapper(const PartitionMapper& mapper, const ZoneDatabase& zones) {
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find(mapper.timezone));
  const WallTime sample = std::chrono::sys_days(std::chrono::year(2001) / 3 / 1);
  const StatusOr<Partition> read = PartitionAt(sample, InputFormatOf(mapper), *zone);
  if (!read.ok()) return read.status().WithContext("input_format");
  if (!ParseByPattern(read->key, InputFormatOf(mapper)).ok())
    return InvalidArgument("input_format '" + mapper.input_format + "' cannot be read back, only written");
  return MapPartition(mapper, read->key, zones).status().WithContext("output_format");
}

}  // namespace

StatusOr<Partition> PartitionAt(WallTime date, std::string_view key_format, const Zone& zone) {
  ASSIGN_OR_RETURN(Partition partition, WriteKeyTime(zone.ToLocal(date), date, key_format, zone, false));
  RETURN_IF_ERROR(CheckKey(partition.key));
  return partition;
}

StatusOr<std::vector<Partition>> MapPartitions(const PartitionMapper& mapper, std::string_view key,
                                               const ZoneDatabase& zones) {
  ASSIGN_OR_RETURN(std::vector<Partition> partitions, MapToAll(mapper, key, zones));
  if (partitions.empty()) return InvalidArgument("'" + std::string(key) + "' is a time that clocks there leave out");
  RETURN_IF_ERROR(CheckCount(mapper, key, partitions.size()));
  for (const Partition& partition : partitions) RETURN_IF_ERROR(CheckKey(partition.key));
  return partitions;
}

StatusOr<Partition> MapPartition(const PartitionMapper& mapper, std::string_view key, const ZoneDatabase& zones) {
  ASSIGN_OR_RETURN(std::vector<Partition> partitions, MapPartitions(mapper, key, zones));
  if (partitions.size() == 1) return std::move(partitions.front());
  return InvalidArgument("'" + std::string(key) + "' counts for " + std::to_string(partitions.size()) + " keys, not one");
}

Status CheckMapper(const PartitionMapper& mapper, const ZoneDatabase& zones) {
  if (MapsTimes(mapper.kind)) return CheckTimeMapper(mapper, zones);
  if (mapper.kind == Kind::kFixed) return CheckKey(mapper.fixed);
  RETURN_IF_ERROR(CheckMapperParts(mapper));
  return mapper.window ? CheckWindow(mapper, zones) : OkStatus();
}

const PartitionMapper& MapperOf(const Partitioning& partitions, std::string_view dataset) {
  for (const DatasetMapper& one : partitions.mappers) {
    if (one.dataset == dataset) return one.mapper;
  }
  return partitions.mapper;
}

}  // namespace millrace
