// Finds the handler of a request by method and path. Patterns are literal segments and {names}:
// "/dags/{dag_id}/tasks"; a last one "{key:path}" takes what is left, slashes and all. The raw path is split first and each segment decoded once, so "%2F" never makes a
// segment boundary; empty segments,
// "." and "..", and encoded slashes or control characters match no route. Case counts. A literal beats a
// name.
//
// Filled before the server starts, then read by its worker threads. It knows nothing of users: the API wraps
// handlers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/http/message.h"

namespace millrace::http {

// The decoded segments of a raw path, or nothing when it is not one that any route could mean. "/" has no
// segments.
std::optional<std::vector<std::string>> DecodePath(std::string_view raw);

class Router {
 public:
  void Add(std::string_view method, std::string_view pattern, Handler handler);
  // Asked when no pattern fits the path. Without one: 404.
  void SetFallback(Handler handler) { fallback_ = std::move(handler); }

  // 404 when nothing fits, 405 with Allow when only other methods do.
  Response Handle(const Request& request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;  // a name as "{name}"
    Handler handler;
  };
  std::vector<Route> routes_;
  Handler fallback_;
};

}  // namespace millrace::http
