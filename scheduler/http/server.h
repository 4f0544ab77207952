// The HTTP/1.1 server: one I/O thread that owns every socket, and a few worker threads that run the handlers.
//
// The I/O thread never blocks on a client. It reads a request whole (head and body, each with an absolute
// deadline and a bound), checks the head, and only then hands it to a worker; it writes answers out as
// clients take them. So a client that drips, stalls or floods costs a socket and its buffer, never a thread.
// When connections run out, the one that has kept the server waiting longest gives way to the new one.
// Streams have a number and a lifetime of their own.
//
// Loopback only: wider needs a TLS proxy in front. Start and Stop are main.cc's; handlers run on worker
// threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "scheduler/http/message.h"

namespace millrace::http {

struct ServerOptions {
  std::string address = "127.0.0.1";  // 127.0.0.0/8 or ::1
  int port = 0;                       // 0: any
  std::vector<std::string> hosts;     // accepted in Host besides localhost and the loopback addresses
  int threads = 20;
  int max_connections = 1024;
  int max_connections_per_ip = 512;
  int max_streams = 64;
  int max_waiting_requests = 256;
  std::int64_t max_body_bytes_in_flight = 64 * 1024 * 1024;
  std::int64_t max_stream_backlog = 1024 * 1024;
  Duration head_deadline = std::chrono::seconds(5);
  Duration body_deadline = std::chrono::seconds(30);
  Duration write_deadline = std::chrono::seconds(60);
  Duration idle_deadline = std::chrono::seconds(15);
  Duration stream_lifetime = std::chrono::minutes(5);
};

class Server {
 public:
  Server(ServerOptions options, Handler handler, const Clock& clock, LogSink& log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Status Start();
  // Where it listens, once started.
  int port() const;
  // Ends streams, lets running handlers finish, closes. Safe to call twice.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::http
