// The DuckDB instances of one runner. Opening one takes 6 to 13 ms and closing 2 to 3, as long as all the
// rest that surrounds a small query: so some are opened ahead, while the runner waits for work, and the
// attempts of a job hand theirs on. An instance takes its options (threads, memory, sandbox) when it is first
// taken and keeps them; it goes only to who asks for the same. One attempt at a time has it.
//
// Does not know jobs: that a runner has one job at most, and instances of different jobs so never meet, is
// the pool's rule. Any thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "worker/sql/instance.h"

namespace millrace::sql {

class InstanceStock {
 public:
  // Opens instances, one after the other, until so many have been opened ahead. Errors are left to Take.
  void Prepare(int count);

  // One that was given back with the same options, else one opened ahead, else a new one. In memory only. Its
  // temporary folder is its own, `temp_folder` and a number: others may spill at the same time, and DuckDB
  // makes one folder but not its parents.
  StatusOr<std::unique_ptr<Instance>> Take(const InstanceOptions& options);

  // `options` are those it was taken with; its connections have ended, and with them all that is TEMP;
  // nothing else was made, and no statement had failed.
  void GiveBack(const InstanceOptions& options, std::unique_ptr<Instance> instance);

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable opened_;
  std::vector<std::unique_ptr<Instance>> ahead_;
  std::vector<std::pair<InstanceOptions, std::unique_ptr<Instance>>> idle_;
  int prepared_ = 0;
  int opening_ = 0;  // by Prepare, at this moment
  int takers_ = 0;   // that wait for it
  int folders_ = 0;  // given out so far
};

}  // namespace millrace::sql
