// Which task kinds this worker knows: name -> how to make one. main.cc of the worker fills it in, once a
// runner, when the runner has been told where it works. The runner's program reads it on any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/tasks/task.h"

namespace millrace::sql {
class InstanceStock;
}

namespace millrace::tasks {

// Hands the finished blocks of a map task to the agent, which keeps and serves them: they outlive the runner.
// Before the attempt's end. Any thread.
class BlockSender {
 public:
  virtual ~BlockSender() = default;
  // `descriptor` stays the caller's.
  virtual Status Send(const JobKey& job, std::int32_t stage, std::int32_t map_index, const Fence& fence,
                      std::int64_t bytes, int descriptor) = 0;
};

// What a runner's kinds may use; told by the agent before the first attempt. `blocks` and `instances` live as long
// as the runner.
struct Workplace {
  std::string root;    // relative data paths lie beneath it
  std::string folder;  // private to this worker: scratch, spill
  std::string shuffle_socket;
  std::string shuffle_address;
  std::string shuffle_secret;
  std::string scheduler;  // whose runs and fences these are: shuffle::SchedulerIdentity
  std::string host_identity;
  bool local_shuffle = true;
  int threads = 1;
  std::int64_t memory_bytes = 0;
  BlockSender* blocks = nullptr;
  sql::InstanceStock* instances = nullptr;  // of the job that the runner is for
};

struct TaskEntry {
  std::function<std::unique_ptr<TaskKind>()> make;  // one object an attempt
  bool instant = false;                             // takes microseconds: its start is told with its end
};

using Registry = std::map<std::string, TaskEntry, std::less<>>;

}  // namespace millrace::tasks
