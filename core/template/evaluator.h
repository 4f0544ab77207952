// Runs a template's tree. One object a rendering. Private to this room.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/template/ast.h"
#include "core/template/builtins.h"
#include "core/template/outside.h"
#include "core/template/problem.h"
#include "core/template/scope.h"

namespace millrace::jinja {

class Evaluator {
 public:
  // Takes what a {{ }} yields (and whether a user has a hand in it) and appends it to the output; an error
  // refuses it.
  using Writer = std::function<Status(std::string& output, const std::string& text, bool user_settable)>;

  // `text` for line and column in errors.
  Evaluator(std::string_view text, const TemplateContext& context, Writer write)
      : text_(text), scope_(context), outside_(context.lookup()), write_(std::move(write)) {}

  StatusOr<std::string> Run(const Nodes& nodes);

 private:
  Status Execute(const Nodes& nodes, std::string& output);
  Status ExecuteFor(const Node& node, std::string& output);
  Status ExecuteSet(const Node& node);
  Status Assign(const Node& node, const std::vector<std::string>& targets, const Datum& value);

  // What an expression yields, perhaps Undefined; Evaluate makes that an error.
  StatusOr<Datum> EvaluateAny(const Expr& expr);
  StatusOr<Datum> Evaluate(const Expr& expr);
  StatusOr<Datum> EvaluateParts(const Expr& expr);
  StatusOr<Datum> EvaluateMember(const Expr& expr);
  StatusOr<Datum> EvaluateSlice(const Expr& expr);
  StatusOr<Datum> EvaluateComparison(const Expr& expr);
  StatusOr<Datum> EvaluateLogic(const Expr& expr);
  StatusOr<Datum> EvaluateUnary(const Expr& expr);
  StatusOr<Arguments> EvaluateArguments(const Expr& expr);
  StatusOr<Datum> EvaluateCall(const Expr& expr);
  // What the renderer's caller is asked for: ti.xcom_pull, var.value.get.
  StatusOr<Datum> CallOutside(const Datum& callee, const Arguments& arguments);
  // A name or a path of members, without counting it as used yet: of dag_run.logical_date only the end
  // counts.
  StatusOr<Datum> Resolve(const Expr& expr);
  StatusOr<Datum> ResolveOutside(const Expr& expr, const Outside& outside);

  Status FailAt(std::size_t offset, const Status& status, std::string suggestion = "") const;
  Status UndefinedAt(const Expr& expr, const Undefined& undefined);

  std::string_view text_;
  Scope scope_;
  OutsideReader outside_;
  Writer write_;
  Budget budget_;
  // Some value that a user can set took part in the expression being evaluated.
  bool touched_ = false;
};

}  // namespace millrace::jinja
