#include "core/spec/partition_fields.h"

#include <algorithm>

namespace millrace {
namespace {

using Kind = PartitionMapper::Kind;

// Of a mapper that reads times, and then its own.
std::vector<FieldSpec> TimeFields(std::vector<FieldSpec> own = {}) {
  std::vector<FieldSpec> fields = {
      {.name = "timezone",
       .type = FieldType::kString,
       .doc = "in which times are read, cut and written; UTC when left out"},
      {.name = "input_format",
       .type = FieldType::kString,
       .doc = "strptime's; %Y-%m-%dT%H:%M:%S when left out"},
      {.name = "output_format", .type = FieldType::kString, .doc = "strftime's"},
  };
  fields.insert(fields.end(), own.begin(), own.end());
  return fields;
}

}  // namespace

const std::vector<MapperKind>& MapperKinds() {
  static const std::vector<MapperKind> kinds = {
      {Kind::kIdentity, "identity", {"IdentityMapper"}, {}},
      {Kind::kHour, "hourly", {"ToHourlyMapper", "StartOfHourMapper"}, TimeFields()},
      {Kind::kDay, "daily", {"ToDailyMapper", "StartOfDayMapper"}, TimeFields()},
      {Kind::kWeek,
       "weekly",
       {"ToWeeklyMapper", "StartOfWeekMapper"},
       TimeFields({{.name = "week_start",
                    .type = FieldType::kInteger,
                    .doc = "the day a week begins with: 0, Monday, when left out",
                    .min = 0,
                    .max = 6}})},
      {Kind::kMonth,
       "monthly",
       {"ToMonthlyMapper", "StartOfMonthMapper"},
       TimeFields({{.name = "month_start_day",
                    .type = FieldType::kInteger,
                    .doc = "the day a month begins with; 1 when left out",
                    .min = 1,
                    .max = 28}})},
      {Kind::kQuarter, "quarterly", {"ToQuarterlyMapper", "StartOfQuarterMapper"}, TimeFields()},
      {Kind::kYear, "yearly", {"ToYearlyMapper", "StartOfYearMapper"}, TimeFields()},
      {Kind::kProduct,
       "product",
       {"ProductMapper"},
       {{.name = "mappers", .type = FieldType::kList, .doc = "one a part of the key", .required = true},
        {.name = "delimiter", .type = FieldType::kString, .doc = "between the parts; | when left out"}}},
      {Kind::kAllowed,
       "allowed_keys",
       {"AllowedKeyMapper"},
       {{.name = "allowed_keys",
         .type = FieldType::kStringList,
         .doc = "the only keys there are",
         .required = true}}},
  };
  return kinds;
}

const MapperKind* FindMapperKind(std::string_view uses) {
  const std::size_t dot = uses.find_last_of(".:");
  const std::string_view last = dot == std::string_view::npos ? uses : uses.substr(dot + 1);
  for (const MapperKind& kind : MapperKinds()) {
    if (kind.name == uses || std::find(kind.classes.begin(), kind.classes.end(), last) != kind.classes.end())
      return &kind;
  }
  return nullptr;
}

const std::vector<FieldSpec>& PartitionKeyFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "key_format",
       .type = FieldType::kString,
       .doc = "strftime's, of the partition's date; %Y-%m-%dT%H:%M:%S when left out"},
      {.name = "run_offset",
       .type = FieldType::kInteger,
       .doc = "-1: a run is about the time before its own; 0 when left out",
       .min = -1000,
       .max = 1000},
  };
  return fields;
}

const std::vector<FieldSpec>& PartitionMapperFields() {
  static const std::vector<FieldSpec> fields = [] {
    std::string names;
    for (const MapperKind& kind : MapperKinds()) names += (names.empty() ? "" : ", ") + kind.name;
    const std::string mapper = "how an update's partition key becomes a run's: " + names + ", or {uses, with}";
    return std::vector<FieldSpec>{
        {.name = "partition_mapper", .type = FieldType::kAny, .doc = mapper},
        {.name = "default_partition_mapper", .type = FieldType::kAny, .doc = "Airflow's name of partition_mapper"},
        {.name = "partition_mapper_config", .type = FieldType::kMap, .doc = "dataset: its own mapper"},
    };
  }();
  return fields;
}

}  // namespace millrace
