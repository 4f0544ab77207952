// The stream to the scheduler, again and again: dials, joins, reads on one thread and writes on another, and
// after a break dials once more, later each time. Knows no session; its peer does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/log.h"
#include "core/base/status.h"
#include "proto/worker.pb.h"

namespace millrace::agent {

struct ConnectOptions {
  std::string scheduler;   // host:port
  std::string token_file;  // read again at each try: a token may be renewed
};

class ControlPeer {
 public:
  virtual ~ControlPeer() = default;
  // A stream is there: what to say first.
  virtual v1::Join OnUp() = 0;
  // The reading thread.
  virtual void OnMessage(v1::SchedulerMessage message) = 0;
  // The writing thread: waits for something to say; false when `stop` says that the stream is over.
  virtual bool NextMessage(v1::WorkerMessage& message, const std::function<bool()>& stop) = 0;
  // Makes NextMessage ask `stop`.
  virtual void Wake() = 0;
  virtual void OnDown(const Status& status) = 0;
};

class ControlStream {
 public:
  ControlStream(const ConnectOptions& options, LogSink& log, ControlPeer& peer);
  ~ControlStream();

  void Start();
  // Ends the stream and the threads.
  void Stop();
  // The stream is of no use any more (silence, a session that is over): dials again. Any thread.
  void Break();

 private:
  struct Dialled;
  void Run();
  Status Serve();
  void Pause(int tries);

  const ConnectOptions& options_;
  LogSink& log_;
  ControlPeer& peer_;
  std::mutex mutex_;  // guards the next three
  std::condition_variable stopped_changed_;
  bool stopped_ = false;
  Dialled* dialled_ = nullptr;
  bool welcomed_ = false;  // a message came on this stream; Run's thread only
  std::thread thread_;
};

// "Bearer ..." from a file that holds a token. Messages tell what to do.
StatusOr<std::string> ReadBearer(const std::string& token_file);

}  // namespace millrace::agent
