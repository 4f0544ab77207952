// One HTTP request, by libcurl: http and https only, certificates verified, redirects bounded, an absolute
// deadline, a body no longer than asked for. Blocks; any thread; a cancel flag ends it within a second.
//
// Deliberately not here: retries, paging, and what a status means.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace millrace::connect {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string user;  // with `password`: Basic; never sent to another host that a redirect names
  std::string password;
  std::string bearer;
  std::string ca_file;
  Duration timeout = std::chrono::seconds(60);
  int redirects = 5;
  std::size_t max_body = 0;  // of the answer; more is an error
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case; of the last answer
  std::string body;                                          // unless `sink` took it
};

// OK whatever the status is. UNAVAILABLE: no answer (refused, timed out, no such host); INVALID_ARGUMENT:
// what a repetition cannot mend (a bad address, a certificate that does not verify). Messages hold no
// credentials.
StatusOr<HttpResponse> Send(const HttpRequest& request, const std::atomic<bool>& cancelled,
                            const std::function<bool(std::string_view)>& sink = nullptr);

}  // namespace millrace::connect
