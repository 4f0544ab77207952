// The one thread that starts runners. It lives as long as the agent, because the kernel tells a runner of its
// parent's death when the thread that spawned it ends.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "core/base/status.h"
#include "worker/runner/spawn.h"

namespace millrace::runner {

class Launcher {
 public:
  Launcher();
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Any thread; waits for the spawn (about a millisecond).
  StatusOr<pid_t> Launch(const SpawnOptions& options);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  const SpawnOptions* wanted_ = nullptr;  // guarded, as all above the thread
  const StatusOr<pid_t>* answer_ = nullptr;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace millrace::runner
