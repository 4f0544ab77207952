// The way to end an attempt early. The task kind owns one and cancels it from another thread; whatever the attempt waits for
// (a query, a child process) is registered while it runs. Any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <utility>

namespace millrace::mapreduce {

class Cancellation {
 public:
  // What to do on Cancel, as long as the scope lives. May be called several times, so it must be harmless to repeat.
  class Scope {
   public:
    Scope(Cancellation& owner, std::function<void()> stop) : owner_(owner) {
      const std::lock_guard lock(owner_.mutex_);
      number_ = owner_.next_++;
      if (owner_.cancelled_) stop();
      owner_.stops_.emplace(number_, std::move(stop));
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.stops_.erase(number_);
    }

   private:
    Cancellation& owner_;
    int number_ = 0;
  };

  // False when nothing was there to stop any more. DuckDB may miss an interrupt between two statements: repeat.
  bool Cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (const auto& [number, stop] : stops_) stop();
    return !stops_.empty();
  }
  bool cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

 private:
  mutable std::mutex mutex_;
  bool cancelled_ = false;
  int next_ = 0;
  std::map<int, std::function<void()>> stops_;
};

}  // namespace millrace::mapreduce
