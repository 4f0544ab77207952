// Jinja templates as Airflow uses them: expressions, filters, tests, {% if %}, {% for %}, {% set %}, {% macro
// %}, {% call %}, {% filter %}, {% with %}, {% do %}, {% raw %}, comments. Called by dagbag (Check), by the
// engine when an attempt starts (Render, RenderShell) and by dagctl. Pure; any thread.
//
// - An undefined name is an error with its place and the nearest name, unless `default` or `is defined` asks
// for it.
// - Values have Python's text forms; datetimes are in UTC. As in Jinja, one newline at the end of a template
// is dropped.
// - Work, nesting and size are bounded: no template can hold a thread, its stack or its memory.
// - Not here: includes, inheritance, autoescaping.
//   A template cannot reach anything but its context: no files, no clock, no randomness.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"
#include "core/template/context.h"
#include "core/template/problem.h"

namespace millrace {

// A shell text and the environment that it refers to. Several texts of one task can share an environment:
// names go on.
struct ShellEnvironment {
  std::vector<std::pair<std::string, std::string>> variables;  // MILLRACE_V1, ...
};

class Template {
 public:
  // INVALID_ARGUMENT says where and why.
  static StatusOr<Template> Parse(std::string_view text);

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  StatusOr<std::string> Render(const TemplateContext& context) const;

  // For text that a shell will read: what somebody other than the author can set (params, conf, run_id) never
  // becomes shell text. It goes into `environment`, and the text gets a reference quoted for the place where
  // it stands: "${MILLRACE_V1}". INVALID_ARGUMENT where a shell expands nothing (a here-document with a
  // quoted word) or would evaluate what it expands
  // ($((...))). What the author hands to a second interpreter (eval, sh -c "...", ssh, bash's [[ x -eq y ]])
  // is read there once more: such text must check the value first.
  StatusOr<std::string> RenderShell(const TemplateContext& context, ShellEnvironment& environment) const;

  // Everything that can be known to be wrong without values: undefined names and members, each with its
  // place.
  std::vector<TemplateProblem> Check(const TemplateContext& context) const;

 private:
  struct Body;
  explicit Template(std::unique_ptr<const Body> body);
  std::unique_ptr<const Body> body_;
};

// Has "{{", "{%" or "{#"; other text renders as itself (but for the last newline).
bool IsTemplate(std::string_view text);

// Parse and render, or parse and check: syntax errors are problems too. The common way in.
StatusOr<std::string> RenderText(std::string_view text, const TemplateContext& context);
std::vector<TemplateProblem> CheckTemplate(std::string_view text, const TemplateContext& context);

// Something that a text will look up when it is rendered, as far as can be told without values; each place
// where it stands. A task id or name that is computed is not among them.
struct TemplateReference {
  TemplateNeed need;
  int line = 1;  // within the text
  int column = 1;
};

// `task_id` is the task whose text it is: xcom_pull() without a task reads its own. Empty when the text does
// not parse.
std::vector<TemplateReference> References(std::string_view text, std::string_view task_id);

// Every string of a tree rendered; keys stay as they are. An error says where: "tables[0].name: template,
// line 1, ...".
StatusOr<Value> RenderValue(const Value& value, const TemplateContext& context);

}  // namespace millrace
