#include "scheduler/dagbag/marked_values.h"

#include <string>
#include <utility>

#include "core/spec/field.h"

namespace millrace::dagbag {
namespace {

constexpr int kMaxDepth = 64;

Value Placed(Value value, const Value& inner, const Value& outer) {
  value.At(inner.position()).KeyAt(outer.key_position());
  return value;
}

Value Text(const Value& value, bool is_template) {
  if (is_template || !HasTemplate(value.as_string())) return value;
  // Its own word would end it: that is cut in two.
  constexpr std::string_view kEnd = "endraw";
  std::string raw = value.as_string();
  constexpr std::string_view kCut = "en{% endraw %}{% raw %}draw";
  for (std::size_t at = raw.find(kEnd); at != std::string::npos; at = raw.find(kEnd, at + kCut.size()))
    raw.replace(at, kEnd.size(), kCut);
  return Placed(Value("{% raw %}" + raw + "{% endraw %}"), value, value);
}

Value Without(const Value& value, bool templates, int depth) {
  if (value.is_string()) return Text(value, templates);
  if (depth > kMaxDepth || (!value.is_list() && !value.is_map()) || PulledFrom(value)) return value;
  if (value.is_map() && value.as_map().size() == 1) {
    const auto& [word, inner] = value.as_map().front();
    if ((word == "$t" || word == "$template") && inner.is_string()) return Placed(inner, inner, value);
    if (word == "$const") return Placed(Without(inner, false, depth + 1), inner, value);
  }
  Value done = value;
  if (done.is_list()) {
    for (Value& item : done.as_list()) item = Without(item, templates, depth + 1);
  } else {
    for (auto& [name, member] : done.as_map()) member = Without(member, templates, depth + 1);
  }
  return done;
}

}  // namespace

Value WithoutMarks(const Value& value, bool only_marked) { return Without(value, !only_marked, 0); }

}  // namespace millrace::dagbag
