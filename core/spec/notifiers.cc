#include "core/spec/notifiers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/calendar/format.h"
#include "core/spec/task_kind.h"

namespace millrace {
namespace {

constexpr Duration kLongest = std::chrono::minutes(10);

struct AirflowNotifier {
  std::string_view name;  // the last word of its path
  std::string_view notify;
  std::string_view connection;  // when none is named
};
constexpr std::array<AirflowNotifier, 9> kAirflowNotifiers = {
    {{"SmtpNotifier", "smtp", "smtp_default"},
     {"send_smtp_notification", "smtp", "smtp_default"},
     {"EmailOperator", "smtp", "smtp_default"},
     {"SlackWebhookNotifier", "slack", "slack_default"},
     {"send_slack_webhook_notification", "slack", "slack_default"},
     {"SlackWebhookOperator", "slack", "slack_default"},
     {"SlackNotifier", "slack", "slack_api_default"},
     {"send_slack_notification", "slack", "slack_api_default"},
     {"SlackAPIPostOperator", "slack", "slack_api_default"}}};

// "": it says nothing here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kAirflowFields = {
    {{"from_email", "from"},
     {"html_content", "html"},
     {"custom_headers", "headers"},
     {"smtp_conn_id", "connection"},
     {"conn_id", "connection"},
     {"slack_conn_id", "connection"},
     {"slack_webhook_conn_id", "connection"},
     {"message", "text"},
     {"mime_subtype", ""},
     {"mime_charset", ""},
     {"unfurl_links", ""},
     {"unfurl_media", ""},
     {"icon_url", ""}}};

const AirflowNotifier* FindNotifier(std::string_view path) {
  if (!path.starts_with("airflow.")) return nullptr;
  const std::string_view last = path.substr(path.rfind('.') + 1);
  const auto found = std::find_if(kAirflowNotifiers.begin(), kAirflowNotifiers.end(),
                                  [&](const AirflowNotifier& known) { return known.name == last; });
  return found == kAirflowNotifiers.end() ? nullptr : &*found;
}

std::string_view Happened(CallbackCause cause) {
  switch (cause) {
    case CallbackCause::kSuccess:
      return "succeeded";
    case CallbackCause::kFailure:
      return "failed";
    case CallbackCause::kRetry:
      return "failed and is tried again";
    case CallbackCause::kSkipped:
      return "was skipped";
    case CallbackCause::kExecute:
      return "has started";
    case CallbackCause::kDeadline:
      return "missed its deadline";
    case CallbackCause::kLineage:  // no callback's
      break;
  }
  return "";
}

std::string Headline(CallbackCause cause, bool of_task) {
  std::string text = "{{ dag.dag_id }}";
  if (of_task) text += ", task {{ ti.task_id }}{% if ti.map_index >= 0 %} [{{ ti.map_index }}]{% endif %}";
  return text + " " + std::string(Happened(cause));
}

std::string DefaultText(CallbackCause cause, bool of_task) {
  std::string text = Headline(cause, of_task) + "\n\nrun: {{ run_id }}\n";
  if (of_task) text += "try: {{ ti.try_number }} of {{ ti.max_tries + 1 }}\n";
  text += "{% if exception %}why: {{ exception }}\n{% endif %}";
  if (cause == CallbackCause::kDeadline) text += "deadline: {{ deadline.deadline_time }}\n";
  return text + (of_task ? "{{ ti.log_url }}\n" : "{{ dag_run.url }}\n");
}

// What a webhook says when its author left the body out.
std::string DefaultBody(CallbackCause cause, bool of_task) {
  std::string body = "{\"event\": \"" + std::string(ToString(cause)) + "\"";
  const auto add = [&body](std::string_view name, std::string_view what) {
    body += ", \"" + std::string(name) + "\": {{ (" + std::string(what) + ") | tojson }}";
  };
  add("dag_id", "dag.dag_id");
  add("run_id", "run_id");
  if (of_task) {
    add("task_id", "ti.task_id");
    add("map_index", "ti.map_index");
    add("try_number", "ti.try_number");
  }
  add("state", of_task ? "ti.state" : "dag_run.state");
  add("reason", "reason");
  add("exception", "exception or none");
  if (cause == CallbackCause::kDeadline) add("deadline", "deadline.deadline_time | string");
  add("url", of_task ? "ti.log_url" : "dag_run.url");
  return body + "}";
}

void AddDefaults(CallbackCause cause, bool of_task, Value& with) {
  const Value* notify = with.Find("notify");
  if (notify == nullptr || !notify->is_string()) return;
  const auto absent = [&](const char* name) { return with.Find(name) == nullptr; };
  if (notify->as_string() == "smtp") {
    if (absent("connection")) with.Set("connection", "smtp_default");
    if (absent("subject")) with.Set("subject", "Millrace: " + Headline(cause, of_task));
    if (absent("body") && absent("html")) with.Set("body", DefaultText(cause, of_task));
  } else if (notify->as_string() == "slack") {
    if (absent("text") && absent("blocks") && absent("attachments"))
      with.Set("text", DefaultText(cause, of_task));
  } else if (absent("body")) {
    with.Set("body", DefaultBody(cause, of_task));
  }
}

bool IsKind(std::string_view kind) {
  return kind == "notify" || kind == "shell" || kind == "python" || kind == "http";
}

}  // namespace

