// Windows: the keys of updates that make up one period or one set. A roll-up's run waits for all of them; a fan-out's
// update counts for each. Airflow's windows, but for the hours of a day, which are those that clocks show there: 23 or
// 25 where they change. Pure, any thread. Called by dagbag, by the engine and where the API tells what is missing; it
// does not know which updates have come.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/calendar/partition_key.h"
#include "core/model/schedule.h"

namespace millrace {

// Where an update stands in the window of its roll-up.
struct WindowPlace {
  std::string member;             // which of `keys` has come with it
  std::vector<std::string> keys;  // all that make up the window, each once, in order of time or as written
};
// INVALID_ARGUMENT: the mapper cannot read the key, or it is none of the set. A time counts for the minute, hour, day or
// month that it lies in.
StatusOr<WindowPlace> PlaceInWindow(const PartitionMapper& rollup, std::string_view key, const ZoneDatabase& zones);

// How far a window is. People are shown this; the engine counts for itself.
struct WindowProgress {
  std::vector<std::string> arrived, missing;  // together the window's keys, in its order
  std::size_t needed = 0;                     // so many are enough
};
// With updates of these keys, which all count for one run; one that the mapper cannot read counts for nothing.
WindowProgress ProgressOf(const PartitionMapper& rollup, const std::vector<std::string>& keys, const ZoneDatabase& zones);

// How many of `expected` keys must have come: all, or what the roll-up's `minimum` says, but never none.
std::size_t NeededKeys(const PartitionMapper& rollup, std::size_t expected);

// What an update with this key counts for under a mapper of kind kFanOut, in order, each once.
StatusOr<std::vector<Partition>> FanOut(const PartitionMapper& mapper, std::string_view key,
                                        const ZoneDatabase& zones);

// The mapper that writes a fan-out's keys when the author names none; kIdentity where one must be named.
PartitionMapper::Kind FanOutWriter(PartitionWindow::Kind window);

// What is wrong with a mapper of kind kRollup or kFanOut whatever the key: a window that its mapper does not fit.
Status CheckWindow(const PartitionMapper& mapper, const ZoneDatabase& zones);

}  // namespace millrace
