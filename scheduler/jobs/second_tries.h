// Which tasks of one job are tried twice at once: asks the rule (rules/speculate) about a stage, and starts what it names beside the
// first attempt. Job asks about once a second. Pure. Who of the two is chosen is Job's.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "scheduler/jobs/job.h"
#include "scheduler/jobs/progress.h"
#include "scheduler/jobs/stage_graph.h"

namespace millrace::jobs {

// Of a stage: its splits, by task.
using DealtSplits = std::map<std::int32_t, std::vector<std::vector<Split>>>;

class SecondTries {
 public:
  // All live as long as this.
  SecondTries(const StageGraph& graph, Progress& progress, const DealtSplits& dealt)
      : graph_(graph), progress_(progress), dealt_(dealt) {}

  // `underway`: how long first attempts have been with their workers. A stage of which not all tasks are placed is left alone: the
  // slots are better used for those that wait.
  void Start(Actions& actions, std::int32_t stage, const std::map<StageTaskId, Duration>& underway);

 private:
  // Bytes that the tasks of a stage read, by task.
  std::vector<std::int64_t> Sizes(std::int32_t stage) const;

  const StageGraph& graph_;
  Progress& progress_;
  const DealtSplits& dealt_;
};

}  // namespace millrace::jobs
