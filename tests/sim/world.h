// A whole Millrace in one thread: the real loop, engine and jobs on a store that fails, workers with the real
// agent session and lease, and a network that breaks, duplicates and delivers late. World(seed).Run() plays
// some minutes with faults, then heals everything and waits until every run has ended. Invariants are checked
// at every commit and every start of an attempt.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "platform/zones.h"
#include "scheduler/loop.h"
#include "tests/sim/faults.h"
#include "tests/sim/invariants.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_worker.h"
#include "tests/sim/timeline.h"
#include "tests/support/fake_store.h"

namespace millrace::sim {

class World final : public EffectSink, public JournalSink, public LogSink, public WorkerNet {
 public:
  // `tells`: prints its story as it goes.
  explicit World(std::uint64_t seed, bool tells = false);
  ~World() override;

  void Run();

  // What broke, first things first; empty when nothing did.
  const std::vector<std::string>& problems() const { return invariants_.problems(); }
  // Of everything that happened: the same for the same seed.
  std::uint64_t trace() const { return trace_; }
  const test::StoredRows& rows() const { return rows_; }
  int commits() const { return commits_; }

  // EffectSink, JournalSink, LogSink: the scheduler's side.
  void Deliver(std::span<const Effect> effects) override;
  void Reset(const std::string& reason) override;
  void Committed(const std::shared_ptr<const Batch>& batch) override;
  void Log(LogLevel, std::string_view line) override { Note("log", line); }

  // WorkerNet: the workers' side.
  void Dial(SimWorker& worker, WorkerJoined join) override;
  void Send(SimWorker& worker, Event event) override;
  void HangUp(SimWorker& worker) override;
  void Started(const SimWorker& worker, const Assignment& assignment) override;
  void Noted(const SimWorker& worker, const std::string& what) override { Note(worker.name(), what); }
  void Succeeded(const Fence& fence) override { invariants_.Succeeded(fence); }
  void Told(const Assignment& assignment) override { invariants_.Told(assignment); }

  // In which things go wrong and people do things.
  static constexpr Duration kFaultyTime = std::chrono::minutes(4);

 private:
  struct Scheduler {
    explicit Scheduler(World& world);
    BoundedInbox inbox;
    test::FakeStore store;
    Loop loop;
    bool finishing = false;
  };
  struct Stream {
    SimWorker* worker = nullptr;
    SessionId session{};
    bool up = true;
    BootTime to_worker{};  // no message overtakes another
    BootTime to_scheduler{};
  };

  void Note(std::string_view what, std::string_view detail);
  void NoteEffect(const Effect& effect);
  void StartScheduler();
  void KillScheduler();
  void Wake(Duration delay);
  void StepScheduler();
  void HoldStore();
  void PutEvent(std::uint64_t stream, Event event);
  void Break(std::uint64_t stream);
  Duration Latency() {
    return random_.Between(std::chrono::microseconds(200), std::chrono::milliseconds(30));
  }
  void ScheduleFaults();
  void ScheduleUsers();
  void Submit(Command command);
  void CommandOfUser();
  CreateBackfill BackfillOfUser();
  void AnswerOfUser();
  std::string GroupOrTask(const Dag& dag, const std::string& task);
  void ChangeDag();
  void FollowVersion();
  void Heal();
  bool Quiet() const;

  const bool tells_;
  Random random_;
  const Faults faults_;
  Timeline timeline_;
  platform::TzdbZones zones_;
  test::StoredRows rows_;
  std::vector<DagPtr> dags_;
  Invariants invariants_;
  std::unique_ptr<Scheduler> scheduler_;
  std::uint64_t incarnation_ = 0;  // of the scheduler
  std::uint64_t wake_ = 0;         // only the newest wake counts
  BootTime stalled_until_{};
  BootTime disk_full_until_{};
  bool healed_ = false;
  std::map<std::uint64_t, Stream> streams_;
  std::uint64_t next_stream_ = 1;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  int next_run_ = 1;
  int commits_ = 0;
  std::uint64_t trace_ = 1469598103934665603ULL;
};

}  // namespace millrace::sim
