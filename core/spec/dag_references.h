// Which other DAGs the tasks of a DAG name: one that a task starts (trigger_dag), one that it waits for
// (sensor_external_task). For pictures of all DAGs; what runs decide is the engine's. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/dag.h"

namespace millrace {

struct DagReference {
  enum class Kind : std::uint8_t { kTriggers, kWaitsFor };
  Kind kind = Kind::kTriggers;
  std::string task_id;               // who does
  std::string dag_id;                // the other one; a template as it was written
  std::vector<std::string> waits_for;  // its tasks or group; none: its run
};

// The kinds of tasks that can: a version whose stored text has none of these words has no reference.
inline constexpr const char* kTriggeringKind = "trigger_dag";
inline constexpr const char* kWaitingKind = "sensor_external_task";

// In the order of the tasks.
std::vector<DagReference> ReferencesOf(const Dag& dag);

}  // namespace millrace
