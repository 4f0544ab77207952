#include "core/template/template.h"

#include "core/template/ast.h"
#include "core/template/check.h"
#include "core/template/evaluator.h"
#include "core/template/parser.h"
#include "core/template/shell_quoting.h"

namespace millrace {
namespace {

Status AppendText(std::string& output, const std::string& text, bool) {
  output += text;
  return OkStatus();
}

// For variables whose values could confuse whoever prints the environment or runs a program: no NUL fits in
// one.
Status CheckVariable(const std::string& text) {
  if (text.find('\0') != std::string::npos) return InvalidArgument("a value for a shell contains a NUL byte");
  return OkStatus();
}

StatusOr<Value> RenderAt(const Value& value, const TemplateContext& context, const std::string& path) {
  Value rendered = value;
  if (value.is_string()) {
    StatusOr<std::string> text = RenderText(value.as_string(), context);
    if (!text.ok()) return path.empty() ? text.status() : text.status().WithContext(path);
    rendered = Value(*std::move(text));
  } else if (value.is_list()) {
    for (std::size_t i = 0; i < value.as_list().size(); ++i) {
      ASSIGN_OR_RETURN(rendered.as_list()[i],
                       RenderAt(value.as_list()[i], context, path + "[" + std::to_string(i) + "]"));
    }
  } else if (value.is_map()) {
    for (std::size_t i = 0; i < value.as_map().size(); ++i) {
      const auto& [key, member] = value.as_map()[i];
      ASSIGN_OR_RETURN(rendered.as_map()[i].second,
                       RenderAt(member, context, path.empty() ? key : path + "." + key));
    }
  }
  rendered.At(value.position());
  return rendered;
}

}  // namespace

struct Template::Body {
  std::string text;
  jinja::Nodes nodes;
};

Template::Template(std::unique_ptr<const Body> body) : body_(std::move(body)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

StatusOr<Template> Template::Parse(std::string_view text) {
  auto body = std::make_unique<Body>();
  body->text = std::string(text);
  TemplateProblem problem;
  if (!jinja::ParseTemplate(text, body->nodes, problem)) return ToStatus(problem);
  return Template(std::move(body));
}

StatusOr<std::string> Template::Render(const TemplateContext& context) const {
  return jinja::Evaluator(body_->text, context, AppendText).Run(body_->nodes);
}

StatusOr<std::string> Template::RenderShell(const TemplateContext& context,
                                            ShellEnvironment& environment) const {
  jinja::ShellQuoting quoting;
  std::size_t followed = 0;
  std::vector<std::pair<std::string, std::string>> variables = environment.variables;
  const auto write = [&](std::string& output, const std::string& text, bool user_settable) -> Status {
    if (!user_settable) {
      output += text;
      return OkStatus();
    }
    RETURN_IF_ERROR(CheckVariable(text));
    quoting.Feed(std::string_view(output).substr(followed));
    std::string name = "MILLRACE_V" + std::to_string(variables.size() + 1);
    ASSIGN_OR_RETURN(const std::string reference, quoting.Reference(name));
    output += reference;
    quoting.PassReference();
    followed = output.size();
    variables.emplace_back(std::move(name), text);
    return OkStatus();
  };
  ASSIGN_OR_RETURN(std::string text, jinja::Evaluator(body_->text, context, write).Run(body_->nodes));
  environment.variables = std::move(variables);
  return text;
}

std::vector<TemplateProblem> Template::Check(const TemplateContext& context) const {
  return jinja::CheckNames(body_->text, body_->nodes, context);
}

bool IsTemplate(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('{', at)) != std::string_view::npos; ++at) {
    if (at + 1 < text.size() && (text[at + 1] == '{' || text[at + 1] == '%' || text[at + 1] == '#'))
      return true;
  }
  return false;
}

StatusOr<std::string> RenderText(std::string_view text, const TemplateContext& context) {
  ASSIGN_OR_RETURN(const Template parsed, Template::Parse(text));
  return parsed.Render(context);
}

std::vector<TemplateProblem> CheckTemplate(std::string_view text, const TemplateContext& context) {
  jinja::Nodes nodes;
  TemplateProblem problem;
  if (!jinja::ParseTemplate(text, nodes, problem)) return {problem};
  return jinja::CheckNames(text, nodes, context);
}

StatusOr<Value> RenderValue(const Value& value, const TemplateContext& context) {
  return RenderAt(value, context, "");
}

}  // namespace millrace
