#include "scheduler/dagbag/partition_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/calendar/cron.h"
#include "core/calendar/partition_key.h"
#include "core/spec/field.h"
#include "core/spec/partition_fields.h"
#include "scheduler/dagbag/fields.h"

namespace millrace::dagbag {
namespace {

constexpr int kDeepestMapper = 8;
constexpr const char* kMapperExample = "daily, or {uses: daily, with: {input_format: \"%Y-%m-%dT%H\"}}";

class MapperReader {
 public:
  MapperReader(const ZoneDatabase& zones, std::vector<Problem>& problems) : zones_(zones), problems_(problems) {}

  std::optional<PartitionMapper> Read(const Value& written, int depth = 0) {
    const Value* uses = written.is_map() ? written.Find("uses") : &written;
    if (uses == nullptr || !uses->is_string() || depth > kDeepestMapper) {
      AddProblem(problems_, written.position(), "not a partition mapper", kMapperExample);
      return std::nullopt;
    }
    if (written.is_map()) {
      static const std::vector<FieldSpec> kFields = {
          {.name = "uses", .type = FieldType::kString, .required = true},
          {.name = "with", .type = FieldType::kMap},
      };
      CheckFields(written, kFields, "a partition mapper", problems_);
    }
    const MapperKind* kind = FindMapperKind(uses->as_string());
    if (kind == nullptr) {
      AddUnknown(*uses);
      return std::nullopt;
    }
    const Value* given = written.is_map() ? written.Find("with") : nullptr;
    Value with(Value::Map{});
    with.At(uses->position());
    if (given != nullptr && given->is_map()) with = *given;
    return ReadFields(*kind, with, depth);
  }

 private:
  void AddUnknown(const Value& uses) {
    std::vector<std::string> names;
    std::string known;
    for (const MapperKind& kind : MapperKinds()) {
      names.push_back(kind.name);
      known += (known.empty() ? "known are " : ", ") + kind.name;
    }
    const std::string meant = DidYouMean(uses.as_string(), names);
    AddProblem(problems_, uses.position(), "unknown partition mapper '" + uses.as_string() + "'",
               meant.empty() ? known + " and Airflow's class names" : meant);
  }

  std::optional<PartitionMapper> ReadFields(const MapperKind& kind, const Value& written, int depth) {
    const std::size_t before = problems_.size();
    CheckFields(written, kind.fields, "partition mapper '" + kind.name + "'", problems_);
    if (problems_.size() > before) return std::nullopt;
    const Value with = Normalized(written, kind.fields);
    PartitionMapper mapper;
    mapper.kind = kind.of;
    if (const std::string zone = TextOf(with.Find("timezone")); !zone.empty()) mapper.timezone = zone;
    mapper.input_format = TextOf(with.Find("input_format"));
    mapper.output_format = TextOf(with.Find("output_format"));
    mapper.start = NumberOf(with.Find("week_start"), 0) + NumberOf(with.Find("month_start_day"), 0);
    if (const Value* delimiter = with.Find("delimiter")) mapper.delimiter = TextOf(delimiter);
    if (const Value* keys = with.Find("allowed_keys"); keys != nullptr) {
      for (const Value& key : keys->is_list() ? keys->as_list() : Value::List{*keys})
        if (key.is_string()) mapper.allowed.push_back(key.as_string());
    }
    if (kind.of == PartitionMapper::Kind::kAllowed && mapper.allowed.empty())
      AddProblem(problems_, written.position(), "partition mapper 'allowed_keys': at least one key is needed");
    if (kind.of == PartitionMapper::Kind::kProduct) ReadParts(*with.Find("mappers"), mapper, depth);
    if (const Status status = CheckMapper(mapper, zones_); !status.ok())
      AddProblem(problems_, written.position(), "partition mapper '" + kind.name + "': " + status.message());
    if (problems_.size() > before) return std::nullopt;
    return mapper;
  }

  void ReadParts(const Value& parts, PartitionMapper& mapper, int depth) {
    if (mapper.delimiter.empty())
      AddProblem(problems_, parts.position(), "partition mapper 'product': 'delimiter' is empty", "delimiter: \"|\"");
    if (parts.as_list().size() < 2) {
      AddProblem(problems_, parts.position(), "partition mapper 'product': 'mappers' needs at least two",
                 "mappers: [identity, daily]");
    }
    for (const Value& part : parts.as_list()) {
      if (std::optional<PartitionMapper> one = Read(part, depth + 1)) mapper.parts.push_back(std::move(*one));
    }
  }

  const ZoneDatabase& zones_;
  std::vector<Problem>& problems_;
};

}  // namespace

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
