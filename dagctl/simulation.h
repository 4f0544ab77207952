// DAGs in the real engine, on a clock that jumps from one thing that happens to the next: what their
// schedules, retries, limits and overlap policies make of a stretch of time, in seconds. Called by `dagctl
// simulate`, its tests and its benchmark, on one thread.
//
// Workers are perfect: there is always a free slot, every attempt takes as long as it is said to and succeeds
// unless it is said to fail. What a task would really do is left out, its templates too; only what decides
// which tasks run (branch, short_circuit, latest_only, expand, trigger_dag of a DAG that takes part) is rendered.
// People approve, after a task's length. Nothing is stored.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/dag.h"
#include "core/model/event.h"
#include "core/model/run.h"
#include "scheduler/engine/engine.h"

namespace millrace::dagctl {

// How the attempts of one task end.
struct TaskScript {
  std::optional<Duration> length;
  std::int32_t failures = 0;  // so many attempts of each of its instances fail
  // JSON: what it returns; of a task that loops, in one iteration after the other, and the last in all further ones.
  // None: see ResultOf.
  std::vector<std::string> results;
};

struct SimulationOptions {
  std::string dag_id;  // whose runs are wanted; other DAGs are there for the datasets that they update
  WallTime start{};
  WallTime end{};      // runs by schedule have logical dates from start to before end; all go on to their end
  Duration length{0};  // of an attempt
  std::map<std::string, TaskScript> tasks;  // of that DAG
};

struct SimulatedTask {
  std::string task_id;
  std::int32_t map_index = -1;
  TaskState state = TaskState::kNone;
  std::int32_t try_number = 0;
  std::optional<WallTime> started_at;
  std::optional<WallTime> ended_at;
};

struct SimulatedRun {
  Run run;
  std::array<std::int32_t, kTaskStateCount> states{};  // task instances in each
  std::int32_t attempts = 0;
  std::vector<SimulatedTask> tasks;
};

class Simulation {
 public:
  // `zones` outlives it.
  Simulation(const std::vector<DagPtr>& dags, SimulationOptions options, const ZoneDatabase& zones);

  // Each run of the wanted DAG, in the order they were made. RESOURCE_EXHAUSTED when there are too many.
  StatusOr<std::vector<SimulatedRun>> Play();

  // Runs by schedule that were left out because an earlier one was not over (overlap: skip).
  int skipped() const { return skipped_; }

 private:
  Image FirstImage() const;
  DagPtr WithoutWork(const Dag& dag) const;
  const std::string* TargetOf(const Task& task) const;
  bool Triggers(const Dag& dag, const Task& task) const;
  bool StaysSensor(const Task& task) const;
  std::string ResultOf(const Dag& dag, const Task& task, const TaskInstanceKey& key) const;
  const TaskScript* ScriptOf(const Dag& dag, const Task& task) const;
  bool CanTellWhenDone(const Dag& dag, const Task& task) const;
  void Apply(const Event& event);
  void Take(const engine::Output& output);
  void Keep(const Batch& batch);
  void Happen(const Effect& effect);
  void Begin(const Assign& assign);
  void Stop(const CancelAttempt& cancel);
  void Finish(const Run& run);
  RunImage ImageOf(const Run& run) const;
  std::vector<RunImage> RunsOf(const NeedRuns& need) const;
  StatusOr<RunImage> Previous(const NeedPrevious& need) const;
  // Everything that is due at this moment.
  void Settle();
  // Moves the clock to the next thing that happens; false: there is none.
  bool Step();

  const SimulationOptions options_;
  const ZoneDatabase& zones_;
  std::map<std::string, DagPtr, std::less<>> dags_;
  std::unique_ptr<engine::Engine> engine_;
  Now now_;

  SessionId session_{};
  std::uint64_t sequence_ = 0;
  std::vector<Report> started_;              // to be told at this moment
  std::multimap<BootTime, Report> running_;  // by when they end
  std::map<RunKey, Run> runs_;               // unfinished; all, when a task depends on earlier ones
  std::set<RunKey> unfinished_;
  std::map<std::pair<std::string, WallTime>, RunKey> by_date_;
  std::map<TaskInstanceKey, TaskInstance> instances_;
  std::map<XComKey, XComRow> xcoms_;
  bool looks_back_ = false;  // a task depends on other runs
  std::map<RunKey, SimulatedRun> wanted_;
  int skipped_ = 0;
};

}  // namespace millrace::dagctl
