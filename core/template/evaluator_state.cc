// What a template changes while it runs: macros that are called, loops, namespaces, cyclers and joiners, and
// lists and dicts that are changed in place.
#include <algorithm>
#include <array>

#include "core/template/evaluator.h"

namespace millrace::jinja {
namespace {

constexpr std::array<std::string_view, 9> kMutators = {"append",  "extend",     "insert", "pop",   "remove",
                                                       "reverse", "setdefault", "sort",   "update"};
constexpr std::array<std::string_view, 3> kStates = {"cycler", "joiner", "namespace"};

Status NoMutation(const std::string& method, const Datum& value) {
  return InvalidArgument("a " + std::string(TypeName(value)) + " has no '" + method + "'");
}

// What a list is after the call, and what the call returns.
StatusOr<Datum> ChangeList(List& items, const std::string& method, const Arguments& arguments) {
  const Datum none;
  const Datum& first = arguments.Or(0, "object", none);
  const auto place = [&items](std::int64_t at) {
    const auto size = static_cast<std::int64_t>(items.size());
    return items.begin() +
           static_cast<std::ptrdiff_t>(std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size));
  };
  if (method == "append") {
    items.push_back(first);
  } else if (method == "extend") {
    ASSIGN_OR_RETURN(const List more, Items(first));
    items.insert(items.end(), more.begin(), more.end());
  } else if (method == "insert") {
    ASSIGN_OR_RETURN(const std::int64_t at, arguments.Integer(0, "index", 0));
    items.insert(place(at), arguments.Or(1, "object", none));
  } else if (method == "pop") {
    ASSIGN_OR_RETURN(const std::int64_t at, arguments.Integer(0, "index", -1));
    const auto size = static_cast<std::int64_t>(items.size());
    if (at >= size || at < -size) return InvalidArgument("pop: the list has no such item");
    Datum taken = *place(at);
    items.erase(place(at));
    return taken;
  } else if (method == "remove") {
    const auto found = std::find_if(items.begin(), items.end(),
                                    [&first](const Datum& item) { return AreEqual(item, first); });
    if (found == items.end()) return InvalidArgument("remove: the list does not have it");
    items.erase(found);
  } else {
    std::reverse(items.begin(), items.end());
  }
  return none;
}

StatusOr<Datum> ChangeMap(Pairs& pairs, const std::string& method, const Arguments& arguments) {
  const Datum none;
  const Datum& key = arguments.Or(0, "key", none);
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [&key](const auto& pair) { return AreEqual(pair.first, key); });
  if (method == "setdefault") {
    if (found != pairs.end()) return found->second;
    pairs.emplace_back(key, arguments.Or(1, "default", none));
    return pairs.back().second;
  }
  if (method == "pop") {
    const Datum* fallback = arguments.Find(1, "default");
    if (found == pairs.end() && fallback == nullptr)
      return InvalidArgument("pop: the dict has no key " + ToRepr(key));
    if (found == pairs.end()) return *fallback;
    Datum taken = found->second;
    pairs.erase(found);
    return taken;
  }
  if (!arguments.positional.empty() && !key.is_map()) return InvalidArgument("update needs a dict");
  if (!arguments.positional.empty()) {
    for (const auto& [name, value] : key.map()) SetMember(pairs, name, value);
  }
  for (const auto& [name, value] : arguments.named) SetMember(pairs, Datum(name), value);
  return none;
}

}  // namespace

bool IsMutator(std::string_view method) {
  return std::find(kMutators.begin(), kMutators.end(), method) != kMutators.end();
}

bool IsState(std::string_view name) {
  return std::find(kStates.begin(), kStates.end(), name) != kStates.end();
}

void SetMember(Pairs& pairs, Datum key, Datum value) {
  const auto same = [&key](const auto& pair) { return AreEqual(pair.first, key); };
  const auto known = std::find_if(pairs.begin(), pairs.end(), same);
  if (known != pairs.end()) {
    known->second = std::move(value);
  } else {
    pairs.emplace_back(std::move(key), std::move(value));
  }
}

