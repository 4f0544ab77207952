#include "scheduler/auth/login_limiter.h"

#include <algorithm>

namespace millrace::auth {
namespace {

constexpr int kTries = 5;
constexpr Duration kWindow = std::chrono::minutes(1);
constexpr Duration kFirstWait = std::chrono::seconds(30);
constexpr Duration kLongestWait = std::chrono::minutes(10);
constexpr std::size_t kMostTried = 10'000;

std::string KeyOf(const std::string& address, const std::string& user) { return address + "\n" + user; }

}  // namespace

Status LoginLimiter::Try(const std::string& address, const std::string& user) {
  const BootTime now = clock_.now().boot;
  const std::lock_guard lock(mutex_);
  if (tries_.size() >= kMostTried) {
    std::erase_if(tries_, [&](const auto& entry) { return entry.second.free_at + kLongestWait < now; });
    if (tries_.size() >= kMostTried) return ResourceExhausted("Too many logins; try again later");
  }
  Tries& tries = tries_[KeyOf(address, user)];
  if (now < tries.free_at) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(tries.free_at - now);
    return ResourceExhausted("Too many logins; try again in " + std::to_string(left.count()) + " s");
  }
  if (tries.count == 0 || now - tries.first >= kWindow) {
    if (now - tries.first >= kWindow + kLongestWait) tries.refused = 0;
    tries.count = 0;
    tries.first = now;
  }
  if (++tries.count >= kTries) {
    // This try still counts; the next one waits.
    const Duration wait = std::min<Duration>(kFirstWait * (1 << std::min(tries.refused, 10)), kLongestWait);
    ++tries.refused;
    tries.free_at = now + std::max<Duration>(wait, kWindow - (now - tries.first));
    tries.count = 0;
  }
  return OkStatus();
}

void LoginLimiter::Succeeded(const std::string& address, const std::string& user) {
  const std::lock_guard lock(mutex_);
  tries_.erase(KeyOf(address, user));
}

}  // namespace millrace::auth
