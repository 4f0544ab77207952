// How one mapreduce job proceeds: plan, stages with a barrier between one and those that read it, publish; what is made again
// when an output is lost; what a restart finds. Pure: the engine owns a Job per running mapreduce task instance, tells it what happened and
// does what it returns. Job never names workers' slots or fences: the engine places what it asks for.
//
// Decisions live in rules/, one file each, returning what was done and why; the report keeps both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/attempt.h"
#include "core/model/batch.h"

namespace millrace::jobs {

// One piece of work of a job; the engine makes attempts of it until one is chosen.
struct StageTaskId {
  std::int32_t stage = 0;  // kPlanStage, the plan's from 0, kFusedStage, kPublishStage
  std::int32_t index = 0;
  std::int32_t copy = 0;   // 1: an attempt beside the first, on another worker, or not at all
  friend auto operator<=>(const StageTaskId&, const StageTaskId&) = default;
};
inline constexpr std::int32_t kPlanStage = -1;
inline constexpr std::int32_t kFusedStage = 999;
inline constexpr std::int32_t kPublishStage = 1000;

// The workers that could take work, as the engine sees them when it asks.
struct Cluster {
  std::int32_t workers = 0;
  std::int32_t slots = 0;
  std::int64_t slot_bytes = 0;  // the memory of one slot of the worker that has the least; 0: not known
};

struct Start {
  StageTaskId id;
  std::shared_ptr<const StageWork> work;  // null of a copy: the first's
  std::int32_t slots = 1;
  // Spread: prefer the worker with the fewest of this job's attempts of this stage.
  bool spread = true;
};

// A stage task's first attempt, and how long it has been with its worker.
struct Underway {
  StageTaskId id;
  Duration elapsed{0};
};

struct Finish {
  Outcome outcome = Outcome::kSuccess;
  std::string message;
  std::string result;  // JSON for the task instance's result
  std::string sketches;  // for Job::Know of the task's next run; "": nothing worth it
};

struct Actions {
  std::vector<Start> start;
  std::vector<StageTaskId> cancel;     // a running attempt of it is no longer wanted
  std::vector<StageTaskRow> winners;   // to be durable before anything that depends on them starts
  std::optional<Finish> finish;        // the job is over
  bool report_changed = false;         // write the report to the store
};

class Job {
 public:
  // `with` is the task's rendered fields (JSON). A `with` that cannot be understood finishes the job at once.
  Job(JobKey key, std::string with, Cluster cluster);
  ~Job();

  // A fresh start, or after a restart with the rows that were durable.
  Actions Begin(std::vector<StageTaskRow> durable, WallTime now);

  // What an earlier run of the task left. It counts when the plan has not come yet; nobody waits for it.
  void Know(std::string_view sketches);

  // An attempt of a stage task ended on a worker. A success is chosen at most once. kLost: it went with its worker (after
  // OnSessionLost for that worker); Start it again once what it reads is there. The engine turns too many of them into kFailed.
  Actions OnEnded(StageTaskId id, const Report& report, SessionId session, const std::string& worker, WallTime now);

  // An attempt that it did not want any more, cancelled or lost with its worker, has ended: the timeline has it, too.
  void OnDroppedEnded(StageTaskId id, const Report& report, const std::string& worker);

  // Once a second or so, with all first attempts that workers have: whether some should be tried twice.
  Actions OnTick(const std::vector<Underway>& underway);

  // A worker is gone with the blocks it held: maps that reducers still need are made again.
  Actions OnSessionLost(SessionId session, WallTime now);

  // The task instance was ended over its head (cancelled, timed out): its report says so, and that nothing runs any more.
  void Stop(std::string_view state);

  // JSON: stages, attempts, partitions, rows, bytes, decisions.
  std::string ReportJson() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::jobs
