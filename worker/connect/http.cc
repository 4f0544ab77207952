#include "worker/connect/http.h"

#include <curl/curl.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <memory>

#include "worker/connect/curl.h"

namespace millrace::connect {
namespace {

struct Exchange {
  const HttpRequest& request;
  const std::function<bool(std::string_view)>& sink;
  HttpResponse response;
  std::size_t received = 0;
  bool too_long = false;
  bool sink_failed = false;
};

std::size_t OnBody(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.received += size;
  if (exchange.received > exchange.request.max_body) {
    exchange.too_long = true;
    return 0;
  }
  const std::string_view text(data, size);
  if (exchange.sink) {
    exchange.sink_failed = !exchange.sink(text);
    return exchange.sink_failed ? 0 : size;
  }
  exchange.response.body.append(text);
  return size;
}

std::size_t OnHeader(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  std::string_view line(data, size);
  if (line.starts_with("HTTP/")) exchange.response.headers.clear();  // another answer begins: a redirect's
  const std::size_t colon = line.find(':');
  if (colon == line.npos || exchange.response.headers.size() >= 200) return size;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  line.remove_prefix(colon + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' '))
    line.remove_suffix(1);
  exchange.response.headers.emplace_back(std::move(name), std::string(line));
  return size;
}

bool IsFinal(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return true;
    default:
      return false;
  }
}

}  // namespace

StatusOr<HttpResponse> Send(const HttpRequest& request, const std::atomic<bool>& cancelled,
                            const std::function<bool(std::string_view)>& sink) {
  Easy easy = NewEasy();
  if (easy == nullptr) return Internal("libcurl cannot be used");
  Exchange exchange{request, sink, {}, 0, false, false};
  std::array<char, CURL_ERROR_SIZE> error{};
  List headers;
  for (const auto& [name, value] : request.headers) {
    if ((name + value).find_first_of("\r\n") != std::string::npos)
      return InvalidArgument("the header '" + name + "' has a line break in it");
    Append(headers, name + ": " + value);
  }
  if (!request.bearer.empty()) Append(headers, "Authorization: Bearer " + request.bearer);
  Append(headers, "Expect:");
  CURL* curl = easy.get();
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    if (std::none_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
          return header.first.size() == 12 && strncasecmp(header.first.c_str(), "content-type", 12) == 0;
        }))
      Append(headers, "Content-Type: text/plain; charset=utf-8");
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  if (!request.user.empty() || !request.password.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, request.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, request.password.c_str());
  }
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request.redirects > 0 ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, static_cast<long>(request.redirects));
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "millrace");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  Bound(curl, request.timeout, cancelled);
  const CURLcode code = curl_easy_perform(curl);
  if (exchange.too_long)
    return InvalidArgument("the answer is longer than " + std::to_string(request.max_body) + " bytes");
  if (exchange.sink_failed) return Internal("the answer cannot be written");
  if (cancelled) return Cancelled("cancelled");
  if (code != CURLE_OK) {
    const std::string text = error[0] != '\0' ? error.data() : curl_easy_strerror(code);
    return IsFinal(code) ? InvalidArgument(text) : Unavailable(text);
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  exchange.response.status = static_cast<int>(status);
  return std::move(exchange.response);
}

}  // namespace millrace::connect
