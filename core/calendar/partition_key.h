// Partition keys: how a time becomes one, and how the key of a dataset's event becomes that of the run it
// counts for. Airflow's key formats and partition mappers. Pure, any thread. Called by timetables, dagbag and
// the engine; it does not know which keys wait for what.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/schedule.h"

namespace millrace {

// What Airflow writes keys of times by, and what its mappers read.
inline constexpr std::string_view kPartitionKeyFormat = "%Y-%m-%dT%H:%M:%S";

struct Partition {
  std::string key;
  std::optional<WallTime> date;  // when the key stands for a time
  friend bool operator==(const Partition&, const Partition&) = default;
};

// Of a time, as clocks in `zone` show it. INVALID_ARGUMENT for a directive that is not supported, and a key
// that is empty or too long.
StatusOr<Partition> PartitionAt(WallTime date, std::string_view key_format, const Zone& zone);

// The partitions that an event with this key counts for, each once: one, but for a fan-out. INVALID_ARGUMENT says what
// the mapper cannot read, and that they are more than it may make.
StatusOr<std::vector<Partition>> MapPartitions(const PartitionMapper& mapper, std::string_view key,
                                               const ZoneDatabase& zones);
// The same by a mapper that makes one; INVALID_ARGUMENT when it makes several.
StatusOr<Partition> MapPartition(const PartitionMapper& mapper, std::string_view key, const ZoneDatabase& zones);

// What is wrong with a mapper whatever the key: its formats, its zone, its window, what of its parts cannot be one. The
// parts themselves have been checked.
Status CheckMapper(const PartitionMapper& mapper, const ZoneDatabase& zones);

// Of a dataset's events.
const PartitionMapper& MapperOf(const Partitioning& partitions, std::string_view dataset);

}  // namespace millrace
