// Dates as people write them, as dateutil.parser.parse reads them. Private to this room.
#pragma once

#include <string_view>

#include "core/template/datum.h"

namespace millrace::jinja {

struct DateOrder {
  bool day_first = false;   // 01/03/2001 is the first of March
  bool year_first = false;
};

// A time without a zone, or with an offset one in UTC. INVALID_ARGUMENT where dateutil finds none, and where it
// would ask the clock.
StatusOr<Datum> ParseDate(std::string_view text, DateOrder order);

}  // namespace millrace::jinja
