// The parent's half of one runner: a child process that runs attempts, seen through its socket. Starts it,
// feeds it, tells what it says, kills it. Which attempts it gets is the pool's business.
//
// Methods: any thread. The listener is called on the runner's reading thread, last with OnExit.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>

#include "core/base/status.h"
#include "proto/runner.pb.h"
#include "worker/runner/channel.h"
#include "worker/runner/launcher.h"

namespace millrace::runner {

class Runner;

class RunnerListener {
 public:
  virtual ~RunnerListener() = default;
  // The descriptor is valid for BlocksReady only. May block: then the runner's tasks are slowed down.
  virtual void OnMessage(Runner& runner, v1::FromRunner message, Descriptor descriptor) = 0;
  // The process is gone, and so is every process of its session; `how` in words, the status from wait.
  virtual void OnExit(Runner& runner, int wait_status) = 0;
};

class Runner {
 public:
  // `arguments` begins with the program's path. stderr is the agent's.
  static StatusOr<std::unique_ptr<Runner>> Start(const std::vector<std::string>& arguments,
                                                 const std::vector<std::string>& environment,
                                                 Launcher& launcher, RunnerListener& listener);
  // Kills the process if it lives, and waits for it.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Never waits.
  Status Post(const v1::ToRunner& message) { return channel_.Post(message); }
  // A message that leaves with the next one or with Push.
  Status Hold(const v1::ToRunner& message) { return channel_.Hold(message); }
  Status Push() { return channel_.Push(); }
  // SIGKILL to its whole session.
  void Kill();
  pid_t pid() const { return pid_; }

 private:
  Runner(pid_t pid, Descriptor socket, RunnerListener& listener);
  void Read();

  const pid_t pid_;
  Channel channel_;
  RunnerListener& listener_;
  std::mutex reap_mutex_;
  bool reaped_ = false;  // guarded; after that the pid may be somebody else's
  std::thread reader_;
};

// SIGKILL to every process of a session but `except`: also to groups that their leader left behind.
void KillSession(pid_t session, pid_t except = 0);

}  // namespace millrace::runner
