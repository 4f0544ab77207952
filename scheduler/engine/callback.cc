#include "scheduler/engine/callback.h"

#include <cctype>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/notifiers.h"
#include "core/spec/task_kind.h"
#include "core/template/template.h"
#include "scheduler/engine/render.h"

namespace millrace::engine {
namespace {

std::string Encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4U];
      encoded += kDigits[byte & 15U];
    }
  }
  return encoded;
}

std::string Plain(const Value* value) {
  if (value == nullptr) return "";
  if (value->is_string()) return value->as_string();
  if (!value->is_list()) return ToJson(*value);
  std::string all;
  for (const Value& item : value->as_list()) all += (all.empty() ? "" : ", ") + Plain(&item);
  return all;
}

}  // namespace

std::string RunUrl(const std::string& base_url, const Run& run) {
  return base_url + "/dags/" + Encoded(run.dag_id) + "?run=" + Encoded(run.run_id);
}

std::string LogUrl(const std::string& base_url, const Run& run, const Task& task,
                   const TaskInstance& instance) {
  return base_url + "/dags/" + Encoded(run.dag_id) + "/runs/" + Encoded(run.run_id) + "/tasks/" +
         Encoded(task.id) + "?try=" + std::to_string(instance.try_number);
}

std::string TargetOf(const Callback& callback) {
  const Value& with = callback.with;
  if (callback.kind == "python") return "python " + Plain(with.Find("file"));
  if (callback.kind != "notify") return callback.kind;
  std::string target = Plain(with.Find("notify"));
  if (const Value* to = with.Find("to")) {
    target += " to " + Plain(to);
  } else if (const Value* connection = with.Find("connection")) {
    target += " by " + Plain(connection);
  } else if (const Value* url = with.Find("url")) {
    // Its host alone: what follows may be a token.
    const std::string text = Plain(url);
    const std::size_t scheme = text.find("://");
    const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
    std::string host = text.substr(begin, text.find_first_of("/?#", begin) - begin);
    if (const std::size_t at = host.rfind('@'); at != std::string::npos) host.erase(0, at + 1);
    target += " to " + host;
  }
  return target.substr(0, 200);
}

StatusOr<Delivery> RenderCallback(const Run& run, const Dag& dag, const Task& task,
                                  const TaskInstance& instance, const Callback& callback,
                                  const CallbackFacts& facts, const Value& triggering_events) {
  const TaskKind* kind = FindTaskKind(callback.kind);
  if (kind == nullptr) return InvalidArgument("task kind not known: " + callback.kind);
  ASSIGN_OR_RETURN(TemplateContext context, ContextOf(run, dag, task, instance, triggering_events));
  AddCallbackNames(facts, context);
  ShellEnvironment shell;
  const RenderString render = [&](std::string_view text, FieldUse use,
                                  Position where) -> StatusOr<std::string> {
    StatusOr<std::string> rendered = [&]() -> StatusOr<std::string> {
      if (use != FieldUse::kShellTemplate) return RenderText(text, context);
      ASSIGN_OR_RETURN(const Template parsed, Template::Parse(text));
      return parsed.RenderShell(context, shell);
    }();
    if (rendered.ok()) return rendered;
    return rendered.status().WithContext(FieldOf(callback.on) + ", " + dag.file + ":" +
                                         std::to_string(where.line) + ":" + std::to_string(where.column));
  };
  ASSIGN_OR_RETURN(const Value with, RenderWith(*kind, callback.with, render));
  Delivery delivery;
  delivery.with = ToJson(with);
  if (kind->context) {
    ASSIGN_OR_RETURN(const std::string text, ContextJson(run, dag, task, instance));
    ASSIGN_OR_RETURN(Value told, ParseJson(text));
    told.Set("callback", facts.cause);
    told.Set("exception", facts.exception);
    told.Set("reason", facts.reason);
    told.Set("state", facts.state.empty() ? facts.run_state : facts.state);
    told.Set("log_url", facts.log_url.empty() ? facts.run_url : facts.log_url);
    if (facts.deadline) told.Set("deadline", FormatTs(*facts.deadline));
    delivery.context = ToJson(told);
  }
  delivery.environment = Frame(run, dag, task, instance, {}).environment;
  std::erase_if(delivery.environment,
                [](const auto& variable) { return variable.first == "MILLRACE_FENCE"; });
  delivery.environment.emplace_back("MILLRACE_CALLBACK", facts.cause);
  delivery.environment.emplace_back("MILLRACE_EXCEPTION", facts.exception);
  delivery.environment.emplace_back("MILLRACE_LOG_URL",
                                    facts.log_url.empty() ? facts.run_url : facts.log_url);
  delivery.environment.insert(delivery.environment.end(), shell.variables.begin(), shell.variables.end());
  delivery.connections = callback.connections;
  delivery.files = callback.files;
  delivery.dag_hash = dag.hash;
  delivery.timeout = callback.timeout;
  std::size_t bytes = delivery.with.size() + delivery.context.size();
  for (const auto& [name, value] : delivery.environment) bytes += name.size() + value.size();
  if (bytes > kMaxDeliveryBytes) {
    return InvalidArgument(FieldOf(callback.on) + ": its message has " + std::to_string(bytes) +
                           " bytes; at most " + std::to_string(kMaxDeliveryBytes) + " are told");
  }
  return delivery;
}

}  // namespace millrace::engine
