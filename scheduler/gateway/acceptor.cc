#include "scheduler/gateway/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

namespace millrace::gateway {
namespace {

constexpr int kRestMillis = 100;

std::optional<ino_t> SocketInode(int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0 || !S_ISSOCK(about.st_mode)) return std::nullopt;
  return about.st_ino;
}

}  // namespace

Acceptor::Acceptor(int max_connections, LogSink& log, std::function<void(int, int)> take)
    : max_connections_(max_connections), log_(log), take_(std::move(take)) {}

Acceptor::~Acceptor() {
  Stop();
  if (listener_ >= 0) ::close(listener_);
  if (stop_ >= 0) ::close(stop_);
}

Status Acceptor::Listen(const std::string& address, int port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) != 1) {
    return InvalidArgument("not an IPv4 address to listen on: " + address);
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (listener_ < 0 || stop_ < 0) return ErrnoStatus(errno, "socket");
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const std::string place = address + ":" + std::to_string(port);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&v4), sizeof v4) != 0)
    return ErrnoStatus(errno, "listen on " + place);
  if (::listen(listener_, 128) != 0) return ErrnoStatus(errno, "listen on " + place);
  socklen_t size = sizeof v4;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&v4), &size);
  port_ = ntohs(v4.sin_port);
  return OkStatus();
}

void Acceptor::Run() {
  thread_ = std::thread([this] { Accept(); });
}

void Acceptor::Stop() {
  if (!thread_.joinable()) return;
  ::eventfd_write(stop_, 1);
  thread_.join();
}

void Acceptor::ForgetClosed() {
  std::erase_if(open_,
                [](const auto& connection) { return SocketInode(connection.first) != connection.second; });
}

void Acceptor::Accept() {
  bool told = false;
  bool rest = false;
  while (true) {
    ForgetClosed();
    const bool full = static_cast<int>(open_.size()) >= max_connections_;
    if (full && !told)
      log_.Log(LogLevel::kWarning,
               "Too many worker connections (limit=" + std::to_string(max_connections_) + ")");
    told = full;
    // While full or short of descriptors, newcomers wait in the kernel's queue.
    std::array<pollfd, 2> polled{pollfd{full || rest ? -1 : listener_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
    ::poll(polled.data(), polled.size(), full || rest ? kRestMillis : -1);
    if (polled[1].revents != 0) return;
    rest = false;
    if (polled[0].revents == 0) continue;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) {
      rest = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (rest) log_.Log(LogLevel::kWarning, "Worker connections wait: out of descriptors or memory");
      continue;
    }
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (const std::optional<ino_t> inode = SocketInode(socket)) open_[socket] = *inode;
    take_(listener_, socket);
  }
}

}  // namespace millrace::gateway
