// A request as handlers see it and what they answer; plain values of our own, so that no other room sees the
// HTTP library. Made by the server's worker threads, read by handlers on the same thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::http {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // upper case; HEAD is routed as GET
  std::string path;    // as sent, still percent-encoded: only the router decodes, segment by segment
  Fields params;       // what the route's {names} matched, decoded
  Fields query;        // decoded, repeated keys kept, in order of their keys
  Fields headers;      // names in lower case
  std::string body;
  std::string remote;  // the peer's IP address

  // The first value, or "" when there is none.
  std::string_view Param(std::string_view name) const;
  std::string_view Query(std::string_view name) const;
  std::string_view Header(std::string_view lower_case_name) const;
  bool HasQuery(std::string_view name) const;
  std::vector<std::string> QueryAll(std::string_view name) const;
};

enum class StreamId : std::uint64_t {};

// Where the rest of a streamed body goes. Any thread; never blocks. The server outlives every stream.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // False when the stream is over: the client left, is too slow, or its time is up.
  virtual bool Write(StreamId stream, std::string_view data) = 0;
  virtual void End(StreamId stream) = 0;
};

struct Response {
  int status = 200;
  Fields headers;
  std::string body;
  // Set: the response has no end yet. Called on the worker's thread once the head (and `body`) are on their
  // way; whoever keeps sink and id writes the rest.
  std::function<void(StreamSink&, StreamId)> stream;
};

using Handler = std::function<Response(const Request&)>;

// {"detail": "..."} with the status; what every refusal looks like.
Response ErrorResponse(int status, std::string_view detail);
std::string JsonQuoted(std::string_view text);

}  // namespace millrace::http
