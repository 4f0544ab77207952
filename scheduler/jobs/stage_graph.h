// The stages of one job, as its plan and the decisions about them stand: who reads whom, what is complete,
// how large things are or may become. Job asks it; it changes nothing, but for Absorb, which rewrites the
// plan. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/progress.h"
#include "scheduler/jobs/rules/broadcast.h"

namespace millrace::jobs {

class StageGraph {
 public:
  // All three live as long as the graph, and change under it.
  StageGraph(JobPlan& plan, JobDecisions& decisions, const Progress& progress)
      : plan_(plan), decisions_(decisions), progress_(progress) {}

  std::int32_t count() const { return static_cast<std::int32_t>(plan_.stages.size()); }
  std::int32_t last() const { return count() - 1; }
  const StagePlan& plan(std::int32_t stage) const { return plan_.stages[static_cast<std::size_t>(stage)]; }
  StageDecisions& decided(std::int32_t stage) const {
    return decisions_.stages[static_cast<std::size_t>(stage)];
  }
  bool absorbed(std::int32_t stage) const { return decided(stage).absorbed; }

  // Every task has a winner.
  bool Complete(std::int32_t stage) const;
  // All that it reads is there.
  bool Ready(std::int32_t stage) const;
  std::vector<std::int32_t> Consumers(std::int32_t stage) const;
  // Somebody will still read what it wrote.
  bool Needed(std::int32_t stage) const;

  std::vector<Split> Splits(std::int32_t stage) const;
  // The winners' answers, by task.
  std::vector<const MapResult*> Maps(std::int32_t stage) const;
  // Of the reads of one group, added up.
  std::vector<PartitionSize> Partitions(std::int32_t stage, std::int32_t group) const;
  // What it wrote, when it is complete; else what it reads, as far as that is known.
  std::int64_t Bytes(std::int32_t stage) const;
  // The stage that shares the partitions of this one's shuffle and has them already; 0: none has.
  std::int32_t SharedPartitions(std::int32_t stage) const;
  // What the stages that share its shuffle's partitions read.
  std::int64_t ShuffleBytes(std::int32_t stage) const;

  // What every task of it works on; then one task's share of what it reads. Splits are dealt elsewhere.
  StageTaskWork WorkOf(std::int32_t stage) const;
  void Narrow(StageTaskWork& work, const TaskShare& share) const;

  // Of a join that is not decided yet.
  JoinSide Side(std::int32_t join, const std::string& view) const;
  // The task that makes `other` reads something else by the name of `broadcast`.
  bool Clash(const JoinSide& broadcast, const JoinSide& other) const;
  // The join takes over the work of the stage that makes `other`, and its tasks read `broadcast` whole.
  void Absorb(std::int32_t join, const JoinSide& broadcast, const JoinSide& other);

 private:
  const StageRead* ReadOf(std::int32_t stage, const std::string& view) const;
  std::vector<std::int32_t> Siblings(std::int32_t stage) const;

  JobPlan& plan_;
  JobDecisions& decisions_;
  const Progress& progress_;
};

}  // namespace millrace::jobs
