// dateutil's relativedelta: calendar units to add to a time, and units to set in it. Private to this room.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace::jinja {

class Arguments;
class Datum;

struct RelativeDelta {
  // years, months, days, hours, minutes, seconds, microseconds
  std::array<std::int64_t, 7> plus{};
  // year, month, ..., microsecond
  std::array<std::optional<std::int64_t>, 7> set{};
  friend bool operator==(const RelativeDelta&, const RelativeDelta&) = default;

  bool any() const { return *this != RelativeDelta{}; }
  // Larger units take what smaller ones have too much of: 90 minutes are an hour and 30 minutes.
  void Carry();
  RelativeDelta Times(std::int64_t factor) const;
  RelativeDelta Plus(const RelativeDelta& other) const;
  std::string Text() const;
};

// relativedelta(months=1, day=31)
StatusOr<RelativeDelta> RelativeDeltaOf(const Arguments& arguments);
// The day is cut to the month's last. INVALID_ARGUMENT: not within years 1 to 9999.
StatusOr<WallTime> Moved(WallTime time, const RelativeDelta& by);
// A field by its name: months, month, weeks. Undefined when there is none.
Datum RelativeField(const RelativeDelta& delta, std::string_view name);

}  // namespace millrace::jinja