const FieldSpec* FindField(const std::vector<FieldSpec>& fields, std::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::string FieldOf(CallbackCause cause) {
  return cause == CallbackCause::kDeadline ? "callback" : std::string(ToString(cause)) + "_callback";
}

std::vector<FieldSpec> TaskCallbackFields() {
  return {
      {.name = "on_success_callback", .doc = "who is told when it succeeds: a callback or several"},
      {.name = "on_failure_callback", .doc = "when it fails and is not tried again"},
      {.name = "on_retry_callback", .doc = "when it fails and is tried again"},
      {.name = "on_skipped_callback",
       .doc = "when an attempt skips it; not when a branch or a trigger rule does"},
      {.name = "on_execute_callback", .doc = "when an attempt has started"},
      {.name = "email",
       .type = FieldType::kStringList,
       .doc = "addresses to write to when it fails or is tried again, by the connection smtp_default"},
      {.name = "email_on_failure", .type = FieldType::kBoolean, .doc = "true when left out"},
      {.name = "email_on_retry", .type = FieldType::kBoolean, .doc = "true when left out"},
  };
}

const std::vector<FieldSpec>& CallbackFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "uses",
       .type = FieldType::kString,
       .doc = "notify, http, shell or python; or Airflow's path of SmtpNotifier, SlackWebhookNotifier or "
              "SlackNotifier",
       .required = true},
      {.name = "with", .type = FieldType::kMap, .doc = "the fields of that task kind"},
      {.name = "timeout", .type = FieldType::kDuration, .doc = "of one try; 60s when left out, at most 10m"},
  };
  return fields;
}

Value CallbackSchema() {
  const Value one{Value::Map{{"type", "object"}}};
  return Value(
      Value::Map{{"anyOf", Value(Value::List{Value(Value::Map{{"type", "null"}}), one,
                                             Value(Value::Map{{"type", "array"}, {"items", one}})})}});
}

std::optional<Value> NativeNotifier(std::string_view path, const Value& with) {
  const AirflowNotifier* notifier = FindNotifier(path);
  if (notifier == nullptr || !with.is_map()) return std::nullopt;
  Value native = with;
  std::erase_if(native.as_map(), [](const Value::Member& member) {
    return std::any_of(kAirflowFields.begin(), kAirflowFields.end(), [&](const auto& field) {
      return field.first == member.first && field.second.empty();
    });
  });
  for (auto& [key, value] : native.as_map()) {
    for (const auto& [theirs, ours] : kAirflowFields) {
      if (key == theirs) key = ours;
    }
  }
  native.Set("notify", notifier->notify);
  if (native.Find("connection") == nullptr) native.Set("connection", notifier->connection);
  return native;
}

std::optional<Callback> ReadCallback(CallbackCause on, const Value& written, bool of_task,
                                     const std::string& what, std::vector<Problem>& problems) {
  const std::string example = FieldOf(on) + ": {notify: webhook, connection: alerts}";
  if (!written.is_map()) {
    AddProblem(problems, written.position(),
               what + ": a callback must be a map, not a " + std::string(written.TypeName()), example);
    return std::nullopt;
  }
  Callback callback;
  callback.on = on;
  callback.where = written.position();
  Value with = written;
  std::string uses = "notify";
  const bool airflows = written.Find("path") != nullptr;
  if (written.Find("notify") == nullptr) {
    if (!airflows) CheckFields(written, CallbackFields(), what, problems);
    uses = TextOf(written.Find(airflows ? "path" : "uses"));
    const Value* fields = written.Find(airflows ? "kwargs" : "with");
    with = fields != nullptr && fields->is_map() ? *fields : Value(Value::Map{}).At(written.position());
    if (const Value* timeout = written.Find("timeout"); timeout != nullptr && IsLength(*timeout)) {
      callback.timeout =
          timeout->is_number()
              ? std::chrono::duration_cast<Duration>(std::chrono::duration<double>(timeout->as_double()))
              : ParseDuration(timeout->as_string()).value();
      if (callback.timeout <= Duration(0) || callback.timeout > kLongest) {
        AddProblem(problems, timeout->position(), what + ": 'timeout' must be more than 0 and at most 10m");
      }
    }
    if (uses.empty()) {
      if (airflows) AddProblem(problems, written.position(), what + ": 'path' is missing", example);
      return std::nullopt;
    }
  }
  if (std::optional<Value> native = NativeNotifier(uses, with)) {
    with = std::move(*native);
    uses = "notify";
  }
  if (!IsKind(uses)) {
    AddProblem(problems, written.position(), what + ": a callback cannot use '" + uses + "'",
               "there are: notify, http, shell, python; of Airflow's SmtpNotifier, SlackWebhookNotifier, "
               "SlackNotifier");
    return std::nullopt;
  }
  const TaskKind& kind = *FindTaskKind(uses);
  AddDefaults(on, of_task, with);
  CheckFields(with, kind.fields, what, problems);
  const std::size_t before = problems.size();
  if (kind.check != nullptr) kind.check(with, problems);
  for (std::size_t i = before; i < problems.size(); ++i)
    problems[i].message = what + ": " + problems[i].message;
  callback.kind = kind.name;
  callback.with = Normalized(with, kind.fields);
  callback.connections = ConnectionsOf(kind, callback.with);
  callback.files = FilesOf(kind, callback.with);
  return callback;
}

Value MailTo(const Value& addresses) {
  Value with{Value::Map{{"notify", "smtp"}}};
  Value list = addresses;
  if (addresses.is_string()) {
    Value::List each;
    std::string word;
    for (const char c : addresses.as_string() + ",") {
      if (c != ',' && c != ';') {
        if (c != ' ' || !word.empty()) word += c;
      } else if (!word.empty()) {
        each.push_back(Value(std::exchange(word, "")).At(addresses.position()));
      }
    }
    list = Value(std::move(each));
  }
  with.Set("to", std::move(list));
  return with.At(addresses.position()).KeyAt(addresses.key_position());
}

}  // namespace millrace
