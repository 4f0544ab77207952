#include "scheduler/api/answer.h"

#include "core/model/json.h"

namespace millrace::api {
namespace {

int HttpStatus(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return 400;
    case Code::kUnauthenticated:
      return 401;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
    case Code::kAborted:
      return 409;
    case Code::kResourceExhausted:
      return 429;
    case Code::kUnimplemented:
      return 501;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kCancelled:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

http::Response JsonAnswer(const Value& body, int status) {
  http::Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = ToJson(body);
  return response;
}

http::Response TextAnswer(std::string body, std::string_view type) {
  http::Response response;
  response.headers.emplace_back("Content-Type", type);
  response.body = std::move(body);
  return response;
}

http::Response ErrorAnswer(const Status& status) {
  const int code = HttpStatus(status.code());
  const std::string detail = code == 500 ? "internal error" : status.message();
  http::Response response = JsonAnswer(Value::Map{{"detail", detail}}, code);
  if (code == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (code == 429 || code == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

void Issues::Add(std::string_view place, std::string_view field, std::string_view type,
                 std::string_view message, Value input) {
  Value::List where = {Value(place)};
  if (!field.empty()) where.emplace_back(field);
  list_.emplace_back(Value::Map{{"loc", std::move(where)},
                                {"msg", message},
                                {"type", type},
                                {"input", std::move(input)},
                                {"ctx", Value::Map()}});
}

http::Response Issues::Answer() const { return JsonAnswer(Value::Map{{"detail", list_}}, 422); }

std::string Issues::Text() const {
  std::string text;
  for (const Value& issue : list_) {
    const Value::List& where = issue.Find("loc")->as_list();
    text += (text.empty() ? "" : "; ") + (where.size() > 1 ? where[1].as_string() + ": " : std::string()) +
            issue.Find("msg")->as_string();
  }
  return text;
}

bool Wants(const http::Request& request, std::string_view media_type) {
  const std::string_view accept = request.Header("accept");
  const std::size_t at = accept.find(media_type);
  const std::size_t json = accept.find("application/json");
  return at != std::string_view::npos && (json == std::string_view::npos || at < json);
}

}  // namespace millrace::api
