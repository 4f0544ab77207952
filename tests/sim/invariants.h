// What must hold whatever goes wrong. Looks at what is durable and at what workers really do, never at the
// engine.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/model/attempt.h"
#include "core/model/batch.h"
#include "core/model/command.h"
#include "tests/support/stored_rows.h"

namespace millrace::sim {

class Invariants {
 public:
  explicit Invariants(const test::StoredRows& rows) : rows_(rows) {}

  // The store refused a batch for what is in it: a transition that is illegal or starts elsewhere, a run
  // twice.
  void Refused(const Status& status) { Add("the store refused a batch: " + status.ToString()); }
  // After each durable batch: limits, legal transitions, successes that somebody really had.
  void Committed(const Batch& batch);
  // An attempt begins on a worker: it is durable, its upstream allows it, and no other attempt of it runs.
  void Started(const std::string& worker, const Assignment& assignment,
               const std::set<Fence>& running_elsewhere);
  void Succeeded(const Fence& fence) { succeeded_.insert(fence); }
  void Told(const Assignment& assignment) { told_.insert(assignment.try_number); }
  // An answer left: what it says is durable.
  void Replied(const CommandReply& reply);
  // A user has touched it, instances that mapping adds later too: attempts that are being killed may overlap
  // with the next, and a state may be one set by hand.
  void Touched(RunKey run) { touched_runs_.insert(run); }
  // The end: every run is over, what was answered is there, what was to be told was told at least once.
  void Finished();

  void Add(std::string problem) {
    if (problems_.size() < 20) problems_.push_back(std::move(problem));
  }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void CheckLimits();
  void CheckRetries(const Batch& batch);
  void CheckPaused(const Batch& batch);
  void CheckLoop(const Task& task, const TaskInstance& row);
  void CheckTriggered();
  void CheckOutbox(const Batch& batch);
  void StartedDelivery(const std::string& worker, const Assignment& assignment);
  bool IsTouched(TaskInstanceKey key) const {
    return touched_.contains(key) || touched_runs_.contains(key.run);
  }
  const Dag& DagOf(RunKey key) const {
    const Run& run = rows_.runs.at(key);
    DagPtr& dag = dags_[{key, run.version, run.former_tasks.value_or(std::vector<std::string>())}];
    if (dag == nullptr) dag = rows_.DagOf(run);
    return *dag;
  }

  const test::StoredRows& rows_;
  mutable std::map<std::tuple<RunKey, std::int32_t, std::vector<std::string>>, DagPtr> dags_;  // as runs see them
  std::set<Fence> succeeded_;
  std::set<std::pair<std::string, std::string>> cached_;  // tasks, by DAG, that have left a result for others
  std::set<std::int64_t> told_;  // notifications
  std::map<std::string, std::vector<std::string>> paused_;  // tasks, by DAG, before the commit
  std::set<TaskInstanceKey> touched_;
  std::set<RunKey> touched_runs_;
  std::map<RunKey, std::int64_t> made_by_;  // the backfill, or 0
  std::set<RunKey> answered_;
  std::vector<std::string> problems_;
};

}  // namespace millrace::sim
