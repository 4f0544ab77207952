// Answers in the API's shapes: JSON bodies, {"detail": ...} for errors, and the list form of 422. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"
#include "scheduler/http/message.h"

namespace millrace::api {

http::Response JsonAnswer(const Value& body, int status = 200);
http::Response TextAnswer(std::string body, std::string_view type = "text/plain; charset=utf-8");

// The HTTP status that says what the code says; internal errors keep their text to themselves.
http::Response ErrorAnswer(const Status& status);

// What is wrong with a request, all of it, as FastAPI tells it: 422 with a list.
class Issues {
 public:
  // `place` is "body" or "query"; `field` may be "" for the whole.
  void Add(std::string_view place, std::string_view field, std::string_view type, std::string_view message,
           Value input = {});
  bool empty() const { return list_.empty(); }
  http::Response Answer() const;
  // "value: Field required; ...", for one thing of several.
  std::string Text() const;

 private:
  Value::List list_;
};

// Whether the client asked for this media type before JSON.
bool Wants(const http::Request& request, std::string_view media_type);

}  // namespace millrace::api

// Leaves a handler with the error's answer; the handler returns http::Response.
#define ANSWER_IF_ERROR(expression)                                                  \
  do {                                                                               \
    const ::millrace::Status millrace_status = (expression);                         \
    if (!millrace_status.ok()) return ::millrace::api::ErrorAnswer(millrace_status); \
  } while (false)
#define ASSIGN_OR_ANSWER(target, expression) \
  ASSIGN_OR_ANSWER_INNER(MILLRACE_CONCAT(millrace_result_, __LINE__), target, expression)
#define ASSIGN_OR_ANSWER_INNER(result, target, expression)                \
  auto result = (expression);                                             \
  if (!result.ok()) return ::millrace::api::ErrorAnswer(result.status()); \
  target = std::move(result).value()
