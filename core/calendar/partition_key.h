// Partition keys: how a time becomes one, and how the key of a dataset's event becomes that of the run it
// counts for. Airflow's key formats and partition mappers. Pure, any thread. Called by timetables, dagbag and
// the engine; it does not know which keys wait for what.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

// The partition that an event with this key counts for. INVALID_ARGUMENT says what the mapper cannot read.
StatusOr<Partition> MapPartition(const PartitionMapper& mapper, std::string_view key, const ZoneDatabase& zones);

// What is wrong with a mapper whatever the key: its formats, its zone.
Status CheckMapper(const PartitionMapper& mapper, const ZoneDatabase& zones);

// Of a dataset's events.
const PartitionMapper& MapperOf(const Partitioning& partitions, std::string_view dataset);

}  // namespace millrace
