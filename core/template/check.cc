#include "core/template/check.h"

#include <optional>

#include "core/template/builtins.h"
#include "core/template/refused.h"

namespace millrace::jinja {
namespace {

class Checker {
 public:
  Checker(std::string_view text, const TemplateContext& context) : text_(text), scope_(context) {}

  std::vector<TemplateProblem> Run(const Nodes& nodes) {
    top_ = &nodes;
    Visit(nodes);
    return std::move(problems_);
  }

 private:
  void Visit(const Nodes& nodes) {
    for (const auto& node : nodes) {
      switch (node->kind) {
        case NodeKind::kData:
          break;
        case NodeKind::kOutput:
          Visit(*node->expr);
          break;
        case NodeKind::kIf:
          for (const Branch& branch : node->branches) {
            if (branch.condition) Visit(*branch.condition);
            Visit(branch.body);
          }
          break;
        case NodeKind::kFor:
          VisitFor(*node);
          break;
        case NodeKind::kSet:
          if (node->expr) Visit(*node->expr);
          Visit(node->body);
          if (node->filter) VisitFilter(*node->filter);
          Declare(*node->target);
          break;
        case NodeKind::kMacro:
          scope_.Set(node->text, Datum());
          VisitMacro(*node);
          break;
        case NodeKind::kCall:
          Visit(*node->expr);
          VisitMacro(*node);
          break;
        case NodeKind::kFilter:
          Visit(node->body);
          VisitFilter(*node->filter);
          break;
        case NodeKind::kWith:
          VisitWith(*node);
          break;
        case NodeKind::kDo:
          Visit(*node->expr);
          break;
      }
    }
  }

  void VisitFor(const Node& node) {
    Visit(*node.expr);
    scope_.Enter();
    Declare(*node.target);
    if (node.condition) Visit(*node.condition);
    scope_.Set("loop", Datum());
    Visit(node.body);
    scope_.Leave();
    Visit(node.else_body);
  }

  // The names of a target are known from here on.
  void Declare(const Expr& target) {
    if (target.kind == ExprKind::kName) scope_.Set(target.name, Datum());
    if (target.kind == ExprKind::kAttribute) Visit(*target.operands[0]);
    if (target.kind == ExprKind::kTuple) {
      for (const ExprPtr& part : target.operands) Declare(*part);
    }
  }

  void VisitFilter(const Expr& filter) {
    scope_.Enter();
    scope_.Set(std::string(kBlockName), Datum());
    Visit(filter);
    scope_.Leave();
  }

  void VisitWith(const Node& node) {
    for (const auto& [name, value] : node.parameters) Visit(*value);
    scope_.Enter();
    for (const auto& [name, value] : node.parameters) scope_.Set(name, Datum());
    Visit(node.body);
    scope_.Leave();
  }

  // A macro runs when it is called: what is set anywhere in the template may be there by then.
  void VisitMacro(const Node& node) {
    scope_.Enter();
    if (node.kind == NodeKind::kMacro) DeclareAll(*top_);
    for (const std::string_view name : {"varargs", "kwargs", "caller"}) {
      if (node.kind == NodeKind::kMacro || name != "caller") scope_.Set(std::string(name), Datum());
    }
    for (const auto& [name, value] : node.parameters) {
      if (value) Visit(*value);
      scope_.Set(name, Datum());
    }
    Visit(node.body);
    scope_.Leave();
  }

  void DeclareAll(const Nodes& nodes) {
    for (const auto& node : nodes) {
      if (node->kind == NodeKind::kMacro) scope_.Set(node->text, Datum());
      if (node->kind == NodeKind::kSet && node->target->kind != ExprKind::kAttribute) Declare(*node->target);
      if (node->kind == NodeKind::kIf) {
        for (const Branch& branch : node->branches) DeclareAll(branch.body);
      }
    }
  }

  void Visit(const Expr& expr, bool may_be_undefined = false) {
    switch (expr.kind) {
      case ExprKind::kName:
      case ExprKind::kAttribute:
      case ExprKind::kItem:
        Known(expr, may_be_undefined);
        return;
      case ExprKind::kFilter:
        VisitOperands(expr, expr.name == "default" || expr.name == "d");
        return;
      case ExprKind::kTest:
        VisitOperands(expr, expr.name == "defined" || expr.name == "undefined");
        return;
      case ExprKind::kCondition:
        VisitCondition(expr, may_be_undefined);
        return;
      default:
        VisitOperands(expr, false);
    }
  }