// Values never change, so the variable gets another: other names of the same list keep what they had.
StatusOr<Datum> Evaluator::Mutate(const Expr& owner, const Datum& value, const std::string& method,
                                  const Arguments& arguments) {
  RETURN_IF_ERROR(budget_.Spend(value.weight() + arguments.weight()));
  const bool is_sort = method == "sort";
  Datum returned;
  Datum changed;
  if (is_sort && value.is_list()) {
    Arguments sorting = arguments;
    sorting.named.emplace_back("case_sensitive", Datum(true));
    ASSIGN_OR_RETURN(changed, ApplyFilter("sort", value, sorting, budget_));
  } else if (value.is_list()) {
    if (method == "update" || method == "setdefault" || value.is_tuple()) return NoMutation(method, value);
    List items = value.list();
    ASSIGN_OR_RETURN(returned, ChangeList(items, method, arguments));
    changed = Datum::OfList(std::move(items));
  } else {
    if (method != "update" && method != "setdefault" && method != "pop") return NoMutation(method, value);
    Pairs pairs = value.map();
    ASSIGN_OR_RETURN(returned, ChangeMap(pairs, method, arguments));
    changed = Datum::OfMap(std::move(pairs));
  }
  if (touched_ || value.from_user()) changed.set_from_user();
  if (owner.kind == ExprKind::kAttribute) {
    RETURN_IF_ERROR(Assign(owner, changed));
  } else if (owner.kind != ExprKind::kName || !scope_.Replace(owner.name, changed)) {
    return InvalidArgument("only a variable that was {% set %} can be changed by " + method);
  }
  return returned;
}

Datum Evaluator::NewMacro(const Node& node) {
  macros_.push_back({&node, scope_.Inner()});
  return Datum(Handle{Kind::kMacro, macros_.size() - 1});
}

Status Evaluator::ExecuteMacro(const Node& node) {
  std::int64_t work = kWorkOfAnIteration;
  for (const Scope::Frame& frame : scope_.Inner()) work += static_cast<std::int64_t>(frame.size());
  RETURN_IF_ERROR(budget_.Spend(work));
  scope_.Set(node.text, NewMacro(node));
  return OkStatus();
}

Status Evaluator::ExecuteCallBlock(const Node& node, std::string& output) {
  touched_ = false;
  ASSIGN_OR_RETURN(const Datum callee, Evaluate(*node.expr->operands[0]));
  if (!callee.is_handle() || callee.handle().kind != Kind::kMacro)
    return FailAt(node.expr->offset,
                  InvalidArgument("{% call %} needs a macro, not a " + std::string(TypeName(callee))));
  ASSIGN_OR_RETURN(Arguments arguments, EvaluateArguments(*node.expr));
  RETURN_IF_ERROR(budget_.Spend(kWorkOfAnIteration));
  arguments.named.emplace_back("caller", NewMacro(node));
  const StatusOr<Datum> text = CallHandle(callee, "", std::move(arguments));
  if (!text.ok()) return FailAt(node.expr->offset, text.status());
  return write_(output, ToText(*text), text->from_user());
}

StatusOr<Datum> Evaluator::NewState(const std::string& name, const Arguments& arguments) {
  RETURN_IF_ERROR(budget_.Spend(kWorkOfAnIteration + arguments.weight()));
  if (name == "namespace") {
    Pairs members;
    for (const Datum& argument : arguments.positional) {
      if (!argument.is_map()) return InvalidArgument("namespace takes named arguments, or a dict");
      for (const auto& [key, value] : argument.map()) SetMember(members, key, value);
    }
    for (const auto& [key, value] : arguments.named) SetMember(members, Datum(key), value);
    namespaces_.push_back(std::move(members));
    return Datum(Handle{Kind::kNamespace, namespaces_.size() - 1});
  }
  if (name == "joiner") {
    const Datum comma(std::string(", "));
    joiners_.push_back({arguments.Or(0, "sep", comma)});
    return Datum(Handle{Kind::kJoiner, joiners_.size() - 1});
  }
  if (arguments.positional.empty()) return InvalidArgument("cycler needs at least one item");
  cyclers_.push_back({arguments.positional});
  return Datum(Handle{Kind::kCycler, cyclers_.size() - 1});
}

