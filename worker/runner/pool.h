// The runners of one worker: a warm one a slot for ordinary attempts, one a job for its stage work, one for all
// sensors beside the slots, one spare with DuckDB open so that a job waits for neither. Places attempts, hands down the lease, kills what does not
// stop by itself, and turns the death of a runner into the ends of its attempts.
//
// Called by the agent's loop; listens on the runners' reading threads. Knows nothing of sessions or of the
// scheduler.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/model/attempt.h"
#include "core/model/state_store.h"
#include "proto/runner.pb.h"
#include "worker/runner/launcher.h"
#include "worker/runner/runner.h"

namespace millrace::runner {

// Keeps the blocks of finished map tasks, so that they outlive their runner; worker/shuffle stands behind it.
// Any thread.
class BlockKeeper {
 public:
  virtual ~BlockKeeper() = default;
  virtual Status Keep(const v1::BlocksReady& blocks, Descriptor descriptor) = 0;
  virtual void Release(const JobKey& job) = 0;
};

// What attempts do, told on the runners' reading threads.
class AttemptListener {
 public:
  virtual ~AttemptListener() = default;
  virtual void OnReport(Report report) = 0;
  // May block: then the runner's tasks are slowed down.
  virtual void OnLog(const Fence& fence, std::string data) = 0;
  // An attempt asks a state store; answered by RunnerPool::Answer. Never waits.
  virtual void OnStateRequest(StateRequest request) = 0;
};

struct PoolOptions {
  std::vector<std::string> arguments;    // to start a runner; the program's path first
  std::vector<std::string> environment;  // of runners, "NAME=value"; nothing secret
  v1::RunnerSetup setup;                 // of a runner of one slot; lease_until and concurrent are the pool's
  int slots = 1;
  std::int64_t memory_bytes = 0;      // of all slots together
  std::set<std::string> short_kinds;  // may be queued behind each other in one runner
};

class RunnerPool {
 public:
  RunnerPool(PoolOptions options, const Clock& clock, LogSink& log, Launcher& launcher,
             AttemptListener& listener, BlockKeeper& blocks);
  ~RunnerPool();
  RunnerPool(const RunnerPool&) = delete;
  RunnerPool& operator=(const RunnerPool&) = delete;

  // Starts the warm runners. `shuffle_secret` came with the Welcome.
  void Open(const std::string& shuffle_secret, BootTime lease_until);

  void Start(std::vector<v1::Assignment> assignments);
  // TERM, grace, KILL; the end is reported as killed with the reason. Unknown attempts are ignored.
  void Cancel(const Fence& fence, const std::string& reason);
  // To the attempt that asked, if it is there.
  void Answer(const StateAnswer& answer);
  // The attempts that no runner has begun, for handing back; nothing is reported of them.
  std::vector<Fence> TakeWaiting();
  // The job is over for this worker: its runner is closed, its blocks are freed.
  void EndJob(const JobKey& job);
  // Sensors end as not yet: another worker looks from now on.
  void HandBackSensors(const std::string& reason);
  // Every runner dies now; attempts end as lost, sensors as not yet.
  void KillAll(const std::string& reason);
  void Renew(BootTime lease_until);
  // Kills what overstayed its grace, replaces dead runners. Once a second or so.
  void Tick();

 private:
  struct Running;
  struct Seat;
  class Listener;

  Seat* FreeSeat(const std::string& kind);
  // For a short attempt: behind a few others.
  Seat* ShortSeat();
  // Of deliveries of notifications, which take no slot: one runner, a few at a time.
  Seat* CourierSeat();
  Seat* JobSeat(const JobKey& job);
  Seat* SensorSeat();
  template <typename Visit>
  void EachSeat(const Visit& visit);
  std::unique_ptr<Runner> TakeSpare();
  void TendSpare(BootTime now);
  void TickLocked(std::vector<std::unique_ptr<Runner>>& dead, std::vector<std::string>& leftovers);
  void SetAside(const std::string& folder);
  bool EnsureRunner(Seat& seat);
  void Give(Seat& seat, v1::Assignment assignment);
  void Feed();
  void Handle(Runner& runner, v1::FromRunner message, Descriptor descriptor);
  void HandleReport(Runner& runner, const v1::Report& wire);
  void HandleStateRequest(Runner& runner, const v1::StateRequest& wire);
  void HandleExit(Runner& runner, int wait_status);
  Seat* SeatOf(const Runner& runner);
  Report EndOf(const Fence& fence, Outcome outcome, std::string message) const;

  const PoolOptions options_;
  const Clock& clock_;
  LogSink& log_;
  Launcher& launcher_;
  AttemptListener& attempts_;
  BlockKeeper& blocks_;
  std::unique_ptr<Listener> listener_;

  std::mutex mutex_;  // guards all below; never held while the attempts' listener is called
  bool open_ = false;
  bool closing_ = false;
  std::string shuffle_secret_;
  BootTime lease_until_{};
  std::vector<std::unique_ptr<Seat>> slots_;
  std::unique_ptr<Seat> courier_;  // when there was something to deliver
  std::map<JobKey, std::unique_ptr<Seat>> jobs_;
  std::unique_ptr<Seat> sensors_;
  std::deque<v1::Assignment> waiting_;
  std::map<Fence, Seat*> places_;
  std::map<Fence, std::string> broken_blocks_;  // why a map's blocks could not be kept
  std::unique_ptr<Runner> spare_;
  BootTime spare_due_{};  // then there is to be one, whatever else runs here
  std::vector<std::string> leftovers_;  // folders to be removed by Tick
  std::uint64_t set_aside_ = 0;
  std::vector<std::unique_ptr<Runner>> dead_;  // their reading threads have called OnExit; joined by Tick
};

}  // namespace millrace::runner
