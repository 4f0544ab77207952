// What is decided about the stages of one job on the way, each once, by the rules: how joins join, how many tasks a stage has and
// what each of them reads, what becomes of hot partitions. Job asks when what a stage reads is there; what was decided stands in
// the graph's plan and decisions, and why in the progress. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "scheduler/jobs/job.h"
#include "scheduler/jobs/progress.h"
#include "scheduler/jobs/rules/cut.h"
#include "scheduler/jobs/rules/salt.h"
#include "scheduler/jobs/sketches.h"
#include "scheduler/jobs/stage_graph.h"

namespace millrace::jobs {

class Choices {
 public:
  // All live as long as this.
  Choices(StageGraph& graph, Progress& progress, const Cluster& cluster, const Sketches& earlier)
      : graph_(graph), progress_(progress), cluster_(cluster), earlier_(earlier) {}

  // Joins whose sides are known well enough become what they will be; gives the stages that wait until one is.
  std::set<std::int32_t> DecideJoins();
  // All that can be said before anything ran: for the report, and for who only wants to know.
  void DecideAhead();
  // How many tasks it has, and what each of them takes; all that it reads is there.
  void DecideTasks(std::int32_t stage);
  // An aggregation whose hot partitions are to become states first: that is a stage more, which it then waits for.
  bool Divide(std::int32_t stage);
  // Something was decided since this was asked last.
  bool TakeChanged() { return std::exchange(changed_, false); }

 private:
  // Heavy keys of what it will write get partitions of their own, for it and for all that share its partitions.
  void Salt(std::int32_t stage);
  // By its plan's sample, or by what an earlier run has shuffled there.
  SaltChoice SaltOf(std::int32_t stage, std::int32_t plain) const;
  // The groups of its reads, and whether the author gave the number of their partitions.
  std::map<std::int32_t, bool> Groups(std::int32_t stage) const;
  // What is hot among the partitions of a group, for the report, and how it may be cut.
  CutChoice CutGroup(std::int32_t stage, std::int32_t group, bool fixed);

  StageGraph& graph_;
  Progress& progress_;
  const Cluster& cluster_;
  const Sketches& earlier_;
  bool changed_ = false;
};

}  // namespace millrace::jobs
