// A client that sends exactly the bytes it is told to, for tests of the HTTP server from outside.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::test {

class RawClient {
 public:
  explicit RawClient(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        received_(std::move(other.received_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() {
    if (fd_ >= 0) close(fd_);
  }

  bool connected() const { return connected_; }
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Everything received so far, once `text` is in it; what there was at the end of the connection or of the
  // patience.
  std::string ReadUntil(std::string_view text) {
    while (received_.find(text) == std::string::npos && ReadMore()) {
    }
    return received_;
  }
  // Everything until the server closes.
  std::string ReadAll() {
    while (ReadMore()) {
    }
    return received_;
  }
  // One response with a Content-Length; what comes after stays for the next call. An ended connection gives
  // what there was.
  std::string ReadResponse() {
    std::size_t head = 0;
    while ((head = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!ReadMore()) return std::exchange(received_, {});
    }
    std::size_t length = 0;
    if (const std::size_t at = received_.find("Content-Length: "); at < head) {
      length = std::stoul(received_.substr(at + 16));
    }
    const std::size_t size = head + 4 + length;
    while (received_.size() < size && ReadMore()) {
    }
    std::string response = received_.substr(0, size);
    received_.erase(0, size);
    return response;
  }
  bool closed() const { return closed_; }

 private:
  bool ReadMore() {
    pollfd ready{fd_, POLLIN, 0};
    if (poll(&ready, 1, 20'000) <= 0) return false;
    std::array<char, 65536> buffer;
    const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      closed_ = true;
      return false;
    }
    received_.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }

  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string received_;
};

// The status of a response text, 0 when there is none.
inline int StatusOf(const std::string& response) {
  return response.size() > 12 && response.starts_with("HTTP/1.1 ") ? std::stoi(response.substr(9, 3)) : 0;
}

inline std::string BodyOf(const std::string& response) {
  const std::size_t head = response.find("\r\n\r\n");
  return head == std::string::npos ? std::string() : response.substr(head + 4);
}

}  // namespace millrace::test
