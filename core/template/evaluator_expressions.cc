// The expressions: what stands between {{ and }}.
#include <algorithm>

#include "core/template/evaluator.h"
#include "core/template/refused.h"

namespace millrace::jinja {
namespace {

constexpr std::int64_t kHeaviest = 1'000'000;
constexpr int kDeepest = 100;

Status CheckResult(const Datum& value) {
  if (value.weight() > kHeaviest || value.depth() > kDeepest)
    return ResourceExhausted("the value is too large");
  return OkStatus();
}

}  // namespace

StatusOr<Datum> Evaluator::Evaluate(const Expr& expr) {
  ASSIGN_OR_RETURN(Datum value, EvaluateAny(expr));
  if (value.is_undefined()) return UndefinedAt(expr, value.undefined());
  return value;
}

StatusOr<Datum> Evaluator::EvaluateAny(const Expr& expr) {
  if (depth_ >= kDeepestWalk)
    return FailAt(expr.offset, InvalidArgument("macros and loops call themselves too deeply"));
  ++depth_;
  StatusOr<Datum> value = EvaluateParts(expr);
  --depth_;
  Status status = value.status();
  if (status.ok()) status = budget_.Spend(1);
  if (status.ok()) status = CheckResult(*value);
  if (!status.ok()) return FailAt(expr.offset, status);
  return value;
}

StatusOr<Datum> Evaluator::EvaluateParts(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
      return expr.literal;
    case ExprKind::kName:
    case ExprKind::kAttribute:
    case ExprKind::kItem: {
      ASSIGN_OR_RETURN(Datum value, Resolve(expr));
      if (value.holds_user_data()) touched_ = true;
      return value;
    }
    case ExprKind::kSlice:
      return EvaluateSlice(expr);
    case ExprKind::kCall:
      return EvaluateCall(expr);
    case ExprKind::kFilter: {
      const bool takes_undefined = expr.name == "default" || expr.name == "d";
      ASSIGN_OR_RETURN(const Datum value,
                       takes_undefined ? EvaluateAny(*expr.operands[0]) : Evaluate(*expr.operands[0]));
      ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expr));
      return ApplyFilter(expr.name, value, arguments, budget_);
    }
    case ExprKind::kTest: {
      ASSIGN_OR_RETURN(const Datum value, EvaluateAny(*expr.operands[0]));
      if (value.is_undefined() && expr.name != "defined" && expr.name != "undefined") {
        return UndefinedAt(*expr.operands[0], value.undefined());
      }
      ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expr));
      ASSIGN_OR_RETURN(const bool passes, ApplyTest(expr.name, value, arguments, budget_));
      return Datum(passes);
    }
    case ExprKind::kUnary:
      return EvaluateUnary(expr);
    case ExprKind::kBinary:
      return EvaluateLogic(expr);
    case ExprKind::kComparison:
      return EvaluateComparison(expr);
    case ExprKind::kCondition: {
      ASSIGN_OR_RETURN(const Datum condition, Evaluate(*expr.operands[1]));
      if (IsTrue(condition)) return EvaluateAny(*expr.operands[0]);
      if (expr.operands[2]) return EvaluateAny(*expr.operands[2]);
      return Datum(std::string());  // as Jinja, which is lenient here
    }
    case ExprKind::kList:
    case ExprKind::kTuple: {
      List items;
      for (const ExprPtr& operand : expr.operands) {
        ASSIGN_OR_RETURN(Datum item, Evaluate(*operand));
        items.push_back(std::move(item));
      }
      return expr.kind == ExprKind::kList ? Datum::OfList(std::move(items))
                                          : Datum::OfTuple(std::move(items));
    }
    case ExprKind::kMap: {
      Pairs pairs;
      for (std::size_t i = 0; i + 1 < expr.operands.size(); i += 2) {
        ASSIGN_OR_RETURN(Datum key, Evaluate(*expr.operands[i]));
        ASSIGN_OR_RETURN(Datum value, Evaluate(*expr.operands[i + 1]));
        SetMember(pairs, std::move(key), std::move(value));
      }
      return Datum::OfMap(std::move(pairs));
    }
    case ExprKind::kSpread:
      break;
  }
  return InvalidArgument("* and ** stand only before the arguments of a call");
}

