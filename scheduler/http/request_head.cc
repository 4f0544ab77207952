#include "scheduler/http/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace millrace::http {
namespace {

bool IsTokenChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool HasEncodedLineBreak(std::string_view line) {
  for (std::size_t at = line.find("%0"); at != std::string_view::npos; at = line.find("%0", at + 1)) {
    if (at + 2 < line.size() && std::string_view("aAdD").find(line[at + 2]) != std::string_view::npos)
      return true;
  }
  return false;
}

bool HasControl(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::optional<HeadRefused> CheckRequestLine(std::string_view line, bool* http_1_0) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HeadRefused{400, "malformed request line"};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  static constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                               "PATCH", "DELETE", "OPTIONS"};
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
    return HeadRefused{501, "unknown method"};
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HeadRefused{505, "only HTTP/1.1 is spoken here"};
  *http_1_0 = version == "HTTP/1.0";
  const bool plain = std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (target.empty() || target.front() != '/' || !plain || target.find('#') != std::string_view::npos) {
    return HeadRefused{400, "malformed request target"};
  }
  return std::nullopt;
}

std::string HostName(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const std::size_t close = host.find(']');
    return Lower(close == std::string_view::npos ? host : host.substr(0, close + 1));
  }
  return Lower(host.substr(0, host.find(':')));
}

// What the fields say about framing, gathered line by line.
struct Framing {
  std::optional<std::size_t> content_length;
  std::optional<std::string> host;
  bool keep_alive = true;
};

std::optional<HeadRefused> CheckField(std::string_view line, const HeadLimits& limits, Framing* framing) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 ||
      !std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), IsTokenChar)) {
    return HeadRefused{400, "malformed header line"};
  }
  const std::string name = Lower(line.substr(0, colon));
  const std::string_view value = Trim(line.substr(colon + 1));
  if (name == "content-length") {
    if (framing->content_length) return HeadRefused{400, "more than one Content-Length"};
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (error == std::errc::result_out_of_range) return HeadRefused{413, "request body is too large"};
    if (value.empty() || error != std::errc() || end != value.data() + value.size()) {
      return HeadRefused{400, "malformed Content-Length"};
    }
    if (length > limits.body_bytes) {
      return HeadRefused{413, "request body is larger than " + std::to_string(limits.body_bytes) + " bytes"};
    }
    framing->content_length = length;
  } else if (name == "transfer-encoding") {
    return HeadRefused{411, "Transfer-Encoding is not accepted; send a Content-Length"};
  } else if (name == "content-encoding") {
    if (Lower(value) != "identity") return HeadRefused{415, "compressed request bodies are not accepted"};
  } else if (name == "expect") {
    return HeadRefused{417, "Expect is not supported"};
  } else if (name == "upgrade") {
    return HeadRefused{400, "upgrades are not supported"};
  } else if (name == "host") {
    if (framing->host) return HeadRefused{400, "more than one Host"};
    framing->host = HostName(value);
  } else if (name == "connection") {
    if (Lower(value).find("close") != std::string::npos) framing->keep_alive = false;
  }
  return std::nullopt;
}

std::optional<HeadRefused> CheckLine(std::string_view line, bool first, const HeadLimits& limits,
                                     bool* http_1_0, Framing* framing) {
  if (HasEncodedLineBreak(line)) return HeadRefused{400, "encoded line breaks are not accepted"};
  if (HasControl(line)) return HeadRefused{400, "control characters in the request head"};
  if (first) return CheckRequestLine(line, http_1_0);
  return CheckField(line, limits, framing);
}

}  // namespace

HeadVerdict CheckHead(std::string_view received, const HeadLimits& limits) {
  Framing framing;
  bool http_1_0 = false;
  std::size_t begin = 0;
  for (std::size_t count = 0;; ++count) {
    const std::size_t end = received.find('\n', begin);
    const bool complete = end != std::string_view::npos;
    const std::size_t length = (complete ? end : received.size()) - begin;
    if (length > limits.line_bytes) {
      return count == 0 ? HeadRefused{414, "request line is too long"}
                        : HeadRefused{431, "header line is too long"};
    }
    if (count > limits.lines + 1) return HeadRefused{431, "too many header lines"};
    if ((complete ? end : received.size()) > limits.head_bytes) {
      return HeadRefused{431, "request head is too large"};
    }
    if (!complete) return HeadIncomplete{};
    if (length == 0 || received[end - 1] != '\r')
      return HeadRefused{400, "bare line feed in the request head"};
    const std::string_view line = received.substr(begin, length - 1);
    begin = end + 1;
    if (line.empty()) {
      if (count == 0) return HeadRefused{400, "empty request line"};
      break;
    }
    if (auto refused = CheckLine(line, count == 0, limits, &http_1_0, &framing)) return *refused;
  }
  if (!framing.host && !http_1_0) return HeadRefused{400, "Host is missing"};
  if (!limits.hosts.empty() && (!framing.host || std::find(limits.hosts.begin(), limits.hosts.end(),
                                                           *framing.host) == limits.hosts.end())) {
    return HeadRefused{421, "this Host is not served here"};
  }
  return HeadAccepted{begin, framing.content_length.value_or(0), framing.keep_alive && !http_1_0};
}

}  // namespace millrace::http
