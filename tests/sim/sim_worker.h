// A worker of the simulator: the agent's real session and lease; processes, streams and the work itself are
// modelled.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "core/model/effect.h"
#include "core/model/event.h"
#include "tests/sim/random.h"
#include "tests/sim/timeline.h"
#include "worker/agent/session.h"

namespace millrace::sim {

class SimWorker;

// How a worker reaches the scheduler.
class WorkerNet {
 public:
  virtual ~WorkerNet() = default;
  virtual void Dial(SimWorker& worker, WorkerJoined join) = 0;
  virtual void Send(SimWorker& worker, Event event) = 0;
  virtual void HangUp(SimWorker& worker) = 0;
  virtual void Started(const SimWorker& worker, const Assignment& assignment) = 0;
  virtual void Succeeded(const Fence& fence) = 0;
  virtual void Told(const Assignment& assignment) = 0;
  // For the story.
  virtual void Noted(const SimWorker& worker, const std::string& what) = 0;
};

class SimWorker {
 public:
  SimWorker(std::string name, int slots, std::uint64_t seed, Timeline& timeline, WorkerNet& net);

  void Boot();
  void OnMessage(const Effect& effect);
  // The stream ended: it dials again after a while.
  void OnStreamEnded();

  // Faults.
  void Die();
  void Freeze(Duration length);
  void Drain();

  const std::string& name() const { return name_; }
  bool frozen() const { return timeline_.now().boot < frozen_until_; }
  BootTime frozen_until() const { return frozen_until_; }
  BootTime unreachable_until{};  // the net's
  std::uint64_t stream = 0;      // the net's; 0: none
  // The attempts of an instance that run here and that nobody has told to stop.
  std::set<Fence> Running(TaskInstanceKey key) const;
  // Users see no more failures from now on.
  void Behave() { behaves_ = true; }

 private:
  struct Work {
    Assignment assignment;
    bool running = false;
    bool stopping = false;
  };

  void Note(const std::string& what) { net_.Noted(*this, what); }
  // Runs `what` unless the process that asked for it is gone; a frozen host does it when it thaws.
  void Later(Duration delay, std::function<void()> what);
  void Do(std::uint64_t process, const std::function<void()>& what);
  void Dial();
  void Welcomed(const Welcome& welcome);
  void Assigned(const Assignment& assignment);
  void StartNext();
  void Finish(Fence fence);
  void Kill(Fence fence, Outcome outcome, const std::string& message);
  void Tell(Report report);
  void Flush();
  void Beat();
  void WatchLease();
  Outcome Draw();
  StageResult ResultOf(const Assignment& assignment) const;

  const std::string name_;
  const int slots_;
  Random random_;
  Timeline& timeline_;
  WorkerNet& net_;
  std::uint64_t process_ = 0;
  BootTime frozen_until_{};
  std::optional<agent::Session> session_;
  bool welcomed_ = false;
  bool draining_ = false;
  bool behaves_ = false;
  std::map<Fence, Work> work_;
  std::deque<Fence> order_;  // as they came
};

}  // namespace millrace::sim