StatusOr<Datum> Evaluator::Resolve(const Expr& expr) {
  if (expr.kind == ExprKind::kName) {
    Datum found = scope_.Find(expr.name);
    if (found.is_outside() && IsPreviousDate(found.outside().name))
      return outside_.PreviousDate(found.outside().name);
    return found;
  }
  if (expr.kind != ExprKind::kAttribute && expr.kind != ExprKind::kItem) return Evaluate(expr);
  const Expr& owner = *expr.operands[0];
  ASSIGN_OR_RETURN(const Datum base, Resolve(owner));
  if (base.is_undefined()) return UndefinedAt(owner, base.undefined());
  Datum found;
  if (base.is_outside()) return ResolveOutside(expr, base.outside());
  if (base.is_handle() && expr.kind == ExprKind::kAttribute) {
    found = HandleMember(base, expr.name);
    if (base.from_user()) found.set_from_user();
    return found;
  }
  if (expr.kind == ExprKind::kAttribute) {
    found = Attribute(base, expr.name);
    if (found.is_undefined() && owner.kind == ExprKind::kName && base.is_map()) {
      const std::string whole = owner.name + "." + expr.name;
      return Datum(Undefined{"'" + owner.name + "' has no '" + expr.name + "'" + WhyUndefined(whole)});
    }
  } else {
    ASSIGN_OR_RETURN(const Datum key, Evaluate(*expr.operands[1]));
    found = Item(base, key);
  }
  if (base.from_user()) found.set_from_user();
  return found;
}

StatusOr<Datum> Evaluator::ResolveOutside(const Expr& expr, const Outside& outside) {
  if (expr.kind == ExprKind::kAttribute && expr.name == "get")
    return Datum(Callable{"get", std::make_shared<const Datum>(outside)});
  std::string name = expr.name;
  if (expr.kind == ExprKind::kItem) {
    ASSIGN_OR_RETURN(const Datum key, Evaluate(*expr.operands[1]));
    if (!key.is_string()) return InvalidArgument("'" + outside.name + "' needs a name");
    name = key.string();
  }
  StatusOr<Datum> found = outside_.Member(outside, name);
  return found.ok() ? found : FailAt(expr.offset, found.status());
}

StatusOr<Datum> Evaluator::EvaluateCall(const Expr& expr) {
  const Expr& named = *expr.operands[0];
  // A method that changes its list or dict: what has it must be named, to be given the new value.
  if (named.kind == ExprKind::kAttribute && IsMutator(named.name)) {
    ASSIGN_OR_RETURN(const Datum owner, Evaluate(*named.operands[0]));
    if (owner.is_list() || owner.is_map()) {
      ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expr));
      return Mutate(*named.operands[0], owner, named.name, arguments);
    }
  }
  ASSIGN_OR_RETURN(const Datum callee, Evaluate(named));
  ASSIGN_OR_RETURN(Arguments arguments, EvaluateArguments(expr));
  StatusOr<Datum> result = InvalidArgument("a " + std::string(TypeName(callee)) + " cannot be called");
  if (callee.is_handle()) {
    result = CallHandle(callee, "", std::move(arguments));
  } else if (callee.is_callable()) {
    const Callable& function = callee.callable();
    if (function.receiver && function.receiver->is_handle()) {
      result = CallHandle(*function.receiver, function.name, std::move(arguments));
    } else if (function.receiver ? function.receiver->is_outside() : function.name == kXComPull) {
      result = CallOutside(callee, arguments);
    } else if (!function.receiver && IsState(function.name)) {
      result = NewState(function.name, arguments);
    } else {
      result = Call(callee, arguments, budget_);
    }
  }
  if (result.ok() && result->holds_user_data()) touched_ = true;
  return result;
}

StatusOr<Datum> Evaluator::CallOutside(const Datum& callee, const Arguments& arguments) {
  RETURN_IF_ERROR(budget_.Spend(kWorkOfAnIteration));
  StatusOr<Datum> found = Datum();
  if (callee.callable().receiver) {
    found = outside_.Get(callee.callable().receiver->outside(), arguments);
  } else {
    // The task's own ids, whatever the template has named ti.
    const Datum instance = scope_.FindInContext("ti");
    const Datum* dag_id = instance.Find(Datum(std::string("dag_id")));
    const Datum* task_id = instance.Find(Datum(std::string("task_id")));
    found = outside_.XComPull(arguments, dag_id == nullptr ? "" : ToText(*dag_id),
                              task_id == nullptr ? "" : ToText(*task_id));
  }
  return found;
}

