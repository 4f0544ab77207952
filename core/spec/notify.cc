#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/spec/kinds.h"
#include "core/spec/notifiers.h"

namespace millrace {
namespace {

using Names = std::vector<std::string_view>;

// What each notifier takes beyond `notify`, `connection`, `timeout` and `ca_file`.
const Names& FieldsOf(std::string_view notifier) {
  static const Names mail = {"to", "cc", "bcc", "from", "reply_to", "subject", "body", "html", "headers"};
  static const Names webhook = {"url", "endpoint", "method", "headers", "body", "expect"};
  static const Names slack = {"url", "text", "channel", "username", "blocks", "attachments"};
  return notifier == "smtp" ? mail : notifier == "slack" ? slack : webhook;
}

bool IsEmpty(const Value* value) {
  return value == nullptr || value->is_null() || (value->is_string() && value->as_string().empty()) ||
         (value->is_list() && value->as_list().empty());
}

void CheckAddress(const Value& value, std::vector<Problem>& problems) {
  if (!value.is_string() || HasTemplate(value.as_string())) return;
  const std::string& text = value.as_string();
  if (text.find('@') != std::string::npos && text.find_first_of("\r\n") == std::string::npos) return;
  AddProblem(problems, value.position(), "'" + text + "' is no e-mail address",
             "name@host, or Name <name@host>");
}

void CheckMail(const Value& with, std::vector<Problem>& problems) {
  if (IsEmpty(with.Find("to"))) {
    AddProblem(problems, with.position(), "'to' says nobody to write to", "to: [ops@example.com]");
  }
  for (const char* field : {"to", "cc", "bcc", "from", "reply_to"}) {
    const Value* addresses = with.Find(field);
    if (addresses == nullptr) continue;
    for (const Value& address : addresses->is_list() ? addresses->as_list() : Value::List{*addresses})
      CheckAddress(address, problems);
  }
  if (with.Find("connection") == nullptr) {
    AddProblem(problems, with.position(), "field 'connection' is missing",
               "connection: smtp_default, and MILLRACE_CONN_SMTP_DEFAULT=smtp://... for the scheduler");
  }
  if (with.Find("subject") == nullptr) {
    AddProblem(problems, with.position(), "field 'subject' is missing",
               "subject: \"{{ dag.dag_id }} of {{ ds }} is there\"");
  }
}

void CheckUrl(const Value& with, std::string_view notifier, std::vector<Problem>& problems) {
  const Value* url = with.Find("url");
  if ((url == nullptr) == (with.Find("connection") == nullptr)) {
    AddProblem(problems, with.position(), "exactly one of 'url' and 'connection' is needed",
               "connection: the name of one whose URI is the address: it keeps what is secret in it out of "
               "the file");
  }
  if (url != nullptr && url->is_string() && !HasTemplate(url->as_string()) &&
      !url->as_string().starts_with("http://") && !url->as_string().starts_with("https://")) {
    AddProblem(problems, url->position(), "'url' must begin with http:// or https://");
  }
  if (notifier == "slack" && IsEmpty(with.Find("text")) && IsEmpty(with.Find("blocks")) &&
      IsEmpty(with.Find("attachments"))) {
    AddProblem(problems, with.position(), "a slack message needs 'text', 'blocks' or 'attachments'",
               "text: \"{{ dag.dag_id }} is done\"");
  }
}

void CheckNotify(const Value& with, std::vector<Problem>& problems) {
  const Value* notify = with.Find("notify");
  if (notify == nullptr || !notify->is_string()) return;
  const std::string& notifier = notify->as_string();
  constexpr std::array<std::string_view, 3> kNotifiers = {"smtp", "webhook", "slack"};
  if (std::find(kNotifiers.begin(), kNotifiers.end(), notifier) == kNotifiers.end()) return;
  const Names& fields = FieldsOf(notifier);
  for (const auto& [name, value] : with.as_map()) {
    const bool known = name == "notify" || name == "connection" || name == "timeout" || name == "ca_file" ||
                       std::find(fields.begin(), fields.end(), name) != fields.end();
    if (known || FindField(NotifyKind().fields, name) == nullptr) continue;  // told as unknown
    AddProblem(problems, value.key_position(), "'" + name + "' is not for notify: " + notifier,
               "leave it out");
  }
  if (notifier == "smtp") {
    CheckMail(with, problems);
  } else {
    CheckUrl(with, notifier, problems);
  }
}

}  // namespace

const TaskKind& NotifyKind() {
  static const TaskKind kind{
      .name = "notify",
      .doc =
          "Sends a message: an e-mail (smtp), a POST of JSON (webhook), or to Slack and what takes the same "
          "(slack). Its header Idempotency-Key, of a mail the Message-ID, is the same for every try. "
          "Callbacks take the same fields.",
      .fields =
          {
              {.name = "notify",
               .type = FieldType::kChoice,
               .doc = "what sends it",
               .required = true,
               .choices = {"smtp", "webhook", "slack"}},
              {.name = "connection",
               .type = FieldType::kString,
               .doc = "smtp: smtp://user:password@host:587?from=me@example.com (STARTTLS when the server has "
                      "it; "
                      "tls=required, tls=none) or smtps://; smtp_default when a callback leaves it out. "
                      "webhook, slack: an "
                      "http(s) address, secret as a whole; slack://:TOKEN@ posts as an app",
               .use = FieldUse::kConnection},
              {.name = "to",
               .type = FieldType::kStringList,
               .doc = "smtp: addresses",
               .use = FieldUse::kTemplate},
              {.name = "cc", .type = FieldType::kStringList, .doc = "smtp", .use = FieldUse::kTemplate},
              {.name = "bcc",
               .type = FieldType::kStringList,
               .doc = "smtp: not shown in the mail",
               .use = FieldUse::kTemplate},
              {.name = "from",
               .type = FieldType::kString,
               .doc = "smtp: the connection's option from when left out, then its user",
               .use = FieldUse::kTemplate},
              {.name = "reply_to", .type = FieldType::kString, .doc = "smtp", .use = FieldUse::kTemplate},
              {.name = "subject",
               .type = FieldType::kString,
               .doc = "smtp: one line; needed in a task",
               .use = FieldUse::kTemplate},
              {.name = "body",
               .type = FieldType::kAny,
               .doc = "smtp: the text. webhook: JSON, in which text may be templates, or text that is sent "
                      "as it is",
               .use = FieldUse::kTemplate},
              {.name = "html",
               .type = FieldType::kString,
               .doc = "smtp: the same as HTML, beside or instead of 'body'",
               .use = FieldUse::kTemplate},
              {.name = "url",
               .type = FieldType::kString,
               .doc = "webhook, slack: the address, instead of a connection",
               .use = FieldUse::kTemplate},
              {.name = "endpoint",
               .type = FieldType::kString,
               .doc = "webhook: what follows the connection's address",
               .use = FieldUse::kTemplate},
              {.name = "method",
               .type = FieldType::kChoice,
               .doc = "webhook: POST when left out",
               .choices = {"POST", "PUT", "PATCH"}},
              {.name = "headers",
               .type = FieldType::kStringMap,
               .doc = "webhook, smtp: further headers",
               .use = FieldUse::kTemplate},
              {.name = "expect",
               .type = FieldType::kAny,
               .doc = "webhook: status codes that are success; 200 to 299"},
              {.name = "text",
               .type = FieldType::kString,
               .doc = "slack: the message",
               .use = FieldUse::kTemplate},
              {.name = "channel", .type = FieldType::kString, .doc = "slack", .use = FieldUse::kTemplate},
              {.name = "username", .type = FieldType::kString, .doc = "slack", .use = FieldUse::kTemplate},
              {.name = "blocks",
               .type = FieldType::kAny,
               .doc = "slack: Block Kit",
               .use = FieldUse::kTemplate},
              {.name = "attachments", .type = FieldType::kAny, .doc = "slack", .use = FieldUse::kTemplate},
              {.name = "timeout", .type = FieldType::kDuration, .doc = "of the exchange; 30s when left out"},
              {.name = "ca_file",
               .type = FieldType::kString,
               .doc = "certificates on the worker to verify the server with, instead of the system's"},
          },
      .check = CheckNotify};
  return kind;
}

}  // namespace millrace
