#include <algorithm>

#include "core/spec/kinds.h"

namespace millrace {
namespace {

void CheckHttp(const Value& with, std::vector<Problem>& problems) {
  const Value* url = with.Find("url");
  const Value* connection = with.Find("connection");
  if ((url == nullptr) == (connection == nullptr)) {
    AddProblem(
        problems, with.position(), "exactly one of 'url' and 'connection' is needed",
        "url: https://host/path, or connection: the name of one with an http(s) URI, and endpoint: path");
  }
  if (const Value* endpoint = with.Find("endpoint"); endpoint != nullptr && url != nullptr) {
    AddProblem(problems, endpoint->key_position(), "'endpoint' goes with 'connection', not with 'url'",
               "write the whole address into 'url'");
  }
  const Value* data = with.Find("data");
  if (data != nullptr && with.Find("json") != nullptr) {
    AddProblem(problems, data->key_position(), "'data' and 'json' cannot both be the body", "leave one out");
  }
  if (url != nullptr && url->is_string() && !HasTemplate(url->as_string()) &&
      !url->as_string().starts_with("http://") && !url->as_string().starts_with("https://")) {
    AddProblem(problems, url->position(), "'url' must begin with http:// or https://", "");
  }
  const Value* expect = with.Find("expect");
  if (expect == nullptr) return;
  const auto is_status = [](const Value& status) {
    return status.is_int() && status.as_int() >= 100 && status.as_int() <= 599;
  };
  const bool good = expect->is_list()
                        ? !expect->as_list().empty() &&
                              std::all_of(expect->as_list().begin(), expect->as_list().end(), is_status)
                        : is_status(*expect);
  if (!good) {
    AddProblem(problems, expect->position(), "'expect' must be HTTP status codes from 100 to 599",
               "expect: [200, 204]");
  }
}

}  // namespace

const TaskKind& HttpKind() {
  static const TaskKind kind{
      .name = "http",
      .doc =
          "Sends one HTTP request. The result is {status, headers, body}, or {status, headers, file, bytes}; "
          "a body "
          "of JSON is parsed.",
      .fields =
          {
              {.name = "method",
               .type = FieldType::kChoice,
               .doc = "GET when left out, POST when there is a body",
               .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}},
              {.name = "url",
               .type = FieldType::kString,
               .doc = "the whole address",
               .use = FieldUse::kTemplate},
              {.name = "connection",
               .type = FieldType::kString,
               .doc = "instead of 'url': a connection of an http(s) URI, whose user and password are sent as "
                      "Basic "
                      "authorisation; its option token as Bearer",
               .use = FieldUse::kConnection},
              {.name = "endpoint",
               .type = FieldType::kString,
               .doc = "what follows the connection's address",
               .use = FieldUse::kTemplate},
              {.name = "headers",
               .type = FieldType::kStringMap,
               .doc = "of the request",
               .use = FieldUse::kTemplate},
              {.name = "params",
               .type = FieldType::kStringMap,
               .doc = "of the query; encoded",
               .use = FieldUse::kTemplate},
              {.name = "data",
               .type = FieldType::kString,
               .doc = "the body as text",
               .use = FieldUse::kTemplate},
              {.name = "json",
               .type = FieldType::kAny,
               .doc = "the body as JSON",
               .use = FieldUse::kTemplate},
              {.name = "expect",
               .type = FieldType::kAny,
               .doc = "status codes that are success; 200 to 299 when left out"},
              {.name = "to",
               .type = FieldType::kString,
               .doc = "file beneath the worker's root that the body goes to, whole or not at all",
               .use = FieldUse::kTemplate},
              {.name = "timeout",
               .type = FieldType::kDuration,
               .doc = "of the whole request; 60s when left out"},
              {.name = "redirects",
               .type = FieldType::kInteger,
               .doc = "followed at most; 5 when left out",
               .min = 0,
               .max = 20},
              {.name = "ca_file",
               .type = FieldType::kString,
               .doc = "certificates on the worker to verify the server with, instead of the system's"},
          },
      .check = CheckHttp};
  return kind;
}

}  // namespace millrace
