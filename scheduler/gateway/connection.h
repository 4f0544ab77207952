// One worker's control stream, as the loop's thread sees it: effects are put in, the stream's writing thread
// takes them out as messages. A slow worker fills its own queue and nobody else's. Knows no gRPC.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/model/effect.h"
#include "proto/convert/worker.h"

namespace millrace::gateway {

// Adds to an assignment what only the gateway holds.
class Enclosures {
 public:
  virtual ~Enclosures() = default;
  virtual convert::Enclosed For(const Assignment& assignment) = 0;
};

class Connection {
 public:
  Connection(std::uint64_t stream, const convert::Terms& terms) : stream_(stream), terms_(terms) {}

  std::uint64_t stream() const { return stream_; }
  // Set by the Welcome before anything else can be said.
  SessionId session() const;

  // Loop's thread; never waits. A queue that grows without end closes the connection. The writing thread
  // hears of it at Wake, so that it takes at once what belongs together.
  void Push(const Effect& effect);
  void Wake() { changed_.notify_all(); }
  // Nothing more will be taken; Next answers nothing. Any thread.
  void Close();
  bool closed() const;
  // False when `patience` was over first.
  bool AwaitClosed(Duration patience);

  // Waits for the next message, assignments in batches; none when closed. The writing thread.
  std::optional<v1::SchedulerMessage> Next(Enclosures& enclosures);
  // After a message of Next: the session is over, nothing follows.
  bool ended() const;
  // The next message is there already.
  bool has_more() const;

 private:
  const std::uint64_t stream_;
  const convert::Terms& terms_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Effect> queue_;
  SessionId session_{};
  bool closed_ = false;
  bool ended_ = false;
};

}  // namespace millrace::gateway
