// Our own accept loop in front of gRPC: gRPC 1.51's listener never accepts again once it ran out of
// descriptors (CVE-2023-4785). Bounds how many connections there are, rests while descriptors are short, and
// hands over sockets. One thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "core/base/log.h"
#include "core/base/status.h"

namespace millrace::gateway {

class Acceptor {
 public:
  // `take` becomes the owner of each connected socket.
  Acceptor(int max_connections, LogSink& log, std::function<void(int listener, int socket)> take);
  ~Acceptor();

  Status Listen(const std::string& address, int port);
  void Run();  // starts the thread
  void Stop();
  int port() const { return port_; }

 private:
  void Accept();
  void ForgetClosed();

  const int max_connections_;
  LogSink& log_;
  const std::function<void(int, int)> take_;
  int listener_ = -1;
  int stop_ = -1;  // eventfd
  int port_ = 0;
  // Who owns a socket closes it without telling: a descriptor that no longer is the same socket is closed.
  std::map<int, ino_t> open_;
  std::thread thread_;
};

}  // namespace millrace::gateway
