// git as a child process: no shell, no terminal, no configuration but what it is given, a deadline, bounded output. The scheduler
// itself never dials out (docs/decisions/0028-git-bundles.md).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace::bundles {

struct GitCall {
  std::vector<std::string> arguments;                        // behind "git"; nothing secret: every process may read them
  std::vector<std::pair<std::string, std::string>> config;   // for this call: names and values
  std::vector<std::pair<std::string, std::string>> environment;
};

class GitCommand {
 public:
  // `environment` as main has it: of it git is given the path, proxies and certificates. The clock is borrowed.
  GitCommand(const char* const* environment, const Clock& clock, Duration deadline = std::chrono::minutes(10));
  ~GitCommand();
  GitCommand(const GitCommand&) = delete;
  GitCommand& operator=(const GitCommand&) = delete;

  // What it printed, without the line's end. One thread. NOT_FOUND: there is no git. DEADLINE_EXCEEDED, CANCELLED: it was killed with all that it
  // started. Otherwise the error is what it said last, at most kMostSaid of it.
  StatusOr<std::string> Run(const GitCall& call) const;
  // Any thread: the call that runs ends, and every later one at once.
  void Stop();

  static constexpr std::size_t kMostSaid = 1000;

 private:
  const std::vector<std::string> passed_;  // NAME=value
  const Clock& clock_;
  const Duration deadline_;
  int stop_ = -1;  // eventfd
};

}  // namespace millrace::bundles
