// An engine with a store that never fails and a clock that tests move: events in, rows and effects out, one
// commit an event. The scenarios and the engine's unit tests speak through it. Attempts are named by their
// task: the driver knows the fences.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/zones.h"
#include "core/model/effect.h"
#include "core/model/event.h"
#include "core/template/lookup.h"
#include "platform/zones.h"
#include "scheduler/engine/engine.h"
#include "tests/support/stored_rows.h"

namespace millrace::test {

class EngineDriver {
 public:
  explicit EngineDriver(engine::EngineOptions options = {},
                        WallTime start = WallFromMicros(983'404'800'000'000));  // 2001-03-01

  // Applies the event, commits, and keeps the effects in `effects`; a Need is answered at once.
  void Apply(const Event& event);
  // Moves both clocks, stopping at every timer on the way.
  void Advance(Duration by);
  // Sets the wall clock ahead, without time passing.
  void StepClock(Duration by);
  // Kills the scheduler and starts it again on the same rows. Every stream is gone.
  void Restart();

  CommandReply Do(Command command);
  void LoadDag(DagPtr dag) { Apply(DagLoaded{std::move(dag)}); }
  // Ok, or the test fails: the run's id.
  std::string Trigger(const std::string& dag_id, const std::string& run_id = "",
                      const std::string& conf = "{}");

  // A worker joins; the session it was given, or none when it was refused.
  SessionId Join(const std::string& name, std::int32_t slots = 4);
  SessionId Rejoin(const std::string& name, SessionId session, std::vector<Fence> inventory,
                   std::vector<Report> reports = {});
  // What a worker says of the newest attempt of a task that was assigned anywhere ("run/task", or the task of
  // the only run).
  void Start(const std::string& task);
  void End(const std::string& task, Outcome outcome = Outcome::kSuccess, const std::string& message = "",
           const std::string& result = "");
  void Report(SessionId session, const Fence& fence, bool ended, Outcome outcome = Outcome::kSuccess,
              const std::string& message = "", const std::string& result = "",
              const std::function<void(millrace::Report&)>& change = nullptr);
  // What a worker says of the newest try of a notification.
  void Deliver(std::int64_t id, Outcome outcome = Outcome::kSuccess, const std::string& message = "");
  // What a worker says of the newest look for a dataset that is watched.
  void Look(const std::string& dataset, Outcome outcome, const std::string& message = "",
            const std::string& result = "");
  void Heartbeat(SessionId session);

  // The newest assignment of a task, or nullptr.
  const Assign* Assigned(const std::string& task) const;
  TaskState StateOf(const std::string& task) const;
  const TaskInstance& InstanceOf(const std::string& task) const;
  RunState StateOfRun(const std::string& run_id) const;
  std::vector<std::string> WhyOf(const std::string& task) const;
  // Tasks in a state, "run/task" when there are several runs, in order.
  std::vector<std::string> TasksIn(TaskState state) const;
  template <typename T>
  std::vector<T> Effects() const {
    std::vector<T> found;
    for (const Effect& effect : effects) {
      if (const T* one = std::get_if<T>(&effect)) found.push_back(*one);
    }
    return found;
  }

  engine::Engine& engine() { return *engine_; }
  Now now() const { return now_; }
  std::string NameOf(const TaskInstanceKey& key) const;
  TaskInstanceKey KeyOf(const std::string& task) const;

  // A "variable" or a "connection", from then on.
  void Define(const std::string& what, const std::string& name, const std::string& text);
  // It is of this team, from then on.
  void Give(const std::string& what, const std::string& name, const std::string& team);

  StoredRows rows;
  std::map<LookupRef, Value> outside;  // variables and connections
  std::map<LookupRef, std::string> outside_teams;  // of those that are a team's
  std::vector<Effect> effects;                 // of the last event
  std::vector<Batch> batches;                  // all of them
  std::map<TaskInstanceKey, Assign> assigned;  // the newest of each
  std::map<std::int64_t, Assign> deliveries;   // the newest of each notification
  std::map<std::string, Assign> looks;         // the newest of each dataset that is watched

 private:
  void Commit(engine::Output output);
  // The store's answers to what the engine needs.
  void AnswerNeeds();
  StatusOr<std::string> LoadState(const NeedState& need) const;
  std::vector<FoundValue> LookUp(const NeedXComs& need) const;

  engine::EngineOptions options_;
  platform::TzdbZones zones_;
  Now now_;
  std::unique_ptr<engine::Engine> engine_;
  std::map<SessionId, std::uint64_t> reported_;
  std::map<SessionId, WorkerOffer> offers_;
  std::uint64_t next_stream_ = 1;
  std::uint64_t next_reply_ = 1;
};

}  // namespace millrace::test
