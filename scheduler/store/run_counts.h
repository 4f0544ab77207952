// How many runs a DAG has by date and state, for calendars. Any thread; answered from committed rows, as
// reader.h's readers do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/state.h"

namespace millrace::store {

class ReadPool;

// The runs whose date (the logical one; without one, run_after) is in a quarter of an hour, by state.
struct RunCount {
  WallTime quarter{};
  RunState state{};
  std::int64_t count = 0;
};

class RunCountReader {
 public:
  virtual ~RunCountReader() = default;
  // Of the dates in [from, to), in their order.
  virtual StatusOr<std::vector<RunCount>> CountRuns(const std::string& dag_id, WallTime from,
                                                    WallTime to) = 0;
};

std::unique_ptr<RunCountReader> MakeRunCountReader(ReadPool& pool);

}  // namespace millrace::store
