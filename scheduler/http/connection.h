// One client's socket as the server's I/O thread keeps it; a part of server.cc. Owned and used by that thread
// alone.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/clock.h"
#include "scheduler/http/request_head.h"

namespace millrace::http {

class Connection {
 public:
  enum class Phase : std::uint8_t {
    kReading,    // a request, or nothing yet
    kHandling,   // a worker has it
    kWriting,    // the answer
    kStreaming,  // an answer without end
    kLingering,  // refused: the refusal is written; what still arrives is thrown away so that it can be read
  };
  enum class Io : std::uint8_t { kAgain, kDone, kClosed };

  Connection(int fd, std::string peer_name) : peer(std::move(peer_name)), fd_(fd) {}
  ~Connection() {
    if (fd_ >= 0) close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  // Reads what is there, at most `room` bytes a call.
  Io Read(std::size_t room);
  // Writes what the socket takes; kDone when nothing is left.
  Io Write();
  void HalfClose();
  void Send(std::string_view bytes) { out_.append(bytes); }
  std::size_t unsent() const { return out_.size() - sent_; }
  void ClearOutput() {
    out_.clear();
    sent_ = 0;
  }

  std::string peer;
  Phase phase = Phase::kReading;
  std::string in;
  std::optional<HeadAccepted> head;
  bool close_after = false;
  bool stream_ended = false;
  BootTime deadline{};
  BootTime waiting_since{};    // when it last owed us a request
  std::uint32_t interest = 0;  // epoll events it is registered for
  std::size_t discarded = 0;

 private:
  int fd_;
  std::string out_;
  std::size_t sent_ = 0;
};

}  // namespace millrace::http
