// What a success tells of its task's outlets: an event of each dataset, and of those that the task attached
// to its aliases. Pure; called by the engine when an attempt has ended.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/attempt.h"
#include "core/model/dag.h"

namespace millrace::engine {

// The XCom, or the member of what was returned, in which a task says more of its outlets:
// {"orders": {"extra": {...}, "partition_keys": ["eu", "us"]}, "an_alias": [{"dataset": "orders/2026", "extra": {...}}]}.
inline constexpr const char* kOutletEvents = "outlet_events";

struct OutletEvent {
  Dataset dataset;
  std::string extra = "{}";          // JSON object
  std::vector<std::string> aliases;  // by which it was attached; none: an outlet of its own
  // An event for each of these partition keys; none: one, with the key of the run.
  std::vector<std::string> partition_keys = {};
};

// In the order of the task's outlets, then of what it attached; what several aliases attach alike is one
// event. INVALID_ARGUMENT: what of it does not fit, and what would.
StatusOr<std::vector<OutletEvent>> OutletEventsOf(const Task& task, const std::string& result,
                                                  const std::vector<XComValue>& xcoms);

}  // namespace millrace::engine
