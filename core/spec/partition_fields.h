// What authors may write about partition keys: the fields of a schedule that has them, and the mappers by name
// with their fields. Used by dagbag, which reads them, and by the JSON Schema. Pure data; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/schedule.h"
#include "core/spec/field.h"

namespace millrace {

// A mapper: its name alone, or {uses: ..., with: {...}}.
struct MapperKind {
  PartitionMapper::Kind of;
  std::string name;                  // ours: "daily"
  std::vector<std::string> classes;  // Airflow's, with or without a path before them
  std::vector<FieldSpec> fields;     // of `with`
};

const std::vector<MapperKind>& MapperKinds();
// By our name, Airflow's class name, or a path that ends in one; nullptr otherwise.
const MapperKind* FindMapperKind(std::string_view uses);

// Of cron_partition, beside those of cron.
const std::vector<FieldSpec>& PartitionKeyFields();
// Beside `datasets`.
const std::vector<FieldSpec>& PartitionMapperFields();

}  // namespace millrace
