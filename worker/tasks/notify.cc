#include "worker/tasks/notify.h"

#include <algorithm>
#include <array>

#include "core/model/json.h"
#include "worker/connect/smtp.h"
#include "worker/connect/uri.h"
#include "worker/tasks/database.h"
#include "worker/tasks/web.h"

namespace millrace::tasks {
namespace {

constexpr std::size_t kMaxAnswer = 1U << 20;
constexpr std::size_t kMaxShown = 500;  // of an answer

std::string BodyText(const Value& with) {
  const Value* body = with.Find("body");
  if (body == nullptr) return "";
  return body->is_string() ? body->as_string() : ToJson(*body);
}

StatusOr<connect::MailServer> ServerOf(const TaskContext& context, const Value& with, std::string* sender) {
  const std::string name = TextOf(with, "connection", "smtp_default");
  ASSIGN_OR_RETURN(const std::string text, context.Connection(name));
  ASSIGN_OR_RETURN(const connect::Uri uri, connect::ParseUri(text));
  StatusOr<connect::MailServer> found = connect::MailServerOf(uri);
  if (!found.ok()) return found.status().WithContext("connection " + name);
  connect::MailServer server = std::move(found).value();
  server.ca_file = TextOf(with, "ca_file", server.ca_file);
  const auto option = [&uri](const char* of) {
    const auto known = uri.options.find(of);
    return known == uri.options.end() ? std::string() : known->second;
  };
  *sender = TextOf(with, "from", option("from"));
  if (sender->empty() && uri.user.find('@') != std::string::npos) *sender = uri.user;
  if (sender->empty())
    return InvalidArgument("a mail needs a sender: say 'from', or give connection " + name +
                           " the option ?from=me@example.com");
  return server;
}

// What sending once more cannot mend.
bool IsFinal(int status) {
  constexpr std::array<int, 8> kFinal = {400, 401, 403, 404, 405, 410, 415, 422};
  return std::find(kFinal.begin(), kFinal.end(), status) != kFinal.end();
}

// Of a connection only its name: all of its address may be secret.
std::string Shown(const Value& with, const connect::HttpRequest& request) {
  const std::string connection = TextOf(with, "connection");
  return request.method + " " + (connection.empty() ? ShownUrl(request.url) : "by connection " + connection);
}

TaskEnd Judge(TaskContext& context, const Value& with, const std::string& what,
              const connect::HttpResponse& response) {
  TaskEnd end;
  context.Log(what + ": HTTP " + std::to_string(response.status) + "\n");
  Value result;
  result.Set("status", Value(response.status));
  end.result = ToJson(result);
  if (IsExpected(with, response.status)) return end;
  end.outcome = IsFinal(response.status) ? Outcome::kFailFinal : Outcome::kFailed;
  const std::string head = response.body.substr(0, kMaxShown);
  end.message = what + " answered " + std::to_string(response.status) + (head.empty() ? "" : ": " + head);
  context.Log(head + "\n");
  return end;
}

bool HasHeader(const connect::HttpRequest& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [name](const auto& header) {
    return std::equal(header.first.begin(), header.first.end(), name.begin(), name.end(),
                      [](char a, char b) { return std::tolower(a) == std::tolower(b); });
  });
}

}  // namespace

std::string NotifyTask::KeyOf(const TaskContext& context) const {
  for (const auto& [name, value] : context.assignment().environment) {
    if (name == "MILLRACE_IDEMPOTENCY_KEY") return value;
  }
  // A task's: its ids are its scheduler's own.
  return workplace_.scheduler + "-" + ToString(context.assignment().fence);
}

TaskEnd NotifyTask::Run(TaskContext& context) {
  const auto send = [&]() -> StatusOr<TaskEnd> {
    ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
    const std::string notify = TextOf(with, "notify");
    if (notify == "smtp") return SendMail(context, with);
    if (notify == "slack") return SendSlack(context, with);
    return SendWebhook(context, with);
  };
  StatusOr<TaskEnd> end = send();
  if (end.ok()) return *std::move(end);
  TaskEnd failed;
  const bool again = end.status().code() == Code::kUnavailable || end.status().code() == Code::kNotFound ||
                     end.status().code() == Code::kInternal;
  failed.outcome = again ? Outcome::kFailed : Outcome::kFailFinal;
  failed.message = end.status().message();
  context.Log(failed.message + "\n");
  return failed;
}

