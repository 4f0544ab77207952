// The guard's look at a request head before the HTTP library sees a byte of it: sizes, framing and Host.
// Pure; any thread. It refuses what two parsers could read in two ways (Transfer-Encoding, a second
// Content-Length, bare CR or LF, folded lines, spaces before the colon, encoded CR and LF) instead of
// guessing. It does not decode or route.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace millrace::http {

struct HeadLimits {
  std::size_t line_bytes = 8 * 1024;
  std::size_t lines = 100;
  std::size_t head_bytes = 64 * 1024;
  std::size_t body_bytes = 1024 * 1024;
  std::vector<std::string> hosts;  // allowed names in Host, without port, lower case; empty: any
};

struct HeadIncomplete {};
struct HeadRefused {
  int status = 400;
  std::string detail;
};
struct HeadAccepted {
  std::size_t bytes = 0;  // of the head, its blank line included
  std::size_t body_bytes = 0;
  bool keep_alive = true;
};
using HeadVerdict = std::variant<HeadIncomplete, HeadRefused, HeadAccepted>;

// `received` starts at the request line. Cheap to call again as more arrives (heads are small).
HeadVerdict CheckHead(std::string_view received, const HeadLimits& limits);

}  // namespace millrace::http
