#include "scheduler/http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace millrace::http {

Connection::Io Connection::Read(std::size_t room) {
  std::array<char, 16 * 1024> buffer;
  while (room > 0) {
    const ssize_t count = recv(fd_, buffer.data(), std::min(room, buffer.size()), 0);
    if (count > 0) {
      if (phase == Phase::kLingering) {
        discarded += static_cast<std::size_t>(count);
      } else {
        in.append(buffer.data(), static_cast<std::size_t>(count));
      }
      room -= static_cast<std::size_t>(count);
      continue;
    }
    if (count == 0) return Io::kClosed;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? Io::kAgain : Io::kClosed;
  }
  return Io::kAgain;
}

Connection::Io Connection::Write() {
  while (sent_ < out_.size()) {
    const ssize_t count = send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count > 0) {
      sent_ += static_cast<std::size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (sent_ > 64 * 1024) {
        out_.erase(0, sent_);
        sent_ = 0;
      }
      return Io::kAgain;
    }
    return Io::kClosed;
  }
  ClearOutput();
  return Io::kDone;
}

void Connection::HalfClose() { shutdown(fd_, SHUT_WR); }

}  // namespace millrace::http
