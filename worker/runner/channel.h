// A socket pair between an agent and a runner: protobuf messages, each behind its length (4 bytes,
// little-endian), and descriptors beside them. Both ends use this class: the agent posts, because it must
// never wait for a runner that hangs; the runner sends, so that a task that logs faster than the agent reads
// is slowed down.
//
// Send and Post: any thread. Receive: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "worker/shuffle/descriptor.h"

namespace google::protobuf {
class MessageLite;
}

namespace millrace::runner {

using shuffle::Descriptor;

class Channel {
 public:
  explicit Channel(Descriptor socket);

  // Waits until everything is written. `descriptor` (borrowed) travels along when it is not -1.
  Status Send(const google::protobuf::MessageLite& message, int descriptor = -1);

  // Never waits: what the socket does not take is written by Receive's thread as the peer reads.
  // RESOURCE_EXHAUSTED when too much waits already: the peer hangs.
  Status Post(const google::protobuf::MessageLite& message);

  // A message that leaves with the next Send or Post, or Push: several at once wake the peer once.
  Status Hold(const google::protobuf::MessageLite& message);
  // Lets them go as Post does.
  Status Push();
  // Lets them go as Send does.
  Status SendHeld();

  // Whether Receive would find a whole message without reading. Receive's thread.
  bool HasMessage() const;

  // The next message; NOT_FOUND when the peer is gone. Broken frames are DATA_LOSS.
  Status Receive(google::protobuf::MessageLite& message);

  // The oldest descriptor that came and was not taken; invalid when there is none.
  Descriptor TakeDescriptor();

  // Makes Receive return NOT_FOUND, and the peer's too.
  void Shutdown();

 private:
  Status WriteSome(std::string_view& bytes, int flags, int descriptor);
  Status WriteAll(std::string_view bytes, int descriptor);
  Status PushLocked();
  Status Flush();
  std::size_t NextSize() const;
  Status Fill();

  Descriptor socket_;
  Descriptor wake_;  // eventfd: something is posted that must be flushed

  std::mutex write_mutex_;
  std::string posted_;  // guarded by write_mutex_, as the next
  bool stuck_ = false;  // the socket was full: Receive's thread writes the rest

  std::vector<char> buffer_;  // Receive's thread only, as all below
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::deque<Descriptor> descriptors_;
};

// A connected pair, both ends close-on-exec.
Status MakeSocketPair(Descriptor& agent_end, Descriptor& runner_end);

}  // namespace millrace::runner
