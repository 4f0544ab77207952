// Log chunks on their way to the scheduler: kept until they are acknowledged, sent again after a break,
// bounded. When the bound is reached Append waits, so that the runner, and through it the task, is slowed
// down instead of losing lines.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/log.h"
#include "core/model/ids.h"
#include "proto/worker.pb.h"
#include "worker/agent/control_stream.h"

namespace millrace::agent {

class LogStream {
 public:
  LogStream(const ConnectOptions& options, LogSink& log, std::size_t max_bytes);
  ~LogStream();

  void Start();
  void Stop();

  // Chunks go with this session from now on; 0: none is there.
  void SetSession(SessionId session);
  // Whose chunks a fence's are, until End.
  void Begin(const Fence& fence, const TaskInstanceKey& instance, std::int32_t try_number);
  void End(const Fence& fence);
  // The runners' reading threads. Of attempts that have ended or never began, nothing is kept.
  void Append(const Fence& fence, std::string data);
  // Forgets everything: the attempts are nobody's any more, and nobody may wait for them.
  void Drop();
  // Waits until everything is acknowledged, or `patience` is over.
  void Flush(std::chrono::milliseconds patience);

 private:
  struct Attempt {
    TaskInstanceKey instance;
    std::int32_t try_number = 0;
  };
  struct Stream;

  void Run();
  void Serve();
  bool NextChunk(v1::LogChunk& chunk);
  void Acknowledged(std::uint64_t number);

  const ConnectOptions& options_;
  LogSink& log_;
  const std::size_t max_bytes_;
  std::mutex mutex_;  // guards all below but the thread
  std::condition_variable changed_;
  std::map<Fence, Attempt> attempts_;
  std::deque<v1::LogChunk> chunks_;  // not acknowledged; the first `sent_` of them are under way
  std::size_t sent_ = 0;
  int blocked_ = 0;  // callers of Append that wait for room
  std::size_t bytes_ = 0;
  std::uint64_t next_number_ = 1;
  SessionId session_{};
  bool stopped_ = false;
  bool broken_ = false;
  Stream* stream_ = nullptr;
  std::thread thread_;
};

}  // namespace millrace::agent
