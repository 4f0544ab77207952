// What authors may write under `schedule`, `outlets`, `inlets` and `deadline`: the timetables by name with
// their fields. Used by dagbag, which reads them, and by the JSON Schema. Pure data; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/spec/field.h"

namespace millrace {

// A timetable of `schedule: {uses: ..., with: {...}}`.
struct TimetableKind {
  enum class Of : std::uint8_t {
    kNull,
    kOnce,
    kContinuous,
    kCron,
    kCronInterval,
    kCrons,
    kDelta,
    kDeltaInterval,
    kEvents,
    kDatasetsOrTime,
    kCronPartition,
    kPartitionedDatasets,
  };
  Of of;
  std::string name;                  // ours: "cron_interval"
  std::vector<std::string> classes;  // Airflow's, with or without a path before them
  std::string doc;
  std::vector<FieldSpec> fields;  // of `with`
};

const std::vector<TimetableKind>& TimetableKinds();
// By our name, Airflow's class name, or a path that ends in one; nullptr otherwise.
const TimetableKind* FindTimetableKind(std::string_view uses);

// Of a dataset that is written as a map; of an alias of datasets in its place, {alias: ...}.
const std::vector<FieldSpec>& DatasetFields();
const std::vector<FieldSpec>& DatasetAliasFields();
// Of the field `watch` of a dataset.
const std::vector<FieldSpec>& WatchFields();
// Of `deadline`, or of an item of it.
const std::vector<FieldSpec>& DeadlineFields();

// The JSON Schemas of `schedule`, `catchup`, `deadline` and of a list of datasets.
Value ScheduleSchema();
Value CatchupSchema();
Value DeadlineSchema();
Value DatasetListSchema();

}  // namespace millrace
