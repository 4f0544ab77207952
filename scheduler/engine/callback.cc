#include "scheduler/engine/callback.h"

#include <utility>

#include "core/base/url_text.h"
#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/notifiers.h"
#include "core/spec/task_kind.h"
#include "core/template/template.h"
#include "scheduler/engine/render.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kMaxNamesBytes = 256 * 1024;

std::string Plain(const Value* value) {
  if (value == nullptr) return "";
  if (value->is_string()) return value->as_string();
  if (!value->is_list()) return ToJson(*value);
  std::string all;
  for (const Value& item : value->as_list()) all += (all.empty() ? "" : ", ") + Plain(&item);
  return all;
}

// The fields with their templates filled in, and the environment that shell text among them refers to.
Status Fill(const TaskKind& kind, const Value& raw, const TemplateContext& context, Delivery& delivery) {
  ShellEnvironment shell;
  const RenderString render = [&](std::string_view text, FieldUse use,
                                  Position where) -> StatusOr<std::string> {
    StatusOr<std::string> rendered = [&]() -> StatusOr<std::string> {
      if (use != FieldUse::kShellTemplate) return RenderText(text, context);
      ASSIGN_OR_RETURN(const Template parsed, Template::Parse(text));
      return parsed.RenderShell(context, shell);
    }();
    if (rendered.ok()) return rendered;
    const std::string place = where.line == 0 ? "" : ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
    return rendered.status().WithContext(delivery.place + place);
  };
  ASSIGN_OR_RETURN(const Value with, RenderWith(kind, raw, render));
  delivery.with = ToJson(with);
  delivery.environment.insert(delivery.environment.end(), shell.variables.begin(), shell.variables.end());
  return OkStatus();
}

Status CheckSize(const Delivery& delivery, const std::string& what) {
  std::size_t bytes = delivery.with.size() + delivery.context.size();
  for (const auto& [name, value] : delivery.environment) bytes += name.size() + value.size();
  if (bytes <= kMaxDeliveryBytes) return OkStatus();
  return InvalidArgument(what + ": its message has " + std::to_string(bytes) + " bytes; at most " +
                         std::to_string(kMaxDeliveryBytes) + " are told");
}

}  // namespace

std::string RunUrl(const std::string& base_url, const Run& run) {
  return base_url + "/dags/" + UrlEncoded(run.dag_id) + "?run=" + UrlEncoded(run.run_id);
}

std::string LogUrl(const std::string& base_url, const Run& run, const Task& task,
                   const TaskInstance& instance) {
  return base_url + "/dags/" + UrlEncoded(run.dag_id) + "/runs/" + UrlEncoded(run.run_id) + "/tasks/" +
         UrlEncoded(task.id) + "?try=" + std::to_string(instance.try_number);
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
  Delivery delivery;
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
  delivery.connections = callback.connections;
  delivery.team = dag.team;
  delivery.files = callback.files;
  delivery.dag_hash = dag.hash;
  delivery.timeout = callback.timeout;
  delivery.place = FieldOf(callback.on) + ", " + dag.file;
  if (callback.lookups.empty()) {
    RETURN_IF_ERROR(Fill(*kind, callback.with, context, delivery));
    delivery.place.clear();
  } else {
    delivery.with = ToJson(callback.with);
    delivery.lookups = callback.lookups;
    delivery.names = EncodeContext(context);
    delivery.place += ":" + std::to_string(callback.where.line);
    delivery.before = run.logical_date;
    if (delivery.names.size() > kMaxNamesBytes) {
      return InvalidArgument(FieldOf(callback.on) + ": the params and the conf of its run have " +
                             std::to_string(delivery.names.size()) + " bytes; at most " +
                             std::to_string(kMaxNamesBytes) + " are kept for a message");
    }
  }
  RETURN_IF_ERROR(CheckSize(delivery, FieldOf(callback.on)));
  return delivery;
}

StatusOr<Delivery> RenderDelivery(const Delivery& delivery, const std::string& kind, TemplateLookup& lookup) {
  const TaskKind* known = FindTaskKind(kind);
  if (known == nullptr) return InvalidArgument("task kind not known: " + kind);
  ASSIGN_OR_RETURN(TemplateContext context, DecodeContext(delivery.names));
  context.SetLookup(&lookup);
  ASSIGN_OR_RETURN(const Value with, ParseJson(delivery.with));
  Delivery rendered = delivery;
  rendered.names.clear();
  RETURN_IF_ERROR(Fill(*known, with, context, rendered));
  RETURN_IF_ERROR(CheckSize(rendered, delivery.place));
  return rendered;
}

}  // namespace millrace::engine
