// Airflow's operators and sensors by class path: which of our kinds each one is, and what its arguments are
// there. task_kind.cc asks; dagbag does by way of task_kind.h. Pure data and functions; any thread.
//
// Deliberately not here: notifiers (notifiers.h), and whether the translated fields are right (the kinds').
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace {

struct AirflowOperator {
  std::string_view path;                // behind airflow.providers.standard. or airflow., or whole
  std::string_view kind;                // ours
  Steering steering = Steering::kNone;  // beyond the kind's own
};

// nullptr: not one of those that mean something here.
const AirflowOperator* FindAirflowOperator(std::string_view path);
// A path of Airflow's, known or not.
bool IsAirflowPath(std::string_view name);
// The known path of a class of that name, "" for none: what was meant by a path that is not known.
std::string NearestAirflowPath(std::string_view path);

// NativeWith that tells: what has no counterpart here goes to `problems`, each at its place; what changes
// nothing is left out. `with` as it stands when `path` is no operator's.
Value TranslateArguments(std::string_view path, const Value& with, std::vector<Problem>& problems);

}  // namespace millrace