StatusOr<TaskEnd> NotifyTask::SendMail(TaskContext& context, const Value& with) {
  connect::Mail mail;
  ASSIGN_OR_RETURN(connect::MailServer server, ServerOf(context, with, &mail.from));
  ASSIGN_OR_RETURN(server.timeout, TimeoutOf(with, server.timeout));
  mail.to = TextsOf(with, "to");
  mail.cc = TextsOf(with, "cc");
  mail.bcc = TextsOf(with, "bcc");
  mail.reply_to = TextOf(with, "reply_to");
  mail.subject = TextOf(with, "subject");
  mail.text = BodyText(with);
  mail.html = TextOf(with, "html");
  mail.message_id = KeyOf(context) + "@millrace";
  mail.at = clock_.now().wall;
  if (const Value* headers = with.Find("headers"); headers != nullptr && headers->is_map()) {
    for (const auto& [name, value] : headers->as_map())
      mail.headers.emplace_back(name, value.is_string() ? value.as_string() : ToJson(value));
  }
  context.Log("mail to " + std::to_string(mail.to.size() + mail.cc.size() + mail.bcc.size()) +
              " addresses by " + server.host + "\n");
  RETURN_IF_ERROR(connect::SendMail(server, mail, cancelled_).WithContext("mail by " + server.host));
  context.Log("the server has taken it\n");
  TaskEnd end;
  end.result = ToJson(Value(Value::Map{{"message_id", mail.message_id}}));
  return end;
}

StatusOr<TaskEnd> NotifyTask::SendWebhook(TaskContext& context, const Value& with) {
  Value asked = with;
  if (asked.Find("method") == nullptr) asked.Set("method", "POST");
  ASSIGN_OR_RETURN(connect::HttpRequest request, RequestOf(context, asked));
  ASSIGN_OR_RETURN(request.timeout, TimeoutOf(with, std::chrono::seconds(30)));
  request.body = BodyText(with);
  request.max_body = kMaxAnswer;
  if (!HasHeader(request, "content-type") && ParseJson(request.body).ok())
    request.headers.emplace_back("Content-Type", "application/json");
  if (!HasHeader(request, "idempotency-key")) request.headers.emplace_back("Idempotency-Key", KeyOf(context));
  const std::string what = Shown(with, request);
  const StatusOr<connect::HttpResponse> response = connect::Send(request, cancelled_);
  if (!response.ok()) return response.status().WithContext(what);
  return Judge(context, with, what, *response);
}

// An incoming webhook, or with slack://:TOKEN@ the method chat.postMessage.
StatusOr<TaskEnd> NotifyTask::SendSlack(TaskContext& context, const Value& with) {
  Value asked = with;
  bool by_token = false;
  connect::HttpRequest request;
  if (const std::string name = TextOf(with, "connection"); !name.empty()) {
    ASSIGN_OR_RETURN(const std::string text, context.Connection(name));
    ASSIGN_OR_RETURN(const connect::Uri uri, connect::ParseUri(text));
    by_token = uri.scheme == "slack";
    if (by_token || uri.scheme == "slackwebhook") {
      const auto base = uri.options.find("base_url");
      std::string url = base != uri.options.end() ? base->second : by_token ? "https://slack.com/api" : "";
      if (url.empty())
        url = "https://" + (uri.host.empty() ? std::string("hooks.slack.com/services") : uri.host);
      request.url = url + "/" + (by_token ? "chat.postMessage" : uri.password);
      if (by_token) request.bearer = uri.password;
    }
  }
  if (request.url.empty()) {
    ASSIGN_OR_RETURN(request, RequestOf(context, asked));
  }
  request.method = "POST";
  ASSIGN_OR_RETURN(request.timeout, TimeoutOf(with, std::chrono::seconds(30)));
  request.ca_file = TextOf(with, "ca_file");
  request.max_body = kMaxAnswer;
  Value message{Value::Map{}};
  for (const char* field : {"text", "channel", "username", "blocks", "attachments"}) {
    const Value* value = with.Find(field);
    if (value == nullptr) continue;
    // Blocks may be one template of all of them.
    const StatusOr<Value> parsed = value->is_string() && (field[0] == 'b' || field[0] == 'a')
                                       ? ParseJson(value->as_string())
                                       : StatusOr<Value>(*value);
    message.Set(field, parsed.ok() ? *parsed : *value);
  }
  request.body = ToJson(message);
  request.headers = {{"Content-Type", "application/json; charset=utf-8"},
                     {"Idempotency-Key", KeyOf(context)}};
  const std::string what = "slack: " + Shown(with, request);
  const StatusOr<connect::HttpResponse> response = connect::Send(request, cancelled_);
  if (!response.ok()) return response.status().WithContext(what);
  TaskEnd end = Judge(context, with, what, *response);
  if (!by_token || end.outcome != Outcome::kSuccess) return end;
  const StatusOr<Value> answer = ParseJson(response->body);
  const Value* ok = answer.ok() ? answer->Find("ok") : nullptr;
  if (ok != nullptr && ok->is_bool() && ok->as_bool()) return end;
  const std::string error = answer.ok() ? TextOf(*answer, "error") : "no JSON";
  end.outcome = error == "ratelimited" || error == "internal_error" || error == "fatal_error"
                    ? Outcome::kFailed
                    : Outcome::kFailFinal;
  end.message = what + " answered: " + error;
  return end;
}

}  // namespace millrace::tasks
