// `watch` of a dataset: a sensor that looks for it without a task. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace::dagbag {

// {uses: sensor_file, with: {path: "in/*.csv"}, poke_interval: 10s}. Nothing, and a problem, when it cannot
// be.
std::optional<Watch> ReadWatch(const Value& value, const std::string& what, std::vector<Problem>& problems);

}  // namespace millrace::dagbag
