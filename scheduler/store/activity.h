// What ran when, over all DAGs: counts over time, and the task instances of a window. For pages that show the
// whole installation. Any thread; answered from committed rows, as reader.h's readers do.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/batch.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

class ReadPool;

// How many ended in a part of the window in a state.
template <typename State>
struct Ended {
  std::int64_t part = 0;  // -1: not ended yet
  State state{};
  std::int64_t count = 0;
};

struct ActivityCounts {
  std::vector<Ended<RunState>> runs;
  std::vector<Ended<TaskState>> task_instances;
  bool all = true;  // false: of the task instances only so many, those of the newest runs
};

// A run, and those of its task instances that waited for a slot or were at work in the window.
struct RunActivity {
  Run run;
  std::vector<TaskInstance> instances;
};

struct WindowActivity {
  std::vector<RunActivity> runs;  // the newest first
  bool all = true;                // false: there are more, or older runs were not looked at
};

class ActivityReader {
 public:
  virtual ~ActivityReader() = default;
  // What ended in [from, to), by the parts of that length, and what has not ended of runs that have not.
  virtual StatusOr<ActivityCounts> Count(WallTime from, WallTime to, Duration part,
                                         const TeamsSeen& teams) = 0;
  // At most `limit` task instances.
  virtual StatusOr<WindowActivity> ListWindow(WallTime from, WallTime to, std::int64_t limit,
                                              const TeamsSeen& teams) = 0;
};

// What one answer looks at: a page may not keep a reader busy for long.
struct ActivityBounds {
  std::int64_t runs = 25'000;  // the newest; a day of a thousand DAGs that run every hour has 24,000
  std::int64_t counted = 400'000;  // task instances
};

std::unique_ptr<ActivityReader> MakeActivityReader(ReadPool& pool, ActivityBounds bounds = {});

}  // namespace millrace::store
