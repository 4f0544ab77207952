// The statements: what a block writes.
#include "core/template/evaluator.h"

#include <utility>

namespace millrace::jinja {

std::uint64_t Evaluator::SeedOf(std::string_view text, const TemplateContext& context) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&hash](std::string_view part) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  add(text);
  for (const TemplateContext::Entry& entry : context.entries()) {
    const Value* value = std::get_if<Value>(&entry.value);
    if (value == nullptr || !entry.path.starts_with("ti.")) continue;
    if (value->is_string()) add(value->as_string());
    if (entry.path == "ti.map_index") add(std::to_string(value->as_int()));
  }
  return hash;
}

// Only errors without a place get one: those of inner expressions have theirs.
Status Evaluator::FailAt(std::size_t offset, const Status& status, std::string suggestion) const {
  if (status.message().starts_with("template, line ")) return status;
  const Status placed = ToStatus(ProblemAt(text_, offset, status.message(), std::move(suggestion)));
  return Status(status.code(), placed.message());
}

Status Evaluator::UndefinedAt(const Expr& expr, const Undefined& undefined) {
  std::string suggestion;
  if (expr.kind == ExprKind::kName) {
    suggestion = DidYouMean(expr.name, scope_.Names());
  } else if (expr.kind == ExprKind::kAttribute) {
    const StatusOr<Datum> base = Resolve(*expr.operands[0]);
    if (base.ok()) suggestion = DidYouMean(expr.name, AttributeNames(*base));
  }
  return FailAt(expr.offset, InvalidArgument(undefined.message), std::move(suggestion));
}

StatusOr<std::string> Evaluator::Run(const Nodes& nodes) {
  std::string output;
  RETURN_IF_ERROR(Execute(nodes, output));
  return output;
}

Status Evaluator::Execute(const Nodes& nodes, std::string& output) {
  if (depth_ >= kDeepestWalk) return InvalidArgument("macros and loops call themselves too deeply");
  ++depth_;
  for (const auto& node : nodes) {
    Status status = budget_.Spend(1);
    if (status.ok()) status = Budget::CheckSize(static_cast<std::int64_t>(output.size()));
    if (status.ok()) status = ExecuteNode(*node, output);
    if (!status.ok()) return FailAt(node->offset, status);
  }
  --depth_;
  const Status size = Budget::CheckSize(static_cast<std::int64_t>(output.size()));
  return size.ok() || nodes.empty() ? size : FailAt(nodes.back()->offset, size);
}

Status Evaluator::ExecuteNode(const Node& node, std::string& output) {
  switch (node.kind) {
    case NodeKind::kData:
      output += node.text;
      return OkStatus();
    case NodeKind::kOutput: {
      touched_ = false;
      ASSIGN_OR_RETURN(const Datum value, Evaluate(*node.expr));
      if (value.is_callable())
        return FailAt(node.expr->offset,
                      InvalidArgument("'" + value.callable().name +
                                      "' is a function; call it: " + value.callable().name + "(...)"));
      return write_(output, ToText(value), touched_);
    }
    case NodeKind::kIf:
      for (const Branch& branch : node.branches) {
        if (branch.condition) {
          ASSIGN_OR_RETURN(const Datum condition, Evaluate(*branch.condition));
          if (!IsTrue(condition)) continue;
        }
        return Execute(branch.body, output);
      }
      return OkStatus();
    case NodeKind::kFor:
      return ExecuteFor(node, output);
    case NodeKind::kSet:
      return ExecuteSet(node);
    case NodeKind::kMacro:
      return ExecuteMacro(node);
    case NodeKind::kCall:
      return ExecuteCallBlock(node, output);
    case NodeKind::kFilter: {
      ASSIGN_OR_RETURN(Datum text, Capture([&](std::string& body) { return Execute(node.body, body); }));
      ASSIGN_OR_RETURN(const Datum value, Filtered(node, std::move(text)));
      return write_(output, ToText(value), value.from_user());
    }
    case NodeKind::kWith:
      return ExecuteWith(node, output);
    case NodeKind::kDo:
      touched_ = false;
      return Evaluate(*node.expr).status();
  }
  return OkStatus();
}

Status Evaluator::ExecuteFor(const Node& node, std::string& output) {
  touched_ = false;
  ASSIGN_OR_RETURN(const Datum sequence, Evaluate(*node.expr));
  return ExecuteLoop(node, sequence, touched_, 1, output);
}

