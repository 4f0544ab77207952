// Which tasks of a run a command means: the preview and the action ask this same function. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/state.h"

namespace millrace {

struct Selection {
  std::vector<std::string> task_ids;  // empty: all; the id of a group stands for its tasks
  bool upstream = false;              // and everything they depend on
  bool downstream = false;            // and everything that depends on them
  bool only_failed = false;           // of those only failed and upstream_failed ones
};

// Those of a task group and of the groups in it, in order; none when there is no such group.
std::vector<std::int32_t> TasksOfGroup(const Dag& dag, std::string_view group_id);
// Whether the ids name the task, or a group that it is in.
bool Names(const Dag& dag, const std::vector<std::string>& ids, std::int32_t task);

// Task indices in order. `states` by task index; a task beyond its end counts as none. NOT_FOUND names every
// unknown id.
StatusOr<std::vector<std::int32_t>> Select(const Dag& dag, const Selection& selection,
                                           const std::vector<TaskState>& states);

}  // namespace millrace