  void VisitOperands(const Expr& expr, bool first_may_be_undefined) {
    for (std::size_t i = 0; i < expr.operands.size(); ++i) {
      if (expr.operands[i]) Visit(*expr.operands[i], i == 0 && first_may_be_undefined);
    }
    for (const auto& [name, operand] : expr.keywords) Visit(*operand);
  }

  // "x if x is defined else y": what the condition asks about may be undefined inside.
  void VisitCondition(const Expr& expr, bool may_be_undefined) {
    const Expr& condition = *expr.operands[1];
    Visit(condition);
    const bool guarded = condition.kind == ExprKind::kTest && condition.name == "defined";
    Visit(*expr.operands[0], may_be_undefined || guarded);
    if (expr.operands[2]) Visit(*expr.operands[2], may_be_undefined);
  }

  // The value that stands for a name or a path of the context, when there is one that says what members it
  // has.
  std::optional<Datum> Known(const Expr& expr, bool may_be_undefined = false) {
    if (expr.kind == ExprKind::kName) {
      if (scope_.HasVariable(expr.name)) return std::nullopt;
      Datum found = scope_.Find(expr.name);
      if (!found.is_undefined()) return found.open() ? std::nullopt : std::optional(std::move(found));
      if (!may_be_undefined) Report(expr, found.undefined().message, DidYouMean(expr.name, scope_.Names()));
      return std::nullopt;
    }
    if (expr.kind == ExprKind::kItem) return KnownItem(expr, may_be_undefined);
    if (expr.kind != ExprKind::kAttribute) {
      Visit(expr);
      return std::nullopt;
    }
    const std::optional<Datum> base = Known(*expr.operands[0]);
    if (!base) return std::nullopt;
    return Member(expr, *base, Attribute(*base, expr.name), expr.name, may_be_undefined);
  }

  std::optional<Datum> KnownItem(const Expr& expr, bool may_be_undefined) {
    const std::optional<Datum> base = Known(*expr.operands[0]);
    const Expr& key = *expr.operands[1];
    Visit(key);
    if (!base || key.kind != ExprKind::kLiteral || !key.literal.is_string() || !base->is_map())
      return std::nullopt;
    return Member(expr, *base, Item(*base, key.literal), key.literal.string(), may_be_undefined);
  }

  std::optional<Datum> Member(const Expr& expr, const Datum& base, Datum found, const std::string& name,
                              bool may_be_undefined) {
    if (!found.is_undefined()) return found.open() ? std::nullopt : std::optional(std::move(found));
    if (may_be_undefined) return std::nullopt;
    const Expr& owner = *expr.operands[0];
    const std::string what = owner.kind == ExprKind::kName || owner.kind == ExprKind::kAttribute
                                 ? "'" + owner.name + "'"
                                 : "a " + std::string(TypeName(base));
    const std::string& undefined = found.undefined().message;
    const std::size_t why = undefined.find("': ");  // of a name that was left out on purpose
    const std::string reason = owner.kind == ExprKind::kName ? WhyUndefined(owner.name + "." + name)
                               : why != std::string::npos    ? undefined.substr(why + 1)
                                                             : "";
    Report(expr, what + " has no '" + name + "'" + reason, DidYouMean(name, AttributeNames(base)));
    return std::nullopt;
  }

  void Report(const Expr& expr, std::string message, std::string suggestion) {
    problems_.push_back(ProblemAt(text_, expr.offset, std::move(message), std::move(suggestion)));
  }

  std::string_view text_;
  Scope scope_;
  const Nodes* top_ = nullptr;
  std::vector<TemplateProblem> problems_;
};

}  // namespace

std::vector<TemplateProblem> CheckNames(std::string_view text, const Nodes& nodes,
                                        const TemplateContext& context) {
  return Checker(text, context).Run(nodes);
}

}  // namespace millrace::jinja
