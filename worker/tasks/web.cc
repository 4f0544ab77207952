#include "worker/tasks/web.h"

#include <algorithm>

#include "core/base/url_text.h"
#include "core/calendar/format.h"
#include "core/model/json.h"
#include "worker/connect/uri.h"
#include "worker/tasks/database.h"

namespace millrace::tasks {
namespace {

std::string Plain(const Value& value) { return value.is_string() ? value.as_string() : ToJson(value); }

Status FromConnection(const TaskContext& context, const std::string& name, const std::string& endpoint,
                      connect::HttpRequest& request) {
  ASSIGN_OR_RETURN(const std::string text, context.Connection(name));
  ASSIGN_OR_RETURN(const connect::Uri uri, connect::ParseUri(text));
  if ((uri.scheme != "http" && uri.scheme != "https") || uri.host.empty()) {
    return InvalidArgument("connection " + name + " is no http(s) address");
  }
  request.url = uri.scheme + "://" + uri.host;
  if (uri.port != 0) request.url += ":" + std::to_string(uri.port);
  std::string path = uri.path;
  while (path.ends_with('/')) path.pop_back();
  request.url += path + (endpoint.starts_with('/') || endpoint.empty() ? "" : "/") + endpoint;
  request.user = uri.user;
  request.password = uri.password;
  if (const auto token = uri.options.find("token"); token != uri.options.end())
    request.bearer = token->second;
  return OkStatus();
}

}  // namespace

StatusOr<Duration> TimeoutOf(const Value& with, Duration otherwise) {
  const Value* timeout = with.Find("timeout");
  if (timeout == nullptr) return otherwise;
  if (timeout->is_string()) return ParseDuration(timeout->as_string());
  if (!timeout->is_number()) return otherwise;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(timeout->as_double()));
}

StatusOr<connect::HttpRequest> RequestOf(const TaskContext& context, const Value& with) {
  connect::HttpRequest request;
  request.url = TextOf(with, "url");
  if (const std::string connection = TextOf(with, "connection"); !connection.empty()) {
    RETURN_IF_ERROR(FromConnection(context, connection, TextOf(with, "endpoint"), request));
  }
  if (request.url.empty()) return InvalidArgument("'url' is empty");
  if (const Value* params = with.Find("params"); params != nullptr && params->is_map()) {
    for (const auto& [name, value] : params->as_map()) {
      request.url += request.url.find('?') == std::string::npos ? '?' : '&';
      request.url += UrlEncoded(name) + "=" + UrlEncoded(Plain(value));
    }
  }
  if (const Value* headers = with.Find("headers"); headers != nullptr && headers->is_map()) {
    for (const auto& [name, value] : headers->as_map()) request.headers.emplace_back(name, Plain(value));
  }
  const Value* json = with.Find("json");
  if (json != nullptr) {
    request.body = ToJson(*json);
    request.headers.emplace_back("Content-Type", "application/json");
  } else {
    request.body = TextOf(with, "data");
  }
  request.method = TextOf(with, "method", json != nullptr || !request.body.empty() ? "POST" : "GET");
  ASSIGN_OR_RETURN(request.timeout, TimeoutOf(with, request.timeout));
  request.redirects = static_cast<int>(NumberOf(with, "redirects", request.redirects));
  request.ca_file = TextOf(with, "ca_file");
  return request;
}

std::string ShownUrl(const std::string& url) {
  std::string shown = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = shown.find("://");
  if (scheme == std::string::npos) return shown;
  const std::size_t path = std::min(shown.find('/', scheme + 3), shown.size());
  const std::size_t at = shown.rfind('@', path);
  if (at != std::string::npos && at > scheme) shown.erase(scheme + 3, at - scheme - 2);
  return shown;
}

bool IsExpected(const Value& with, int status) {
  const Value* expect = with.Find("expect");
  if (expect == nullptr) return status >= 200 && status <= 299;
  const auto is_it = [&](const Value& value) { return value.is_int() && value.as_int() == status; };
  return expect->is_list() ? std::any_of(expect->as_list().begin(), expect->as_list().end(), is_it)
                           : is_it(*expect);
}

}  // namespace millrace::tasks
