// One request's bytes to one response's bytes, through cpp-httplib's parser and writer: the only place that
// knows it. Each worker thread of the server has its own. Works on memory alone; the server does the sockets,
// and has already bounded and checked what comes in here.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base/log.h"
#include "scheduler/http/message.h"

namespace millrace::http {

class Exchange {
 public:
  struct Result {
    std::string bytes;
    bool close = false;
    std::function<void(StreamSink&, StreamId)> stream;  // set: the body goes on
  };

  Exchange(const Handler& handler, LogSink& log);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // `request` is whole; its body starts at `head_bytes`.
  Result Run(std::string_view request, std::size_t head_bytes, const std::string& remote, bool keep_alive);

 private:
  class Library;
  std::unique_ptr<Library> library_;
};

}  // namespace millrace::http
