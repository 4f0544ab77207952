// Child processes of dagctl: the scheduler first, then workers. Ctrl-C reaches dagctl alone, which stops them
// in order. One thread; an object a process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace::dagctl {

// SIGINT, SIGTERM, SIGHUP and SIGCHLD are blocked from its making on, and are read here.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Waits so long at most. True when a signal other than SIGCHLD has come; a child's end only ends the wait.
  bool Asked(Duration timeout) const;

 private:
  int descriptor_ = -1;
};

// The path of a program that is installed beside dagctl.
StatusOr<std::string> Beside(const std::string& program);

class Children {
 public:
  Children(const Clock& clock, const StopSignals& signals) : clock_(clock), signals_(signals) {}
  ~Children() { StopAll(); }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  Status Start(const std::string& name, const std::string& program, std::vector<std::string> arguments,
               const std::string& log);
  // FAILED_PRECONDITION with the name of a child that has ended by itself, and how its log ends.
  Status CheckAlive();
  // All but the first, so that workers can hand their work back; then the first. Whatever does not end is
  // killed.
  void StopAll();

 private:
  struct Child {
    std::string name;
    std::string log;
    pid_t pid = -1;
  };
  // Until all children from `first` on have ended, or the time is over.
  void AwaitEnds(std::size_t first);

  const Clock& clock_;
  const StopSignals& signals_;
  std::vector<Child> children_;
};

}  // namespace millrace::dagctl