Evaluator::Loop* Evaluator::FindLoop(std::size_t id) {
  const auto found =
      std::find_if(loops_.rbegin(), loops_.rend(), [id](const Loop& loop) { return loop.id == id; });
  return found == loops_.rend() ? nullptr : &*found;
}

Datum Evaluator::LoopMember(const Datum& handle, const std::string& name) {
  const Loop* loop = FindLoop(handle.handle().id);
  if (loop == nullptr) return Datum(Undefined{"the loop is over"});
  const auto count = static_cast<std::int64_t>(loop->items->size());
  if (name == "index") return Datum(loop->at + 1);
  if (name == "index0") return Datum(loop->at);
  if (name == "revindex") return Datum(count - loop->at);
  if (name == "revindex0") return Datum(count - loop->at - 1);
  if (name == "first") return Datum(loop->at == 0);
  if (name == "last") return Datum(loop->at + 1 == count);
  if (name == "length") return Datum(count);
  if (name == "depth") return Datum(loop->depth);
  if (name == "depth0") return Datum(loop->depth - 1);
  if (name == "previtem" && loop->at > 0) return (*loop->items)[static_cast<std::size_t>(loop->at - 1)];
  if (name == "nextitem" && loop->at + 1 < count)
    return (*loop->items)[static_cast<std::size_t>(loop->at + 1)];
  if (name == "previtem" || name == "nextitem") return Datum(Undefined{"the loop has no " + name + " here"});
  if (name == "cycle" || name == "changed")
    return Datum(Callable{name, std::make_shared<const Datum>(handle)});
  return Datum(Undefined{"a loop has no '" + name + "'"});
}

Datum Evaluator::HandleMember(const Datum& handle, const std::string& name) {
  const std::size_t id = handle.handle().id;
  switch (handle.handle().kind) {
    case Kind::kLoop:
      return LoopMember(handle, name);
    case Kind::kNamespace:
      for (const auto& [key, value] : namespaces_[id]) {
        if (key.is_string() && key.string() == name) return value;
      }
      break;
    case Kind::kCycler:
      if (name == "current") return cyclers_[id].items[cyclers_[id].at];
      if (name == "next" || name == "reset")
        return Datum(Callable{name, std::make_shared<const Datum>(handle)});
      break;
    case Kind::kMacro: {
      const Node& node = *macros_[id].node;
      if (name == "name") return Datum(node.text);
      if (name == "caller") return Datum(node.takes_caller);
      if (name == "catch_varargs") return Datum(node.takes_more);
      if (name == "catch_kwargs") return Datum(node.takes_keywords);
      if (name == "arguments") {
        List names;
        for (const auto& [parameter, value] : node.parameters) names.emplace_back(parameter);
        return Datum::OfTuple(std::move(names));
      }
      break;
    }
    case Kind::kJoiner:
      break;
  }
  return Datum(Undefined{"the " + std::string(TypeName(handle)) + " has no '" + name + "'"});
}

StatusOr<Datum> Evaluator::CallHandle(const Datum& handle, const std::string& method, Arguments arguments) {
  if (touched_) {
    for (Datum& value : arguments.positional) value.set_from_user();
    for (auto& [name, value] : arguments.named) value.set_from_user();
  }
  const std::size_t id = handle.handle().id;
  switch (handle.handle().kind) {
    case Kind::kMacro:
      return CallMacro(macros_[id], std::move(arguments));
    case Kind::kLoop:
      return CallLoop(id, method, arguments);
    case Kind::kJoiner:
      if (std::exchange(joiners_[id].used, true)) return joiners_[id].separator;
      return Datum(std::string());
    case Kind::kCycler: {
      Cycler& cycler = cyclers_[id];
      if (method.empty()) break;
      if (method == "reset") {
        cycler.at = 0;
        return Datum();
      }
      Datum current = cycler.items[cycler.at];
      cycler.at = (cycler.at + 1) % cycler.items.size();
      return current;
    }
    case Kind::kNamespace:
      break;
  }
  return InvalidArgument("a " + std::string(TypeName(handle)) + " cannot be called");
}

