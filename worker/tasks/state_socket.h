// How processes that a task starts ask its state store: a socket of the attempt's own, beside its scratch folder, whose path
// they find in MILLRACE_STATE_SOCKET. Whoever connects sends a packet (SOCK_SEQPACKET) and waits for the one that answers it:
// a line of JSON, then the value as JSON text.
//
//   {"op":"set","dataset":"","key":"job","retention":21600}   op: get, set, delete, clear; retention: seconds, "never" or null
//   {"found":true,"error":""}
//
// Served by Follow on the attempt's thread, beside the child's output. docs/authoring.md tells users of it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/model/state_store.h"
#include "worker/shuffle/descriptor.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

inline constexpr const char* kStateSocketVariable = "MILLRACE_STATE_SOCKET";

class StateSocket {
 public:
  // `context` outlives it.
  static StatusOr<std::unique_ptr<StateSocket>> Open(TaskContext& context);
  ~StateSocket();
  StateSocket(const StateSocket&) = delete;
  StateSocket& operator=(const StateSocket&) = delete;

  const std::string& path() const { return path_; }
  // Readable when Serve has something to do.
  int descriptor() const { return events_.get(); }
  // Takes what has come; never waits.
  void Serve();

 private:
  class Client;
  explicit StateSocket(TaskContext& context) : context_(context) {}
  void Accept();
  void Drop(int client);
  // False: the client has left.
  bool Take(const std::shared_ptr<Client>& client);
  void Ask(const std::shared_ptr<Client>& client, std::string_view packet);

  TaskContext& context_;
  std::string path_;
  shuffle::Descriptor folder_;  // that the socket lies in: its path may be longer than an address
  shuffle::Descriptor listener_;
  shuffle::Descriptor events_;                      // epoll
  std::map<int, std::shared_ptr<Client>> clients_;  // those that wait for an answer live on until it comes
};

// The other end: asks and waits. UNAVAILABLE: nobody listens there, or no longer.
StatusOr<StateAnswer> AskStateSocket(const std::string& path, const StateRequest& request);

}  // namespace millrace::tasks
