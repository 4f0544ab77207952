// What the kinds that talk HTTP share (http, the http sensor, the webhook): the request that `with`
// describes. Any thread.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/model/value.h"
#include "worker/connect/http.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

// url, or connection and endpoint; method, headers, params, data, json, timeout, redirects, ca_file.
StatusOr<connect::HttpRequest> RequestOf(const TaskContext& context, const Value& with);

// Its field `timeout`.
StatusOr<Duration> TimeoutOf(const Value& with, Duration otherwise);

// Without user, password and query: for the log.
std::string ShownUrl(const std::string& url);

// Whether `status` is what `with` expects.
bool IsExpected(const Value& with, int status);

}  // namespace millrace::tasks
