#include "core/spec/schedule_fields.h"

#include <algorithm>
#include <utility>

#include "core/spec/partition_fields.h"

namespace millrace {
namespace {

using Of = TimetableKind::Of;

FieldSpec CronField() {
  return {.name = "cron", .type = FieldType::kString, .doc = "five fields, or a preset", .required = true};
}

FieldSpec ZoneField() {
  return {.name = "timezone", .type = FieldType::kString, .doc = "the DAG's when left out"};
}

FieldSpec SpanField() {
  return {.name = "interval",
          .type = FieldType::kDuration,
          .doc = "of data before each fire that a run covers; 0 when left out"};
}

FieldSpec ImmediatelyField() {
  return {
      .name = "run_immediately",
      .type = FieldType::kAny,
      .doc =
          "without start_date: true runs the last time that has passed, a duration only one not longer ago"};
}

FieldSpec DatesField(std::string name) {
  return {
      .name = std::move(name), .type = FieldType::kStringList, .doc = "2001-03-01, or 2001-03-01T02:00:00Z"};
}

FieldSpec DatasetsField(std::string name) {
  return {.name = std::move(name), .type = FieldType::kAny, .doc = "as under schedule: {datasets: ...}"};
}

std::vector<FieldSpec> With(std::vector<FieldSpec> fields, const std::vector<FieldSpec>& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

Value Type(std::string_view type) { return Value(Value::Map{{"type", Value(type)}}); }

Value ListOf(Value items) { return Value(Value::Map{{"type", "array"}, {"items", std::move(items)}}); }

Value AnyOf(Value::List alternatives) { return Value(Value::Map{{"anyOf", Value(std::move(alternatives))}}); }

Value Object(Value::Map properties, Value::List required) {
  return Value(Value::Map{{"type", "object"},
                          {"properties", Value(std::move(properties))},
                          {"required", Value(std::move(required))},
                          {"additionalProperties", false}});
}

// Names and types are checked by dagbag; an editor is told the names.
Value NamesOf(const std::vector<FieldSpec>& fields) {
  Value::Map properties;
  for (const FieldSpec& field : fields) {
    Value schema{Value::Map{}};
    if (!field.choices.empty()) {
      Value::List words;
      for (const std::string& choice : field.choices) words.emplace_back(choice);
      schema.Set("enum", Value(std::move(words)));
    }
    if (!field.doc.empty()) schema.Set("description", field.doc);
    properties.emplace_back(field.name, std::move(schema));
  }
  return Value(Value::Map{
      {"type", "object"}, {"properties", Value(std::move(properties))}, {"additionalProperties", false}});
}

Value DatasetSchema() {
  return AnyOf({Type("string"), NamesOf(DatasetFields()), NamesOf(DatasetAliasFields())});
}

}  // namespace

const std::vector<TimetableKind>& TimetableKinds() {
  static const std::vector<TimetableKind> kinds = {
      {Of::kNull, "none", {"NullTimetable"}, "manual runs only", {}},
      {Of::kOnce, "once", {"OnceTimetable"}, "one run", {}},
      {Of::kContinuous,
       "continuous",
       {"ContinuousTimetable"},
       "one run after the other; max_active_runs: 1",
       {}},
      {Of::kCron,
       "cron",
       {"CronTriggerTimetable"},
       "a run at each time",
       {CronField(), ZoneField(), SpanField(), ImmediatelyField()}},
      {Of::kCronInterval,
       "cron_interval",
       {"CronDataIntervalTimetable"},
       "a run after each interval between two times",
       {CronField(), ZoneField()}},
      {Of::kCrons,
       "crons",
       {"MultipleCronTriggerTimetable"},
       "a run at each time of any of several crons",
       {{.name = "crons", .type = FieldType::kStringList, .doc = "of five fields each", .required = true},
        ZoneField(),
        SpanField(),
        ImmediatelyField()}},
      {Of::kDelta,
       "delta",
       {"DeltaTriggerTimetable"},
       "a run every so often",
       {{.name = "delta", .type = FieldType::kDuration, .doc = "6h, PT6H", .required = true}, SpanField()}},
      {Of::kDeltaInterval,
       "delta_interval",
       {"DeltaDataIntervalTimetable"},
       "a run after each interval of this length",
       {{.name = "delta", .type = FieldType::kDuration, .doc = "6h, PT6H", .required = true}}},
      {Of::kEvents,
       "events",
       {"EventsTimetable"},
       "a run at each of these times",
       {DatesField("dates"),
        DatesField("event_dates"),
        {.name = "restrict_to_events",
         .type = FieldType::kBoolean,
         .doc = "manual runs have the date of the last of them; false when left out"},
        {.name = "presorted",
         .type = FieldType::kBoolean,
         .doc = "read for Airflow's sake; they are always sorted"},
        {.name = "description", .type = FieldType::kString, .doc = "shown instead of their number"}}},
      {Of::kDatasetsOrTime,
       "datasets_or_time",
       {"AssetOrTimeSchedule", "DatasetOrTimeSchedule"},
       "when a timetable fires and when datasets are updated",
       {{.name = "timetable", .type = FieldType::kAny, .doc = "any other schedule", .required = true},
        DatasetsField("datasets"),
        DatasetsField("assets")}},
      {Of::kCronPartition,
       "cron_partition",
       {"CronPartitionTimetable"},
       "a run at each time, with that time as its partition key",
       With({CronField(), ZoneField(), ImmediatelyField()}, PartitionKeyFields())},
      {Of::kNull,
       "partitioned_at_runtime",
       {"PartitionedAtRuntime", "PartitionAtRuntime"},
       "manual runs only; their tasks tell partition keys, in outlet_events",
       {}},
      {Of::kPartitionedDatasets,
       "partitioned_datasets",
       {"PartitionedAssetTimetable"},
       "a run for each partition key whose updates make the condition true",
       With({DatasetsField("datasets"), DatasetsField("assets")}, PartitionMapperFields())},
  };
  return kinds;
}

const TimetableKind* FindTimetableKind(std::string_view uses) {
  const std::size_t dot = uses.find_last_of(".:");
  const std::string_view last = dot == std::string_view::npos ? uses : uses.substr(dot + 1);
  for (const TimetableKind& kind : TimetableKinds()) {
    if (kind.name == uses || std::find(kind.classes.begin(), kind.classes.end(), last) != kind.classes.end())
      return &kind;
  }
  return nullptr;
}

const std::vector<FieldSpec>& DatasetFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "name", .type = FieldType::kString, .doc = "what it is known by; the uri when left out"},
      {.name = "uri", .type = FieldType::kString, .doc = "where it is; the name when left out"},
      {.name = "group", .type = FieldType::kString, .doc = "to sort by; asset when left out"},
      {.name = "extra", .type = FieldType::kMap, .doc = "whatever else should be shown"},
      {.name = "watch",
       .type = FieldType::kMap,
       .doc = "{uses, with, poke_interval}: a sensor that looks without a task; a change is an update"},
  };
  return fields;
}

