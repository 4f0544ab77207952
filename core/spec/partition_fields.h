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

// What a roll-up waits for and a fan-out makes, named and looked up like mappers.
struct WindowKind {
  PartitionWindow::Kind of;
  std::string name;
  std::vector<std::string> classes;
  std::vector<FieldSpec> fields;
};
const std::vector<WindowKind>& WindowKinds();
const WindowKind* FindWindowKind(std::string_view uses);

// When a roll-up has enough of its window.
struct WaitPolicyKind {
  bool counts;  // its field n says how many
  std::string name;
  std::vector<std::string> classes;
  std::vector<FieldSpec> fields;
};
const std::vector<WaitPolicyKind>& WaitPolicyKinds();
const WaitPolicyKind* FindWaitPolicyKind(std::string_view uses);

// Of cron_partition, beside those of cron.
const std::vector<FieldSpec>& PartitionKeyFields();
// Beside `datasets`.
const std::vector<FieldSpec>& PartitionMapperFields();

}  // namespace millrace
