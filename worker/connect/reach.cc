#include "worker/connect/reach.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace millrace::connect {
namespace {

constexpr int kSliceMillis = 200;

class Socket {
 public:
  explicit Socket(const addrinfo& address)
      : descriptor_(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol)) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

Status Failure(int error) { return Unavailable(std::strerror(error)); }

Status ReachOne(const addrinfo& address, Duration timeout, const std::atomic<bool>& cancelled) {
  const Socket socket(address);
  if (socket.descriptor() < 0) return Failure(errno);
  if (::connect(socket.descriptor(), address.ai_addr, address.ai_addrlen) == 0) return OkStatus();
  if (errno != EINPROGRESS) return Failure(errno);
  auto left = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  for (; left > 0 && !cancelled; left -= kSliceMillis) {
    pollfd wait{socket.descriptor(), POLLOUT, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, kSliceMillis)));
    if (ready < 0 && errno != EINTR) return Failure(errno);
    if (ready <= 0) continue;
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return Failure(errno);
    return error == 0 ? OkStatus() : Failure(error);
  }
  return cancelled ? Cancelled("cancelled") : Unavailable("no answer");
}

}  // namespace

Status Reach(const std::string& host, int port, Duration timeout, const std::atomic<bool>& cancelled) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &raw);
  if (error != 0) return Unavailable(::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
  Status status = Unavailable("no address");
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    status = ReachOne(*one, timeout, cancelled);
    if (status.ok() || cancelled) return status;
  }
  return status;
}

}  // namespace millrace::connect