Status Evaluator::ExecuteLoop(const Node& node, const Datum& sequence, bool from_user, std::int64_t depth,
                              std::string& output) {
  StatusOr<List> items = Items(sequence);
  if (!items.ok()) return FailAt(node.expr->offset, items.status());
  if (from_user) {
    for (Datum& item : *items) item.set_from_user();
  }
  if (node.condition) {
    List kept;
    for (const Datum& item : *items) {
      scope_.Enter();
      RETURN_IF_ERROR(Assign(*node.target, item));
      ASSIGN_OR_RETURN(const Datum keeps, Evaluate(*node.condition));
      scope_.Leave();
      if (IsTrue(keeps)) kept.push_back(item);
    }
    *items = std::move(kept);
  }
  const std::size_t id = loops_begun_++;
  loops_.push_back({id, &node, &*items, 0, depth, std::nullopt});
  for (std::size_t i = 0; i < items->size(); ++i) {
    RETURN_IF_ERROR(budget_.Spend(kWorkOfAnIteration));
    loops_.back().at = static_cast<std::int64_t>(i);
    scope_.Enter();
    scope_.Set("loop", Datum(Handle{Kind::kLoop, id}));
    RETURN_IF_ERROR(Assign(*node.target, (*items)[i]));
    RETURN_IF_ERROR(Execute(node.body, output));
    scope_.Leave();
  }
  loops_.pop_back();
  return items->empty() ? Execute(node.else_body, output) : OkStatus();
}

StatusOr<Datum> Evaluator::Capture(const std::function<Status(std::string&)>& run) {
  std::string text;
  bool from_user = false;
  const bool touched = touched_;
  Writer outer =
      std::exchange(write_, [&from_user](std::string& output, const std::string& part, bool user_settable) {
        output += part;
        from_user = from_user || user_settable;
        return OkStatus();
      });
  scope_.Enter();
  const Status executed = run(text);
  scope_.Leave();
  write_ = std::move(outer);
  RETURN_IF_ERROR(executed);
  Datum value{std::move(text)};
  if (from_user) value.set_from_user();
  touched_ = touched || from_user;
  return value;
}

StatusOr<Datum> Evaluator::Filtered(const Node& node, Datum text) {
  if (!node.filter) return text;
  touched_ = text.from_user();
  scope_.Enter();
  scope_.Set(std::string(kBlockName), std::move(text));
  ASSIGN_OR_RETURN(Datum value, Evaluate(*node.filter));
  scope_.Leave();
  if (touched_) value.set_from_user();
  return value;
}

Status Evaluator::ExecuteSet(const Node& node) {
  touched_ = false;
  Datum value;
  if (node.expr) {
    ASSIGN_OR_RETURN(value, Evaluate(*node.expr));
    if (touched_) value.set_from_user();
  } else {
    ASSIGN_OR_RETURN(value, Capture([&](std::string& text) { return Execute(node.body, text); }));
    ASSIGN_OR_RETURN(value, Filtered(node, std::move(value)));
  }
  return Assign(*node.target, value);
}

Status Evaluator::ExecuteWith(const Node& node, std::string& output) {
  std::vector<std::pair<std::string, Datum>> values;
  for (const auto& [name, expr] : node.parameters) {
    touched_ = false;
    ASSIGN_OR_RETURN(Datum value, Evaluate(*expr));
    if (touched_) value.set_from_user();
    values.emplace_back(name, std::move(value));
  }
  scope_.Enter();
  for (auto& [name, value] : values) scope_.Set(name, std::move(value));
  RETURN_IF_ERROR(Execute(node.body, output));
  scope_.Leave();
  return OkStatus();
}

Status Evaluator::Assign(const Expr& target, const Datum& value) {
  if (target.kind == ExprKind::kName) {
    scope_.Set(target.name, value);
    return OkStatus();
  }
  if (target.kind == ExprKind::kAttribute) {
    ASSIGN_OR_RETURN(const Datum owner, Evaluate(*target.operands[0]));
    if (!owner.is_handle() || owner.handle().kind != Kind::kNamespace)
      return FailAt(target.offset, InvalidArgument("only members of a namespace() can be set"));
    RETURN_IF_ERROR(budget_.Spend(value.weight()));
    SetMember(namespaces_[owner.handle().id], Datum(target.name), value);
    return OkStatus();
  }
  const StatusOr<List> items = Items(value);
  if (!items.ok()) return FailAt(target.offset, items.status());
  if (items->size() != target.operands.size()) {
    return FailAt(target.offset, InvalidArgument("expected " + std::to_string(target.operands.size()) +
                                                 " values to unpack, got " + std::to_string(items->size())));
  }
  for (std::size_t i = 0; i < target.operands.size(); ++i) {
    Datum item = (*items)[i];
    if (value.holds_user_data()) item.set_from_user();
    RETURN_IF_ERROR(Assign(*target.operands[i], item));
  }
  return OkStatus();
}

}  // namespace millrace::jinja
