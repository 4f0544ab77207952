// Starting a program from a process with threads: vfork and exec, nothing between them but system calls, so
// that no lock and no memory of the parent is touched. Called by the agent for runners and by the runner for
// shell commands.
//
// The thread that spawns is the one whose end kills a child with a death signal (PR_SET_PDEATHSIG follows the
// thread, not the process): it must live as long as the child should.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace millrace::runner {

struct SpawnOptions {
  std::string program;                   // a path; nothing is searched
  std::vector<std::string> arguments;    // [0] is the program's name
  std::vector<std::string> environment;  // "NAME=value"; the whole of it
  std::string folder;                    // working folder; "": the parent's
  int input = -1;                        // -1: /dev/null
  int output = -1;
  int error = -1;
  int kept = -1;  // open in the child as kKeptDescriptor; all others are closed
  bool new_session =
      false;  // true: a session and group of its own; false: a group of its own in this session
  int death_signal = 0;
};
inline constexpr int kKeptDescriptor = 3;

// Signals are unblocked and at their defaults in the child.
StatusOr<pid_t> Spawn(const SpawnOptions& options);

// The process's status in words: "exit code 3", "killed by signal 9 (Killed)".
std::string DescribeWaitStatus(int wait_status);

}  // namespace millrace::runner