StatusOr<Datum> Evaluator::CallLoop(std::size_t id, const std::string& method, const Arguments& arguments) {
  Loop* loop = FindLoop(id);
  if (loop == nullptr) return InvalidArgument("the loop is over");
  if (method == "cycle") {
    if (arguments.positional.empty()) return InvalidArgument("cycle needs at least one argument");
    return arguments.positional[static_cast<std::size_t>(loop->at) % arguments.positional.size()];
  }
  if (method == "changed") {
    const bool same = loop->last && AreEqual(Datum::OfList(*loop->last), Datum::OfList(arguments.positional));
    loop->last = arguments.positional;
    return Datum(!same);
  }
  if (!loop->node->recursive)
    return InvalidArgument(
        "the loop cannot be called; write {% for ... recursive %} to call it with inner items");
  if (arguments.positional.size() != 1) return InvalidArgument("loop takes one sequence");
  RETURN_IF_ERROR(budget_.Spend(kWorkOfAnIteration));
  const Datum& items = arguments.positional[0];
  const Node& node = *loop->node;
  const std::int64_t depth = loop->depth + 1;
  return Capture([&](std::string& text) { return ExecuteLoop(node, items, items.from_user(), depth, text); });
}

StatusOr<Datum> Evaluator::CallMacro(const Macro& macro, Arguments arguments) {
  RETURN_IF_ERROR(budget_.Spend(kWorkOfAnIteration + arguments.weight()));
  const bool touched = std::exchange(touched_, false);
  std::vector<Scope::Frame> hidden = scope_.SwapInner(macro.inner);
  StatusOr<Datum> text = Capture([&](std::string& body) {
    RETURN_IF_ERROR(Bind(*macro.node, std::move(arguments)));
    return Execute(macro.node->body, body);
  });
  scope_.SwapInner(std::move(hidden));
  touched_ = touched_ || touched;
  return text;
}

Status Evaluator::Bind(const Node& node, Arguments arguments) {
  const std::string macro = "the macro '" + node.text + "'";
  const std::size_t count = node.parameters.size();
  if (arguments.positional.size() > count && !node.takes_more)
    return InvalidArgument(macro + " takes not more than " + std::to_string(count) + " arguments");
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [name, fallback] = node.parameters[i];
    const auto named = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&name = name](const auto& argument) { return argument.first == name; });
    Datum value(Undefined{"the parameter '" + name + "' of " + macro + " was not given"});
    if (i < arguments.positional.size()) {
      if (named != arguments.named.end()) return InvalidArgument(macro + " got '" + name + "' twice");
      value = arguments.positional[i];
    } else if (named != arguments.named.end()) {
      value = std::move(named->second);
      arguments.named.erase(named);
    } else if (fallback) {
      touched_ = false;
      ASSIGN_OR_RETURN(value, Evaluate(*fallback));
      if (touched_) value.set_from_user();
    }
    scope_.Set(name, std::move(value));
  }
  if (node.takes_more) {
    List more;
    for (std::size_t i = count; i < arguments.positional.size(); ++i) more.push_back(arguments.positional[i]);
    scope_.Set("varargs", Datum::OfTuple(std::move(more)));
  }
  Datum caller(Undefined{"there is no caller: " + macro + " was not called by {% call %}"});
  Pairs keywords;
  for (auto& [name, value] : arguments.named) {
    if (name == "caller" && node.takes_caller) {
      caller = std::move(value);
    } else if (node.takes_keywords && name != "caller") {
      keywords.emplace_back(Datum(name), std::move(value));
    } else {
      return InvalidArgument(macro + " takes no argument '" + name + "'");
    }
  }
  if (node.takes_keywords) scope_.Set("kwargs", Datum::OfMap(std::move(keywords)));
  if (node.takes_caller && node.kind == NodeKind::kMacro) scope_.Set("caller", std::move(caller));
  return OkStatus();
}

}  // namespace millrace::jinja
