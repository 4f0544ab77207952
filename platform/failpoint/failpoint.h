// Named places where a test may kill or stop the process: before and after a commit, a send, a rename.
// `Failpoint("store.after_commit")` stands where something has just become durable or is about to; it costs
// one relaxed load while nothing is armed, which is always but in tests of faults (docs/HACKING.md has the
// variable's grammar).
//
// Called on any thread by rooms that do IO; tests/tidy/layers.py lists them. Core, the engine and jobs have
// none: nothing happens there that a crash could cut in two. main.cc arms once, before there are threads. A
// failpoint never returns an error: what a full disk does is tested with a full disk.
#pragma once

#include <atomic>
#include <string>

#include "core/base/status.h"

namespace millrace {

namespace failpoint {

inline constexpr const char* kVariable = "MILLRACE_FAILPOINTS";

// Reads the variable from `environment` (an `environ`); nothing happens when it is not there. Answers what
// was armed, "" for nothing. INVALID_ARGUMENT for what it cannot read: a name that no code has, no folder, an
// unknown action.
StatusOr<std::string> Arm(char** environment);

extern std::atomic<bool> armed;
void Hit(const char* name);

}  // namespace failpoint

// `name` is a literal, used once in the source, and stands in failpoint.cc's list: tests/tidy holds both.
inline void Failpoint(const char* name) {
  if (failpoint::armed.load(std::memory_order_relaxed)) [[unlikely]]
    failpoint::Hit(name);
}

}  // namespace millrace