StatusOr<Datum> Evaluator::EvaluateSlice(const Expr& expr) {
  ASSIGN_OR_RETURN(const Datum base, Evaluate(*expr.operands[0]));
  if (!base.is_list() && !base.is_string())
    return InvalidArgument("a " + std::string(TypeName(base)) + " has no slices");
  ASSIGN_OR_RETURN(const List items, Items(base));
  const auto count = static_cast<std::int64_t>(items.size());
  std::optional<std::int64_t> bounds[3];
  for (std::size_t i = 0; i < 3; ++i) {
    if (!expr.operands[i + 1]) continue;
    ASSIGN_OR_RETURN(const Datum bound, Evaluate(*expr.operands[i + 1]));
    if (bound.is_none()) continue;
    if (!bound.is_integral())
      return InvalidArgument("slices need ints, not a " + std::string(TypeName(bound)));
    bounds[i] = bound.integer();
  }
  const std::int64_t step = std::clamp<std::int64_t>(bounds[2].value_or(1), -count - 1, count + 1);
  if (bounds[2] == 0) return InvalidArgument("a slice's step must not be 0");
  const auto clamped = [count, step](std::int64_t at) {
    if (at < 0) at = at < -count ? -1 - count : at + count;
    return step > 0 ? std::clamp<std::int64_t>(at, 0, count) : std::clamp<std::int64_t>(at, -1, count - 1);
  };
  const std::int64_t start = bounds[0] ? clamped(*bounds[0]) : step > 0 ? 0 : count - 1;
  const std::int64_t stop = bounds[1] ? clamped(*bounds[1]) : step > 0 ? count : -1;
  List kept;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop; i += step)
    kept.push_back(items[static_cast<std::size_t>(i)]);
  if (base.is_tuple()) return Datum::OfTuple(std::move(kept));
  if (base.is_list()) return Datum::OfList(std::move(kept));
  std::string text;
  for (const Datum& character : kept) text += character.string();
  return Datum(std::move(text));
}

StatusOr<Datum> Evaluator::EvaluateComparison(const Expr& expr) {
  ASSIGN_OR_RETURN(Datum left, Evaluate(*expr.operands[0]));
  for (std::size_t i = 0; i < expr.names.size(); ++i) {
    ASSIGN_OR_RETURN(Datum right, Evaluate(*expr.operands[i + 1]));
    RETURN_IF_ERROR(budget_.Spend(left.weight() + right.weight()));
    const std::string& op = expr.names[i];
    bool holds = false;
    if (op == "==" || op == "!=") {
      holds = AreEqual(left, right) == (op == "==");
    } else if (op == "in" || op == "not in") {
      ASSIGN_OR_RETURN(const bool contains, Contains(right, left));
      holds = contains == (op == "in");
    } else {
      ASSIGN_OR_RETURN(const std::partial_ordering order, Compare(left, right));
      holds = op == "<" ? order < 0 : op == "<=" ? order <= 0 : op == ">" ? order > 0 : order >= 0;
    }
    if (!holds) return Datum(false);
    left = std::move(right);
  }
  return Datum(true);
}

StatusOr<Datum> Evaluator::EvaluateLogic(const Expr& expr) {
  ASSIGN_OR_RETURN(Datum left, Evaluate(*expr.operands[0]));
  if (expr.name == "and" && !IsTrue(left)) return left;
  if (expr.name == "or" && IsTrue(left)) return left;
  ASSIGN_OR_RETURN(Datum right, Evaluate(*expr.operands[1]));
  if (expr.name == "and" || expr.name == "or") return right;
  RETURN_IF_ERROR(budget_.Spend(left.weight() + right.weight()));
  return Binary(expr.name, left, right);
}

StatusOr<Datum> Evaluator::EvaluateUnary(const Expr& expr) {
  ASSIGN_OR_RETURN(const Datum value, Evaluate(*expr.operands[0]));
  if (expr.name == "not") return Datum(!IsTrue(value));
  if (value.is_span() && expr.name == "-") return Datum(-value.span());
  if (value.is_relative() && expr.name == "-") return Datum(value.relative().Times(-1));
  if (!value.is_number()) return InvalidArgument("a " + std::string(TypeName(value)) + " has no sign");
  if (value.is_float()) return Datum(expr.name == "-" ? -value.number() : value.number());
  if (expr.name == "+") return Datum(value.integer());
  return Binary("-", Datum(std::int64_t{0}), value);
}

StatusOr<Arguments> Evaluator::EvaluateArguments(const Expr& expr) {
  Arguments arguments;
  for (std::size_t i = 1; i < expr.operands.size(); ++i) {
    const Expr& operand = *expr.operands[i];
    if (operand.kind != ExprKind::kSpread) {
      ASSIGN_OR_RETURN(Datum value, Evaluate(operand));
      arguments.positional.push_back(std::move(value));
      continue;
    }
    ASSIGN_OR_RETURN(const Datum values, Evaluate(*operand.operands[0]));
    ASSIGN_OR_RETURN(const List items, Items(values));
    arguments.positional.insert(arguments.positional.end(), items.begin(), items.end());
  }
  for (const auto& [name, operand] : expr.keywords) {
    if (operand->kind != ExprKind::kSpread) {
      ASSIGN_OR_RETURN(Datum value, Evaluate(*operand));
      arguments.named.emplace_back(name, std::move(value));
      continue;
    }
    ASSIGN_OR_RETURN(const Datum values, Evaluate(*operand->operands[0]));
    if (!values.is_map()) return InvalidArgument("** needs a dict, not a " + std::string(TypeName(values)));
    for (const auto& [key, value] : values.map()) arguments.named.emplace_back(ToText(key), value);
  }
  return arguments;
}

}  // namespace millrace::jinja
