#include "core/template/scope.h"

#include <algorithm>
#include <iterator>

#include "core/template/builtins.h"
#include "core/template/outside.h"
#include "core/template/refused.h"

namespace millrace::jinja {
namespace {

// A map that can still be changed; Datum's cannot.
struct Draft {
  Datum value;
  bool is_leaf = false;
  bool open = false;
  std::vector<std::pair<std::string, Draft>> members;

  Draft& At(std::string_view path) {
    if (path.empty()) return *this;
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, dot);
    auto found = std::find_if(members.begin(), members.end(),
                              [name](const auto& member) { return member.first == name; });
    if (found == members.end()) {
      if (is_leaf && value.is_map()) {  // "params" was set whole, now "params.x" is
        for (const auto& [key, member] : value.map())
          members.emplace_back(ToText(key), Draft{member, true, false, {}});
        found = std::find_if(members.begin(), members.end(),
                             [name](const auto& member) { return member.first == name; });
      }
      is_leaf = false;
      if (found == members.end()) found = members.insert(members.end(), {std::string(name), Draft()});
    }
    return found->second.At(path.substr(std::min(dot + 1, path.size())));
  }

  Datum Finish() const {
    Datum result = value;
    if (!is_leaf) {
      Pairs pairs;
      for (const auto& [name, member] : members) pairs.emplace_back(Datum(name), member.Finish());
      result = Datum::OfMap(std::move(pairs));
    }
    if (open) result.set_open();
    return result;
  }
};

// The same value with every part of it marked.
Datum Marked(const Datum& value) {
  Datum marked = value;
  if (value.is_list()) {
    List items;
    for (const Datum& item : value.list()) items.push_back(Marked(item));
    marked = Datum::OfList(std::move(items));
  } else if (value.is_map()) {
    Pairs pairs;
    for (const auto& [key, member] : value.map()) pairs.emplace_back(Marked(key), Marked(member));
    marked = Datum::OfMap(std::move(pairs));
  }
  marked.set_from_user();
  return marked;
}

}  // namespace

Datum RootOf(const TemplateContext& context) {
  Draft root;
  for (const TemplateContext::Entry& entry : context.entries()) {
    Draft& draft = root.At(entry.path);
    const Value* value = std::get_if<Value>(&entry.value);
    draft.value = value != nullptr ? Datum::OfValue(*value) : Datum(std::get<WallTime>(entry.value));
    if (entry.source == TemplateContext::Source::kUser) draft.value = Marked(draft.value);
    draft.is_leaf = true;
    draft.members.clear();
  }
  for (const std::string& path : context.open_paths()) root.At(path).open = true;
  for (auto& [name, draft] : root.members) {
    if (name != "ti" && name != "task_instance") continue;
    draft.members.emplace_back("xcom_pull",
                               Draft{Datum(Callable{std::string(kXComPull), nullptr}), true, false, {}});
  }
  return root.Finish();
}

Datum Scope::Find(std::string_view name) const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    const auto found =
        std::find_if(frame->begin(), frame->end(), [name](const auto& entry) { return entry.first == name; });
    if (found != frame->end()) return found->second;
  }
  if (const Datum* found = root_.Find(Datum(std::string(name)))) return *found;
  Datum global = Global(name);
  if (global.is_undefined()) global = OutsideGlobal(name);
  if (!global.is_undefined()) return global;
  return Datum(Undefined{"'" + std::string(name) + "' is undefined" + WhyUndefined(name)});
}

Datum Scope::FindInContext(std::string_view name) const {
  const Datum* found = root_.Find(Datum(std::string(name)));
  return found == nullptr ? Datum(Undefined{}) : *found;
}

bool Scope::HasVariable(std::string_view name) const {
  return std::any_of(frames_.begin(), frames_.end(), [name](const Frame& frame) {
    return std::any_of(frame.begin(), frame.end(), [name](const auto& entry) { return entry.first == name; });
  });
}

std::vector<std::string> Scope::Names() const {
  std::vector<std::string> names = GlobalNames();
  for (std::string& name : OutsideNames()) names.push_back(std::move(name));
  for (const auto& [key, value] : root_.map()) names.push_back(ToText(key));
  for (const Frame& frame : frames_) {
    for (const auto& [name, value] : frame) names.push_back(name);
  }
  return names;
}

std::vector<Scope::Frame> Scope::SwapInner(std::vector<Frame> inner) {
  std::vector<Frame> old(std::make_move_iterator(frames_.begin() + 1),
                         std::make_move_iterator(frames_.end()));
  frames_.resize(1);
  std::move(inner.begin(), inner.end(), std::back_inserter(frames_));
  return old;
}

bool Scope::Replace(std::string_view name, const Datum& value) {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    const auto found =
        std::find_if(frame->begin(), frame->end(), [name](const auto& entry) { return entry.first == name; });
    if (found == frame->end()) continue;
    found->second = value;
    return true;
  }
  return false;
}

void Scope::Set(std::string name, Datum value) {
  Frame& frame = frames_.back();
  const auto found =
      std::find_if(frame.begin(), frame.end(), [&name](const auto& entry) { return entry.first == name; });
  if (found != frame.end()) {
    found->second = std::move(value);
  } else {
    frame.emplace_back(std::move(name), std::move(value));
  }
}

}  // namespace millrace::jinja
