// Turns: a stage task that would hold more at once than its share of memory does its work a part after the
// other. What it reads by keys comes in ranges of a hash of them, as if there were more partitions. Splits
// come a few at a time where a combine keeps texts: DuckDB does not count those, so it would never spill
// them. How many, the turns before tell by what came of them. One thread; decides, runs nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/job.h"
#include "worker/mapreduce/site.h"
#include "worker/mapreduce/stage_task.h"

namespace millrace::mapreduce {

class Turns {
 public:
  Turns(const Site& site, const StageTaskWork& work, const Gathered& gathered);

  // Of the one that is on: 0, 1, and so on.
  int number() const { return number_; }
  // Of a task that reads by keys all are known; 1 for others.
  int by_keys() const { return by_keys_; }
  // What stands behind the name of a file: nothing in the first turn.
  std::string Suffix() const { return number_ == 0 ? "" : ".t" + std::to_string(number_); }
  // Splits of the turn.
  const std::vector<Split>& splits() const { return splits_; }
  // SQL over the columns of a read: its rows that belong to the turn; "": all.
  std::string Condition(const TaskRead& read) const;
  // To the next one, after `bytes` came of all turns so far; false: there is none.
  bool Next(std::uint64_t bytes);

 private:
  void TakeSplits();

  int number_ = 0;
  int by_keys_ = 1;
  std::vector<Split> left_;  // for later turns
  std::vector<Split> splits_;
  std::uint64_t most_ = 0;  // that may come of a turn
  std::uint64_t came_ = 0;  // of the turns before
  double file_bytes_ = 0;   // of this turn's splits, at most
};

}  // namespace millrace::mapreduce
