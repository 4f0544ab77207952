// The times in partition keys: how a mapper of times reads the key of an update, which of its periods that lies in,
// and how times are written as keys. Pure, any thread. Called by partition_key and partition_window; it does not know
// runs, nor what waits for what.
#pragma once

#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/calendar/partition_key.h"
#include "core/model/schedule.h"

namespace millrace {

// Whether its keys are times: kHour to kYear.
bool MapsTimes(PartitionMapper::Kind kind);

// The author's formats, or what stands for them.
std::string_view InputFormatOf(const PartitionMapper& mapper);
std::string_view OutputFormatOf(const PartitionMapper& mapper);

struct KeyTime {
  WallTime at;      // what the key says; without an offset as clocks in the mapper's zone show it
  LocalTime start;  // of the mapper's hour, day, ... that it lies in
};
// INVALID_ARGUMENT: it does not look like the mapper's input_format, or lies outside of years 1 to 9999.
StatusOr<KeyTime> ReadKeyTime(const PartitionMapper& mapper, std::string_view key, const Zone& zone);

// `shown` as the clocks there show it, at `date`; {quarter} stands for 1 to 4 when it is `with_quarter`.
// INVALID_ARGUMENT for a directive that is not supported.
StatusOr<Partition> WriteKeyTime(LocalTime shown, WallTime date, std::string_view format, const Zone& zone,
                                 bool with_quarter);

}  // namespace millrace
