#include "scheduler/http/router.h"

#include <algorithm>

namespace millrace::http {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> DecodeSegment(std::string_view raw) {
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      if (i + 2 >= raw.size()) return std::nullopt;
      const int high = HexDigit(raw[i + 1]);
      const int low = HexDigit(raw[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  if (out.empty() || out == "." || out == "..") return std::nullopt;
  return out;
}

bool IsName(const std::string& segment) { return segment.front() == '{'; }

// "{name:path}", last: the rest of the path.
constexpr std::string_view kRest = ":path}";

bool TakesRest(const std::vector<std::string>& pattern) { return !pattern.empty() && pattern.back().ends_with(kRest); }

bool Fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  if (TakesRest(pattern) ? path.size() < pattern.size() : path.size() != pattern.size()) return false;
  return std::equal(
      pattern.begin(), pattern.end(), path.begin(),
      [](const std::string& want, const std::string& got) { return IsName(want) || want == got; });
}

// True when `a` has a literal at the first place where one of two fitting patterns has a name.
bool MoreLiteral(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (IsName(a[i]) != IsName(b[i])) return IsName(b[i]);
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> DecodePath(std::string_view raw) {
  if (raw.empty() || raw.front() != '/') return std::nullopt;
  std::vector<std::string> segments;
  if (raw.size() == 1) return segments;
  std::size_t begin = 1;
  while (begin <= raw.size()) {
    const std::size_t end = std::min(raw.find('/', begin), raw.size());
    auto segment = DecodeSegment(raw.substr(begin, end - begin));
    if (!segment) return std::nullopt;
    segments.push_back(std::move(*segment));
    begin = end + 1;
  }
  return segments;
}

void Router::Add(std::string_view method, std::string_view pattern, Handler handler) {
  std::vector<std::string> segments = DecodePath(pattern).value_or(std::vector<std::string>());
  routes_.push_back({std::string(method), std::move(segments), std::move(handler)});
}

Response Router::Handle(const Request& request) const {
  const auto path = DecodePath(request.path);
  if (!path) return ErrorResponse(404, "Not Found");
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  const Route* best = nullptr;
  std::string allowed;
  for (const Route& route : routes_) {
    if (!Fits(route.segments, *path)) continue;
    if (route.method != method) {
      allowed += (allowed.empty() ? "" : ", ") + route.method;
    } else if (best == nullptr || MoreLiteral(route.segments, best->segments)) {
      best = &route;
    }
  }
  if (best == nullptr) {
    if (!allowed.empty()) {
      Response response = ErrorResponse(405, "Method Not Allowed");
      response.headers.emplace_back("Allow", allowed);
      return response;
    }
    return fallback_ ? fallback_(request) : ErrorResponse(404, "Not Found");
  }
  Request routed = request;
  for (std::size_t i = 0; i < best->segments.size(); ++i) {
    const std::string& name = best->segments[i];
    if (!IsName(name)) continue;
    std::string value = (*path)[i];
    if (!name.ends_with(kRest)) {
      routed.params.emplace_back(name.substr(1, name.size() - 2), std::move(value));
      continue;
    }
    for (std::size_t rest = i + 1; rest < path->size(); ++rest) value += "/" + (*path)[rest];
    routed.params.emplace_back(name.substr(1, name.size() - 1 - kRest.size()), std::move(value));
  }
  return best->handler(routed);
}

}  // namespace millrace::http
