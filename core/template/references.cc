// What a template will look up, as far as its text tells.
#include <algorithm>
#include <optional>

#include "core/template/ast.h"
#include "core/template/outside.h"
#include "core/template/parser.h"
#include "core/template/template.h"

namespace millrace {
namespace {

using jinja::Expr;
using jinja::ExprKind;
using jinja::Nodes;
using Kind = TemplateNeed::Kind;

class Collector {
 public:
  Collector(std::string_view text, std::string_view task_id) : text_(text), task_id_(task_id) {}

  void Visit(const Nodes& nodes) {
    for (const auto& node : nodes) {
      if (node->expr) Visit(*node->expr);
      if (node->condition) Visit(*node->condition);
      if (node->filter) Visit(*node->filter);
      for (const auto& [name, value] : node->parameters) {
        if (value) Visit(*value);
      }
      for (const jinja::Branch& branch : node->branches) {
        if (branch.condition) Visit(*branch.condition);
        Visit(branch.body);
      }
      Visit(node->body);
      Visit(node->else_body);
    }
  }

  std::vector<TemplateReference> Take() { return std::move(found_); }

 private:
  void Visit(const Expr& expr) {
    if (expr.kind == ExprKind::kName && jinja::IsPreviousDate(expr.name))
      Add(expr, {Kind::kPreviousSuccess, "", "", std::nullopt});
    if (expr.kind == ExprKind::kCall) Call(expr);
    if (const auto member = MemberName(expr); member && *member != "get") {
      if (const auto kind = KindOf(*expr.operands[0])) Add(expr, {*kind, *member, "", std::nullopt});
    }
    for (const auto& operand : expr.operands) {
      if (operand) Visit(*operand);
    }
    for (const auto& [name, operand] : expr.keywords) Visit(*operand);
  }

  // x.name or x['name'].
  static std::optional<std::string> MemberName(const Expr& expr) {
    if (expr.kind == ExprKind::kAttribute) return expr.name;
    if (expr.kind == ExprKind::kItem) return Text(expr.operands[1].get());
    return std::nullopt;
  }

  static std::optional<std::string> Text(const Expr* expr) {
    if (expr == nullptr || expr->kind != ExprKind::kLiteral || !expr->literal.is_string())
      return std::nullopt;
    return expr->literal.string();
  }

  // What the members of an expression are: conn's connections, var.value's and var.json's variables.
  static std::optional<Kind> KindOf(const Expr& expr) {
    if (expr.kind == ExprKind::kName && expr.name == "conn") return Kind::kConnection;
    const auto member = MemberName(expr);
    if (!member || (*member != "value" && *member != "json")) return std::nullopt;
    const Expr& owner = *expr.operands[0];
    if (owner.kind != ExprKind::kName || owner.name != "var") return std::nullopt;
    return Kind::kVariable;
  }

  static const Expr* Argument(const Expr& call, std::size_t position, std::string_view name) {
    if (position + 1 < call.operands.size()) return call.operands[position + 1].get();
    for (const auto& [known, operand] : call.keywords) {
      if (known == name) return operand.get();
    }
    return nullptr;
  }

  void Call(const Expr& call) {
    const Expr& callee = *call.operands[0];
    const auto method = MemberName(callee);
    if (!method) return;
    const Expr& owner = *callee.operands[0];
    if (*method == "get") {
      const auto kind = KindOf(owner);
      const auto name = Text(Argument(call, 0, "key"));
      if (kind && name) Add(call, {*kind, *name, "", std::nullopt});
    }
    const bool instance =
        owner.kind == ExprKind::kName && (owner.name == "ti" || owner.name == "task_instance");
    if (instance && *method == "xcom_pull") XComPull(call);
  }

  void XComPull(const Expr& call) {
    TemplateNeed need{Kind::kXCom, "", "return_value", std::nullopt};
    if (const Expr* key = Argument(call, 1, "key"); key != nullptr && !IsNone(*key)) {
      const auto text = Text(key);
      if (!text) return;
      need.key = *text;
    }
    if (const Expr* index = Argument(call, 3, "map_indexes"); index != nullptr && !IsNone(*index)) {
      if (index->kind != ExprKind::kLiteral || !index->literal.is_int()) return;
      need.map_index =
          static_cast<std::int32_t>(std::clamp<std::int64_t>(index->literal.integer(), -1, 1'000'000'000));
    }
    const Expr* tasks = Argument(call, 0, "task_ids");
    if (tasks == nullptr || IsNone(*tasks)) {
      need.name = std::string(task_id_);
      Add(call, need);
    } else if (tasks->kind == ExprKind::kList || tasks->kind == ExprKind::kTuple) {
      for (const auto& task : tasks->operands) AddTask(*task, need);
    } else {
      AddTask(*tasks, need);
    }
  }

  void AddTask(const Expr& task, TemplateNeed need) {
    const auto name = Text(&task);
    if (!name) return;
    need.name = *name;
    Add(task, std::move(need));
  }

  static bool IsNone(const Expr& expr) { return expr.kind == ExprKind::kLiteral && expr.literal.is_none(); }

  void Add(const Expr& expr, TemplateNeed need) {
    const TemplateProblem place = ProblemAt(text_, expr.offset, "");
    found_.push_back({std::move(need), place.line, place.column});
  }

  std::string_view text_;
  std::string_view task_id_;
  std::vector<TemplateReference> found_;
};

}  // namespace

std::vector<TemplateReference> References(std::string_view text, std::string_view task_id) {
  Nodes nodes;
  TemplateProblem problem;
  if (!IsTemplate(text) || !jinja::ParseTemplate(text, nodes, problem)) return {};
  Collector collector(text, task_id);
  collector.Visit(nodes);
  return collector.Take();
}

}  // namespace millrace
