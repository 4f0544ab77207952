// The stages of one job, as its plan and the decisions about them stand: who reads whom, what is complete,
// how large things are or may become. Job asks it; it changes nothing, but for Absorb and Divide, which rewrite
// the plan. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model/job.h"
#include "scheduler/jobs/progress.h"
#include "scheduler/jobs/rules/broadcast.h"
#include "scheduler/jobs/rules/cut.h"

namespace millrace::jobs {

// The stages that write the partitions which one stage reads together.
struct SharedShuffle {
  std::vector<std::int32_t> writers;
  std::vector<std::int32_t> may_salt;  // of them; the others' rows of a heavy key are written to all its partitions then
};

class StageGraph {
 public:
  // All three live as long as the graph, and change under it.
  StageGraph(JobPlan& plan, JobDecisions& decisions, const Progress& progress)
      : plan_(plan), decisions_(decisions), progress_(progress) {}

  std::int32_t count() const { return static_cast<std::int32_t>(plan_.stages.size()); }
  // The one that writes the output's files; stages that were added on the way come after it.
  std::int32_t last() const;
  const StagePlan& plan(std::int32_t stage) const { return plan_.stages[static_cast<std::size_t>(stage)]; }
  StageDecisions& decided(std::int32_t stage) const {
    return decisions_.stages[static_cast<std::size_t>(stage)];
  }
  bool absorbed(std::int32_t stage) const { return decided(stage).absorbed; }

  // A success must bring what its stage is for; a worker that answers something else is at fault, not the data.
  bool Fits(std::int32_t stage, const StageResult& result) const;
  // Every task has a winner.
  bool Complete(std::int32_t stage) const;
  // All that it reads is there.
  bool Ready(std::int32_t stage) const;
  std::vector<std::int32_t> Consumers(std::int32_t stage) const;
  // Every stage, readers before what they read.
  std::vector<std::int32_t> FromTheEnd() const;
  // A read of that group is of that stage.
  bool ReadsOf(std::int32_t stage, std::int32_t group, std::int32_t of) const;
  // The share has only some of the blocks of a partition, those of that map among them.
  bool CutsMap(std::int32_t stage, const TaskShare& share, std::int32_t map_stage, std::int32_t map) const;
  // Somebody will still read what it wrote.
  bool Needed(std::int32_t stage) const;

  std::vector<Split> Splits(std::int32_t stage) const;
  // The winners' answers, by task.
  std::vector<const MapResult*> Maps(std::int32_t stage) const;
  // Of the reads of one group, added up.
  std::vector<PartitionSize> Partitions(std::int32_t stage, std::int32_t group) const;
  // The reads of one group, as Cut asks for them.
  std::vector<CutRead> Reads(std::int32_t stage, std::int32_t group) const;
  // What it wrote, when it is complete; else what it reads, as far as that is known.
  std::int64_t Bytes(std::int32_t stage) const;
  // The stage that shares the partitions of this one's shuffle and has them already; 0: none has.
  std::int32_t SharedPartitions(std::int32_t stage) const;
  // Of the shuffle that it writes, unless something about it is decided that forbids partitions for heavy keys.
  std::optional<SharedShuffle> Shuffle(std::int32_t stage) const;
  // The partitions of heavy keys, which always are divided, as hot ones of an aggregation.
  void AddSalted(std::int32_t stage, std::vector<HotPartition>& hot) const;
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

  // The hot partitions of an aggregation become states in a stage of their own, a task a piece, and `stage` reads
  // those states beside the other partitions.
  void Divide(std::int32_t stage, const std::vector<HotPartition>& hot);
  // The partitions that are divided so.
  std::vector<bool> Divided(std::int32_t stage) const;

 private:
  const StageRead* ReadOf(std::int32_t stage, const std::string& view) const;
  std::vector<std::int32_t> Siblings(std::int32_t stage) const;

  JobPlan& plan_;
  JobDecisions& decisions_;
  const Progress& progress_;
};

}  // namespace millrace::jobs
