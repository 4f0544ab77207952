// A clock that stands still until a test moves it, and a log that remembers. Any thread.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"

namespace millrace::test {

class ManualClock : public Clock {
 public:
  explicit ManualClock(WallTime wall = WallFromMicros(1'000'000'000'000'000)) : start_(wall) {}
  Now now() const override {
    const Duration passed(passed_.load());
    return {start_ + passed, BootTime(std::chrono::hours(1)) + passed};
  }
  void Advance(Duration by) { passed_ += by.count(); }

 private:
  const WallTime start_;
  std::atomic<Duration::rep> passed_ = 0;
};

class RecordingLog : public LogSink {
 public:
  void Log(LogLevel, std::string_view line) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace millrace::test
