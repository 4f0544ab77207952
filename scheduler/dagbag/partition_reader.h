// Reads what a schedule says about partition keys: how a cron's runs get theirs, and how those of datasets'
// events become a run's. Called by ScheduleReader, on its thread. Adds a problem for whatever is wrong, with
// its place.
#pragma once

#include <optional>
#include <vector>

#include "core/base/zones.h"
#include "core/model/dag.h"
#include "core/model/schedule.h"
#include "core/model/value.h"

namespace millrace::dagbag {

// `with` of cron_partition; its cron is checked again, since only a cron's fires are partitions.
std::optional<Partitioning> ReadPartitionKeys(const Value& with, const Zone& zone, std::vector<Problem>& problems);

// Of a map with `datasets`; nothing, and no problem, when no mapper is written there and none `is_wanted`.
// `datasets` are those of the condition.
std::optional<Partitioning> ReadPartitionMappers(const Value& map, const std::vector<Dataset>& datasets,
                                                 const ZoneDatabase& zones, bool is_wanted,
                                                 std::vector<Problem>& problems);

}  // namespace millrace::dagbag
