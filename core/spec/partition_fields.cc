#include "core/spec/partition_fields.h"

#include <algorithm>
#include <utility>

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

FieldSpec MapperField(std::string name, std::string doc, bool is_required) {
  return {.name = std::move(name), .type = FieldType::kAny, .doc = std::move(doc), .required = is_required};
}

FieldSpec WindowField(const std::string& doc) {
  return {.name = "window",
          .type = FieldType::kAny,
          .doc = doc + ": hour, day, week, month, quarter, year, or {uses: segment, with: {keys: [...]}}",
          .required = true};
}

FieldSpec MaxKeysField() {
  return {.name = "max_downstream_keys",
          .type = FieldType::kInteger,
          .doc = "an update that counts for more runs counts for none; 1000 when left out",
          .min = 1,
          .max = 10'000};
}

// By our name, Airflow's class name, or a path that ends in one.
template <typename T>
const T* FindIn(const std::vector<T>& kinds, std::string_view uses) {
  const std::size_t dot = uses.find_last_of(".:");
  const std::string_view last = dot == std::string_view::npos ? uses : uses.substr(dot + 1);
  for (const T& kind : kinds) {
    if (kind.name == uses || std::find(kind.classes.begin(), kind.classes.end(), last) != kind.classes.end())
      return &kind;
  }
  return nullptr;
}

std::vector<FieldSpec> DirectionField() {
  return {{.name = "direction",
           .type = FieldType::kChoice,
           .doc = "of a fan_out: forward, when left out, begins the period with that of the update; backward ends it there",
           .choices = {"forward", "backward"}}};
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
      {Kind::kFixed,
       "fixed_key",
       {"FixedKeyMapper", "ConstantMapper"},
       {{.name = "downstream_key",
         .type = FieldType::kString,
         .doc = "the run's key, whatever the update's",
         .required = true}}},
      {Kind::kChain,
       "chain",
       {"ChainMapper", "SequenceMapper"},
       {{.name = "mappers", .type = FieldType::kList, .doc = "one after the other", .required = true}, MaxKeysField()}},
      {Kind::kRollup,
       "rollup",
       {"RollupMapper"},
       {MapperField("upstream_mapper", "makes an update's key the run's: weekly for window week", true),
        WindowField("the keys that a run waits for"),
        MapperField("wait_policy", "all, when left out, or {uses: minimum_count, with: {n: 5}}", false)}},
      {Kind::kFanOut,
       "fan_out",
       {"FanOutMapper"},
       {MapperField("upstream_mapper", "reads an update's key: its period is where the window begins", true),
        WindowField("the keys that one update counts for"),
        MapperField("downstream_mapper", "writes them by its output_format; left out: hourly for day, daily for week and "
                    "month, monthly for quarter and year", false),
        MaxKeysField()}},
  };
  return kinds;
}

const MapperKind* FindMapperKind(std::string_view uses) { return FindIn(MapperKinds(), uses); }

const std::vector<WindowKind>& WindowKinds() {
  using Window = PartitionWindow::Kind;
  static const std::vector<WindowKind> kinds = {
      {Window::kHour, "hour", {"HourWindow"}, DirectionField()},
      {Window::kDay, "day", {"DayWindow"}, DirectionField()},
      {Window::kWeek, "week", {"WeekWindow"}, DirectionField()},
      {Window::kMonth, "month", {"MonthWindow"}, DirectionField()},
      {Window::kQuarter, "quarter", {"QuarterWindow"}, DirectionField()},
      {Window::kYear, "year", {"YearWindow"}, DirectionField()},
      {Window::kSegment,
       "segment",
       {"SegmentWindow"},
       {{.name = "keys", .type = FieldType::kStringList, .doc = "all that there are"},
        {.name = "segments", .type = FieldType::kStringList, .doc = "Airflow's name of keys"}}},
  };
  return kinds;
}

const WindowKind* FindWindowKind(std::string_view uses) { return FindIn(WindowKinds(), uses); }

const std::vector<WaitPolicyKind>& WaitPolicyKinds() {
  static const std::vector<WaitPolicyKind> kinds = {
      {false, "all", {"WaitForAll"}, {}},
      {true,
       "minimum_count",
       {"MinimumCount"},
       {{.name = "n",
         .type = FieldType::kInteger,
         .doc = "so many keys are enough; -2: all but two are",
         .required = true,
         .min = -10'000,
         .max = 10'000}}},
  };
  return kinds;
}

const WaitPolicyKind* FindWaitPolicyKind(std::string_view uses) { return FindIn(WaitPolicyKinds(), uses); }

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
