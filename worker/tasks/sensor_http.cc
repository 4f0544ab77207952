#include <algorithm>

#include "core/model/json.h"
#include "worker/tasks/sensors.h"
#include "worker/tasks/web.h"

namespace millrace::tasks {
namespace {

constexpr std::size_t kMaxBodyKept = 16U << 10;  // in the result
constexpr std::size_t kMaxLooked = 4U << 20;  // of a body

bool IsOneOf(const Value* codes, int status) {
  const auto is_it = [&](const Value& code) {
    return code.is_string() ? code.as_string() == std::to_string(status)
                            : code.is_int() && code.as_int() == status;
  };
  if (codes == nullptr) return status == 404;
  return codes->is_list() ? std::any_of(codes->as_list().begin(), codes->as_list().end(), is_it)
                          : is_it(*codes);
}

}  // namespace

TaskEnd HttpSensor::Run(TaskContext& context) {
  StatusOr<TaskEnd> end = Look(context);
  return end.ok() ? std::move(*end) : EndOf(context, end.status());
}

StatusOr<TaskEnd> HttpSensor::Look(TaskContext& context) {
  ASSIGN_OR_RETURN(Value with, ParseJson(context.assignment().with));
  // The sensor's own timeout is the scheduler's business.
  std::erase_if(with.as_map(), [](const auto& member) { return member.first == "timeout"; });
  if (const Value* timeout = with.Find("request_timeout"); timeout != nullptr)
    with.Set("timeout", Value(*timeout));
  ASSIGN_OR_RETURN(connect::HttpRequest request, RequestOf(context, with));
  request.max_body = kMaxLooked;
  const std::string what = request.method + " " + ShownUrl(request.url);
  std::string body;
  StatusOr<connect::HttpResponse> response = connect::Send(request, cancelled_, [&](std::string_view text) {
    body.append(text);
    return true;
  });
  if (!response.ok()) return response.status().WithContext(what);
  TaskEnd end;
  end.message = what + " answered " + std::to_string(response->status);
  if (!IsExpected(with, response->status)) {
    end.outcome = IsOneOf(with.Find("not_yet"), response->status) ? Outcome::kNotYet : Outcome::kFailed;
    return end;
  }
  const std::string contains = TextOf(with, "contains");
  if (body.find(contains) == std::string::npos) {
    end.outcome = Outcome::kNotYet;
    end.message += ", without the text that it must contain";
    return end;
  }
  context.Log(end.message + "\n");
  end.message.clear();
  StatusOr<Value> parsed = body.size() <= kMaxBodyKept ? ParseJson(body) : InvalidArgument("long");
  Value result;
  result.Set("status", Value(response->status));
  result.Set("body", parsed.ok() ? std::move(*parsed) : Value(body.substr(0, kMaxBodyKept)));
  end.result = ToJson(result);
  // The server's own word of what it sent, or all of that.
  end.fingerprint = std::move(body);
  for (const auto& [name, value] : response->headers) {
    if (name == "etag" && !value.empty()) end.fingerprint = "etag " + value;
  }
  return end;
}

}  // namespace millrace::tasks
