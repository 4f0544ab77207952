#include "scheduler/http/exchange.h"

#include <httplib.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

namespace millrace::http {
namespace {

// A request in memory, and the response beside it.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view input) : input_(input) {}

  bool is_readable() const override { return !input_.empty(); }
  bool wait_readable() const override { return true; }
  bool wait_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    const size_t count = std::min(size, input_.size());
    std::memcpy(to, input_.data(), count);
    input_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, size_t size) override {
    output.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }
  time_t duration() const override { return 0; }

  std::string output;

 private:
  std::string_view input_;
};

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Request ToRequest(const httplib::Request& from, const std::string& remote) {
  Request to;
  to.method = from.method;
  to.path = from.target.substr(0, from.target.find('?'));
  for (const auto& [key, value] : from.params) to.query.emplace_back(key, value);
  for (const auto& [key, value] : from.headers) to.headers.emplace_back(Lower(key), value);
  to.body = from.body;
  to.remote = remote;
  return to;
}

}  // namespace

class Exchange::Library : public httplib::Server {
 public:
  Library(const http::Handler& handler, LogSink& log) : handler_(handler), log_(log) {
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      Answer(request, response);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler([this](const httplib::Request&, httplib::Response& response) {
      response.headers.erase("Keep-Alive");
      if (stream_ && !response.has_header("Connection")) response.set_header("Connection", "close");
      if (response.status == 204) response.headers.erase("Content-Length");
      close_ = response.get_header_value("Connection") == "close";
    });
  }

  Result Run(std::string_view bytes, std::size_t head_bytes, const std::string& remote, bool keep_alive) {
    stream_ = nullptr;
    close_ = true;
    remote_ = remote;
    MemoryStream memory(bytes);
    bool closed = false;
    process_request(memory, remote, 0, "", 0, !keep_alive, closed, [&](httplib::Request& request) {
      request.body = bytes.substr(head_bytes);
      request.ranges.clear();
    });
    memory.output += std::exchange(first_, {});
    return {std::move(memory.output), close_ || closed || !keep_alive, std::move(stream_)};
  }

 private:
  void Answer(const httplib::Request& from, httplib::Response& to) {
    Response response;
    try {
      response = handler_(ToRequest(from, remote_));
    } catch (const std::exception& error) {
      log_.Log(LogLevel::kError, std::string("Request failed (error=") + error.what() + ")");
      response = ErrorResponse(500, "internal error; the scheduler's log says more");
    }
    to.status = response.status;
    SetHeaders(response, to);
    if (response.stream && from.method != "HEAD") {
      stream_ = std::move(response.stream);
      first_ = std::move(response.body);
      // Without a length: the body ends with the connection. The library writes the head alone.
      std::string type = to.get_header_value("Content-Type");
      to.headers.erase("Content-Type");
      to.set_content_provider(type, [](size_t, httplib::DataSink& sink) {
        sink.done();
        return true;
      });
    } else {
      to.body = std::move(response.body);
    }
  }

  // Every response carries these; a handler may say otherwise.
  static void SetHeaders(const Response& from, httplib::Response& to) {
    to.set_header("X-Content-Type-Options", "nosniff");
    to.set_header("Referrer-Policy", "no-referrer");
    to.set_header("Content-Security-Policy",
                  "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'");
    to.set_header("Cache-Control", "no-store");
    for (const auto& [key, value] : from.headers) {
      to.headers.erase(key);
      to.set_header(key, value);
    }
  }

  const http::Handler& handler_;
  LogSink& log_;
  std::string remote_;
  std::function<void(StreamSink&, StreamId)> stream_;
  std::string first_;  // of a stream's body
  bool close_ = true;
};

Exchange::Exchange(const Handler& handler, LogSink& log)
    : library_(std::make_unique<Library>(handler, log)) {}
Exchange::~Exchange() = default;

Exchange::Result Exchange::Run(std::string_view request, std::size_t head_bytes, const std::string& remote,
                               bool keep_alive) {
  return library_->Run(request, head_bytes, remote, keep_alive);
}

}  // namespace millrace::http
