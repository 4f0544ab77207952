// Where a runner of the pool sits, and what runs there: the pool's own, for pool.cc and pool_reports.cc
// alone. Guarded by the pool's mutex.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "worker/runner/pool.h"

namespace millrace::runner {

struct RunnerPool::Running {
  bool is_short = false;
  bool begun = false;
  WallTime started_at{};
  Duration grace{0};
  std::optional<BootTime> kill_at;  // it was told to stop
  std::string reason;
};

// Where a runner sits: a slot or a job.
struct RunnerPool::Seat {
  std::unique_ptr<Runner> runner;
  std::map<Fence, Running> running;
  std::size_t shorts = 0;  // of these, those that take microseconds and were not told to stop
  std::string death;       // not empty: we kill the runner, for this reason
  Outcome death_outcome = Outcome::kLost;
  bool last_ran_nothing = false;  // the runner died without having run anything: not started again at once
  BootTime started_at{};
  std::string folder;  // of a job: its attempts' files lie there
};

}  // namespace millrace::runner
