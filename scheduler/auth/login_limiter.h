// How often somebody may try a password: five a minute for each address and user, then a wait that doubles
// with each further try, to ten minutes. Any thread. Forgets what is long ago, so that its memory is bounded.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace::auth {

class LoginLimiter {
 public:
  explicit LoginLimiter(const Clock& clock) : clock_(clock) {}

  // Counts a try; RESOURCE_EXHAUSTED says when to come back.
  Status Try(const std::string& address, const std::string& user);
  void Succeeded(const std::string& address, const std::string& user);

 private:
  struct Tries {
    int count = 0;
    BootTime first{};  // of the minute that is counted
    BootTime free_at{};
    int refused = 0;
  };
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Tries> tries_;
};

}  // namespace millrace::auth