const std::vector<FieldSpec>& WatchFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "uses",
       .type = FieldType::kString,
       .doc = "sensor_file, sensor_http, sensor_sql, sensor_shell or sensor_python",
       .required = true},
      {.name = "with", .type = FieldType::kMap, .doc = "the sensor's fields, without templates"},
      {.name = "poke_interval",
       .type = FieldType::kDuration,
       .doc = "from one look to the next; 60s when left out"},
      {.name = "name",
       .type = FieldType::kString,
       .doc = "what it is called; the sensor's kind when left out"},
  };
  return fields;
}

const std::vector<FieldSpec>& DatasetAliasFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "alias",
       .type = FieldType::kAny,
       .doc = "a name for datasets that a task names when it runs, or {name, group}",
       .required = true},
      {.name = "group", .type = FieldType::kString, .doc = "to sort by; asset when left out"},
  };
  return fields;
}

const std::vector<FieldSpec>& DeadlineFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "reference",
       .type = FieldType::kChoice,
       .doc = "what the interval is counted from",
       .required = true,
       .choices = {"queued_at", "logical_date", "fixed", "average_runtime"}},
      {.name = "interval",
       .type = FieldType::kAny,
       .doc = "2h: so long after the reference the run should be over; with a minus before it"},
      {.name = "at", .type = FieldType::kTime, .doc = "the moment of reference: fixed"},
      {.name = "max_runs",
       .type = FieldType::kInteger,
       .doc = "average_runtime: of so many successful runs; 10 when left out",
       .min = 1,
       .max = 100},
      {.name = "min_runs",
       .type = FieldType::kInteger,
       .doc = "average_runtime: with fewer there is no deadline; max_runs when left out",
       .min = 1,
       .max = 100},
      {.name = "callback",
       .type = FieldType::kAny,
       .doc = "who is told when it is missed: a callback or several"},
  };
  return fields;
}

Value DatasetListSchema() { return AnyOf({Type("string"), ListOf(DatasetSchema())}); }

Value CatchupSchema() {
  return Value(Value::Map{{"enum", Value(Value::List{true, false, "none", "last", "all"})}});
}

Value DeadlineSchema() {
  const Value one = NamesOf(DeadlineFields());
  return AnyOf({one, ListOf(one)});
}

Value ScheduleSchema() {
  Value::List timetables = {Type("null"), Type("string"), ListOf(Type("string"))};
  for (const TimetableKind& kind : TimetableKinds()) {
    Value::List names = {kind.name};
    for (const std::string& name : kind.classes) names.emplace_back(name);
    Value uses =
        AnyOf({Value(Value::Map{{"enum", Value(std::move(names))}}),
               Value(Value::Map{{"type", "string"},
                                {"pattern", "[.:]" + (kind.classes.empty() ? "" : kind.classes[0]) + "$"}})});
    uses.Set("description", kind.doc);
    timetables.push_back(Object({{"uses", std::move(uses)}, {"with", NamesOf(kind.fields)}}, {"uses"}));
  }
  const Value datasets =
      Value(Value::Map{{"description", "names and {alias: name}, or {all: [...]}, {any: [...]}, nested"}});
  Value::Map beside = {{"datasets", datasets},
                       {"timetable", Value(Value::Map{{"description", "or when this fires"}})}};
  for (const FieldSpec& field : PartitionMapperFields())
    beside.emplace_back(field.name, Value(Value::Map{{"description", field.doc}}));
  timetables.push_back(Object(std::move(beside), {"datasets"}));
  return AnyOf(std::move(timetables));
}

}  // namespace millrace
