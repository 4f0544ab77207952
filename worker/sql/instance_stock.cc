#include "worker/sql/instance_stock.h"

#include <algorithm>
#include <string>

namespace millrace::sql {

void InstanceStock::Prepare(int count) {
  std::unique_lock lock(mutex_);
  while (prepared_ < count) {
    ++prepared_;
    ++opening_;
    lock.unlock();
    StatusOr<std::unique_ptr<Instance>> instance = Instance::OpenAhead();
    lock.lock();
    --opening_;
    if (instance.ok()) ahead_.push_back(*std::move(instance));
    opened_.notify_all();
  }
}

StatusOr<std::unique_ptr<Instance>> InstanceStock::Take(const InstanceOptions& options) {
  std::unique_ptr<Instance> instance;
  InstanceOptions own = options;
  {
    std::unique_lock lock(mutex_);
    const auto same =
        std::find_if(idle_.begin(), idle_.end(), [&](const auto& idle) { return idle.first == options; });
    if (same != idle_.end()) {
      instance = std::move(same->second);
      idle_.erase(same);
      return instance;
    }
    ++takers_;
    // The one that is being opened is ready sooner than another would be.
    opened_.wait(lock, [this] { return !ahead_.empty() || opening_ < takers_; });
    --takers_;
    if (!ahead_.empty()) {
      instance = std::move(ahead_.back());
      ahead_.pop_back();
    }
    if (!own.temp_folder.empty()) own.temp_folder += "-" + std::to_string(++folders_);
  }
  if (instance == nullptr) return Instance::Open(own);
  RETURN_IF_ERROR(instance->Configure(own));
  return instance;
}

void InstanceStock::GiveBack(const InstanceOptions& options, std::unique_ptr<Instance> instance) {
  const std::lock_guard lock(mutex_);
  idle_.emplace_back(options, std::move(instance));
}

}  // namespace millrace::sql
