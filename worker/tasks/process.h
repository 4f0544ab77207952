// What task kinds that start processes share: the environment and folder a child gets, and following it to
// its end: its log, its state store, cancel (TERM, grace, KILL) and the end of everything it left in its process group. Called
// by shell and python, on the attempt's thread.
//
// Deliberately not here: starting (worker/runner/spawn.h, or a Python server that forks), and what an exit
// status means.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"
#include "worker/tasks/state_socket.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

// PATH of children whose environment has none.
inline constexpr const char* kProgramPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

using Environment = std::map<std::string, std::string>;

// Where a child works and what it finds in its environment.
struct ChildPlace {
  Environment environment;
  std::string folder;  // working folder
  std::string files;   // the DAG version's files, laid out
};

// Lays out the assignment's files; adds the attempt's variables, then `with`'s `env`, to `base`; resolves
// `with`'s `cwd` beneath the root.
StatusOr<ChildPlace> PlaceChild(const TaskContext& context, Environment base, const Value& with);

// The attempt's state store for its child, told in `environment`; none, and the log says why, when it cannot be had.
std::unique_ptr<StateSocket> OpenStates(TaskContext& context, Environment& environment);

// A path is taken as it is; a name is looked for in `path` ("/usr/bin:/bin"). The name again if not found.
std::string FindProgram(const std::string& name, const std::string& path);

// The last line that says something, for the one-line message.
class LastLine {
 public:
  // Of a longer line the beginning is kept.
  explicit LastLine(std::size_t most = 300) : most_(most) {}
  void Feed(std::string_view text);
  const std::string& Get();

 private:
  std::size_t most_;
  std::string current_;
  std::string last_;
};

// Descriptors stay the caller's. `process` is readable when the child has ended; `output` (non-blocking) is
// what it writes, for the log; `answer`, unless -1 (non-blocking), is kept apart; `cancel` is readable when
// it should stop.
struct Followed {
  pid_t group = 0;
  int process = -1;
  int output = -1;
  int answer = -1;
  int cancel = -1;
  StateSocket* states = nullptr;  // served meanwhile
};

// Blocks until the child has ended; then kills what is left of its group, which therefore must not have been
// reaped. `answer` grows to at most `max_answer` bytes; the rest is dropped.
void Follow(TaskContext& context, const Followed& child, LastLine& last_line, std::string* answer,
            std::size_t max_answer);

}  // namespace millrace::tasks
