#include "worker/runner/launcher.h"

namespace millrace::runner {

Launcher::Launcher() : thread_([this] { Run(); }) {}

Launcher::~Launcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

StatusOr<pid_t> Launcher::Launch(const SpawnOptions& options) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !busy_; });
  busy_ = true;
  wanted_ = &options;
  answer_ = nullptr;
  changed_.notify_all();
  changed_.wait(lock, [this] { return answer_ != nullptr; });
  StatusOr<pid_t> answer = *answer_;
  answer_ = nullptr;
  busy_ = false;
  changed_.notify_all();
  return answer;
}

void Launcher::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return wanted_ != nullptr || stopping_; });
    if (wanted_ == nullptr) return;
    const SpawnOptions& options = *std::exchange(wanted_, nullptr);
    lock.unlock();
    const StatusOr<pid_t> answer = Spawn(options);
    lock.lock();
    answer_ = &answer;
    changed_.notify_all();
    changed_.wait(lock, [this] { return answer_ == nullptr; });
  }
}

}  // namespace millrace::runner
