// A run's conf against its DAG's params. Pure. Called when a run is triggered and when templates are filled
// in.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace::engine {

// The params of a run: defaults, overridden by conf's members; members that are no param are kept too, as
// Airflow does. INVALID_ARGUMENT lists everything that is wrong: no JSON object, a missing or mistyped value,
// one outside its bounds.
StatusOr<Value> MergeParams(const Dag& dag, const std::string& conf);

}  // namespace millrace::engine
