#include "core/template/callback_context.h"

namespace millrace {
namespace {

using Source = TemplateContext::Source;

void SetTimeOrNone(const std::string& path, const std::optional<WallTime>& time, TemplateContext& context) {
  if (time) {
    context.SetTime(path, *time);
  } else {
    context.Set(path, Value());
  }
}

std::string Html(const std::string& text) {
  std::string html;
  for (const char c : text) {
    if (c == '<') {
      html += "&lt;";
    } else if (c == '>') {
      html += "&gt;";
    } else if (c == '&') {
      html += "&amp;";
    } else if (c == '\n') {
      html += "<br>";
    } else {
      html += c;
    }
  }
  return html;
}

}  // namespace

void AddCallbackNames(const CallbackFacts& facts, TemplateContext& context) {
  context.Set("callback", facts.cause);
  context.Set("exception", facts.exception, Source::kUser);
  context.Set("exception_html", Html(facts.exception), Source::kUser);
  context.Set("reason", facts.reason, Source::kUser);
  context.Set("try_number", std::int64_t{facts.try_number});
  context.Set("max_tries", std::int64_t{facts.max_tries});
  for (const char* instance : {"ti.", "task_instance."}) {
    const std::string prefix = instance;
    context.Set(prefix + "state", facts.state);
    SetTimeOrNone(prefix + "start_date", facts.started_at, context);
    SetTimeOrNone(prefix + "end_date", facts.ended_at, context);
    const bool ended = facts.started_at && facts.ended_at;
    context.Set(
        prefix + "duration",
        ended ? Value(std::chrono::duration<double>(*facts.ended_at - *facts.started_at).count()) : Value());
    context.Set(prefix + "hostname", facts.worker);
    context.Set(prefix + "log_url", facts.log_url, Source::kUser);  // the run id is in it
  }
  context.Set("dag_run.state", facts.run_state);
  SetTimeOrNone("dag_run.start_date", facts.run_started_at, context);
  SetTimeOrNone("dag_run.end_date", facts.run_ended_at, context);
  context.Set("dag_run.url", facts.run_url, Source::kUser);
  SetTimeOrNone("deadline.deadline_time", facts.deadline, context);
  context.Set("deadline.id", std::int64_t{facts.deadline_index});
}

}  // namespace millrace
