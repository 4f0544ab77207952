// A task kind, as the runner sees it: one file a kind in this folder, one entry in the registry. Code here
// runs in a runner, a child process of the agent, on a thread of its own per attempt; whatever it does to
// that process costs no other worker.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/attempt.h"
#include "core/model/state_store.h"

namespace millrace::tasks {

// How an attempt ended, from the kind's point of view.
struct TaskEnd {
  Outcome outcome = Outcome::kSuccess;
  std::optional<std::int32_t> exit_code;
  std::string message;  // one line for people; the whole of it goes to the log
  std::string result;   // JSON; at most 48 KiB
  std::string error_class;  // of an exception: "ValueError", "requests.exceptions.ConnectionError"
  StageResult stage;    // of a job's attempts
  std::vector<XComValue> xcoms;  // pushed by name
  std::string fingerprint = {};  // of a sensor's look: changes with what it saw; "": as the result does
};

// What an attempt may touch. Any thread of the attempt.
class TaskContext {
 public:
  virtual ~TaskContext() = default;
  virtual const Assignment& assignment() const = 0;
  // Appends to the attempt's log; secrets of its connections are masked.
  virtual void Log(std::string_view text) = 0;
  // The folder beneath which relative data paths lie.
  virtual const std::string& root() const = 0;
  // A scratch folder of this attempt's own; removed afterwards.
  virtual const std::string& scratch() const = 0;
  // The URI of a connection that the assignment names; NOT_FOUND says how to define it.
  virtual StatusOr<std::string> Connection(std::string_view name) const = 0;
  // The content of a file of the DAG version that the assignment carries.
  virtual StatusOr<std::string> File(std::string_view path) const = 0;
  virtual bool cancelled() const = 0;
  // Asks a state store; fence and id are the context's to give. `answered` is called once on any thread, perhaps before
  // this returns, or never, when the attempt ends first; it must only hand over.
  virtual void AskState(StateRequest request, std::function<void(const StateAnswer&)> answered) {
    answered({SessionId{}, request.fence, request.id, false, "", "there is no state store here"});
  }
};

class TaskKind {
 public:
  virtual ~TaskKind() = default;
  // Blocks until the attempt has ended. Never throws.
  virtual TaskEnd Run(TaskContext& context) = 0;
  // From another thread: end soon (interrupt the query, TERM the child's group). Run then returns kKilled.
  virtual void Cancel() = 0;
};

}  // namespace millrace::tasks
