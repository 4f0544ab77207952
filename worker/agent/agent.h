// The worker process, runners and shuffle apart: joins the scheduler, keeps the lease, hands assignments to
// the runners and their reports and logs back, drains on request. It never runs user work itself.
//
// main.cc calls Run on its thread, and RequestDrain from the thread that waits for signals. Inside: the
// control stream's two threads, the log stream's two, the runners' reading threads; `mutex_` guards the
// session, and the runners' pool is called with it held, never the other way round.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "proto/worker.pb.h"
#include "worker/agent/control_stream.h"
#include "worker/agent/log_stream.h"
#include "worker/agent/session.h"
#include "worker/runner/pool.h"

namespace millrace::agent {

// The worker's side of the shuffle: serves what the keeper holds once the secret is known.
class ShuffleHost : public runner::BlockKeeper {
 public:
  // Called with each Welcome; an unchanged secret changes nothing.
  virtual Status Open(const std::string& secret) = 0;
};

struct AgentOptions {
  ConnectOptions connect;
  WorkerOffer offer;
  runner::PoolOptions pool;
  Duration drain_limit = std::chrono::minutes(10);  // then what still runs is killed and handed back
  // What attempts of a job left in staging goes when the job has ended, however it did. Run's thread.
  std::function<void(const std::string& folder)> drop_staging = [](const std::string&) {};
};

class Agent final : public ControlPeer, public runner::AttemptListener {
 public:
  Agent(AgentOptions options, const Clock& clock, LogSink& log, runner::Launcher& launcher,
        ShuffleHost& shuffle);
  ~Agent() override;

  // Until drained. The exit status: 0 when everything was finished or handed back.
  int Run();
  // No new attempts; Run returns when the ones at hand have ended. A second request kills them.
  void RequestDrain();

  // ControlPeer: the control stream's threads.
  v1::Join OnUp() override;
  void OnMessage(v1::SchedulerMessage message) override;
  bool NextMessage(v1::WorkerMessage& message, const std::function<bool()>& stop) override;
  void OnDown(const Status& status) override;
  void Wake() override;

  // AttemptListener: the runners' reading threads.
  void OnReport(Report report) override;
  void OnLog(const Fence& fence, std::string data) override;
  void OnStateRequest(StateRequest request) override;

 private:
  void OnWelcome(const v1::Welcome& welcome);
  void OnAssignments(v1::Assignments& assignments);
  void KillAllRunning(const std::string& reason);
  void HandBackWaiting();
  void Tick();
  void DropStaging();

  const AgentOptions options_;
  const Clock& clock_;
  LogSink& log_;
  ShuffleHost& shuffle_;

  std::mutex mutex_;                  // guards all below but the streams and the pool, which guard themselves
  std::condition_variable outgoing_;  // for the control stream's writer
  std::condition_variable changed_;   // for Run
  Session session_;
  bool connected_ = false;
  bool pool_open_ = false;
  bool lease_over_ = false;
  enum class Drain { kNo, kRequested, kKilling, kLeaving } drain_ = Drain::kNo;
  bool drain_told_ = false;
  bool left_told_ = false;
  std::optional<BootTime> report_at_;  // when what waits for the stream is to be told
  bool session_over_ = false;  // the scheduler ended it
  BootTime drain_until_{};
  bool heard_ = false;  // anything since the last heartbeat left
  int silent_heartbeats_ = 0;
  std::string scheduler_;                      // whose worker this is; opens the names of staging folders
  std::map<JobKey, std::string> job_folders_;  // of the jobs that this session took part in
  std::vector<std::string> ended_folders_;     // for Run to drop

  // In this order: each may call those before it until it is gone.
  LogStream logs_;
  runner::RunnerPool pool_;
  ControlStream control_;
};

}  // namespace millrace::agent
