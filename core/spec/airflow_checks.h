// Airflow's check operators (SQLColumnCheckOperator and its siblings) as the kind `check`. Called by
// airflow_operators.cc. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace {

// `with` as the operator of this class name takes it, its common arguments translated already. What it does
// not know, or cannot be, goes to `problems`, each at its place.
Value ChecksOf(std::string_view operator_name, const Value& with, std::vector<Problem>& problems);

}  // namespace millrace
