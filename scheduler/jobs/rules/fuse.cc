#include "scheduler/jobs/rules/fuse.h"

#include <algorithm>

#include "core/model/kept_texts.h"

namespace millrace::jobs {
namespace {

// Bytes a slot scans and shuffles in a second, until workers report their own: a group-by over 10 M rows on two cores.
constexpr double kScanRate = 250e6;
constexpr double kShuffleRate = 400e6;
constexpr double kBarrierSeconds = 0.020;
// What crosses the shuffle, as a share of the input: states of a combined aggregation, or every row.
constexpr double kCombinedShare = 0.05;

// Texts that a fused task may keep, as a share of its memory: DuckDB neither counts nor spills them.
constexpr double kTextShare = 8;

bool Combines(const StagePlan& stage) {
  return std::any_of(stage.steps.begin(), stage.steps.end(), [](const Step& step) { return step.name == "combine"; });
}

double BytesOf(const JobPlan& plan, const StagePlan& stage) {
  double bytes = 0;
  for (const Split& split : plan.splits) {
    if (std::find(stage.inputs.begin(), stage.inputs.end(), split.input) != stage.inputs.end()) bytes += static_cast<double>(split.bytes);
  }
  return bytes;
}

}  // namespace

FuseChoice Fuse(const JobPlan& plan, std::int32_t workers, std::int32_t slots, std::int64_t slot_bytes) {
  const double all_slots = std::max(slots, 1);
  const double one_worker = std::max(1.0, all_slots / std::max(workers, 1));
  const auto bytes = static_cast<double>(plan.input_bytes);
  // Every shuffle in turn: what a stage combines stays small from there on.
  double shuffled = 0;
  double barriers = 1;
  double share = 1;
  for (const StagePlan& stage : plan.stages) {
    if (stage.exchange == Exchange::kFiles) continue;
    if (Combines(stage)) share = kCombinedShare;
    // Stages that read inputs share those bytes among them; each later one moves what came of them.
    shuffled += stage.reads.empty() ? BytesOf(plan, stage) * share : bytes * share;
    if (stage.reads.empty() && barriers > 1) continue;  // beside the others, not after them
    barriers += 1;
  }
  FuseChoice choice;
  choice.fused_seconds = bytes / kScanRate / one_worker;
  choice.distributed_seconds = bytes / kScanRate / all_slots + shuffled / kShuffleRate / all_slots + barriers * kBarrierSeconds;
  const bool user_code = plan.fused.empty();
  if (plan.mode == "fused" || plan.mode == "distributed") {
    choice.fused = plan.mode == "fused";
    choice.decision = {"fuse", plan.mode, "the job says mode: " + plan.mode};
  } else if (plan.partitions > 0) {
    choice.decision = {"fuse", "distributed", "the job asks for " + std::to_string(plan.partitions) + " partitions"};
  } else if (user_code) {
    choice.decision = {"fuse", "distributed", "user code runs a process a slot"};
  } else if (slot_bytes > 0 && bytes * kTextShare > one_worker * static_cast<double>(slot_bytes) &&
             std::any_of(plan.stages.begin(), plan.stages.end(), &KeepsTexts)) {
    choice.decision = {"fuse", "distributed", "it keeps texts of " + Bytes(bytes) + " of input, more than one task's memory may hold"};
  } else {
    choice.fused = choice.fused_seconds <= choice.distributed_seconds;
    choice.decision = {"fuse", choice.fused ? "fused" : "distributed",
                       "estimated " + Seconds(choice.fused_seconds) + " fused, " + Seconds(choice.distributed_seconds) +
                           " distributed over " + std::to_string(workers) + " workers, for " + Bytes(bytes) + " of input"};
  }
  return choice;
}

}  // namespace millrace::jobs
