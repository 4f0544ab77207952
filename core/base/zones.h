// The time zone database, as core needs it. main.cc hands in one that reads the system's tz files.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace {

using LocalTime = std::chrono::local_time<Duration>;

// One zone's offsets; immutable, any thread.
class Zone {
 public:
  virtual ~Zone() = default;
  virtual std::string_view name() const = 0;
  virtual LocalTime ToLocal(WallTime time) const = 0;
  // The instants at which clocks in this zone show `local`, earliest first: two in a fold, none in a gap.
  virtual std::vector<WallTime> FromLocal(LocalTime local) const = 0;
  // Offset from UTC at an instant, for printing (+/-HH:MM).
  virtual Duration OffsetAt(WallTime time) const = 0;
};

// Any thread. Zones live as long as the database.
class ZoneDatabase {
 public:
  virtual ~ZoneDatabase() = default;
  // NOT_FOUND names the zone asked for. "UTC" is always known.
  virtual StatusOr<const Zone*> Find(std::string_view name) const = 0;
};

}  // namespace millrace
