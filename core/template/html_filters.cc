// The filters about HTML. Nothing is escaped by itself; text that was escaped, or called safe, is not escaped
// again.
#include <algorithm>
#include <array>
#include <charconv>

#include "core/template/filter_table.h"
#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

StatusOr<Datum> Escape(const Datum& value, Args, Budget&) {
  return Datum(value.markup() ? value.string() : Escaped(ToText(value))).AsMarkup();
}

StatusOr<Datum> ForceEscape(const Datum& value, Args, Budget&) {
  return Datum(Escaped(ToText(value))).AsMarkup();
}

StatusOr<Datum> Safe(const Datum& value, Args, Budget&) { return Datum(ToText(value)).AsMarkup(); }

// "&amp;" and the like, and numbers; other names stay as they are.
std::string Unescaped(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames = {
      {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", "\u00a0"}}};
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '&' ? text.substr(at, 12).find(';') : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[at++];
      continue;
    }
    const std::string_view name = text.substr(at + 1, end - 1);
    const auto known =
        std::find_if(kNames.begin(), kNames.end(), [name](const auto& row) { return row.first == name; });
    std::uint32_t code = 0;
    const bool hex = name.starts_with("#x") || name.starts_with("#X");
    const std::string_view digits = name.substr(std::min<std::size_t>(hex ? 2 : 1, name.size()));
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
    if (known != kNames.end()) {
      out += known->second;
    } else if (name.starts_with('#') && !digits.empty() && read.ptr == digits.data() + digits.size() &&
               code > 0 && code <= 0x10ffff) {
      AppendUtf8(code, out);
    } else {
      out += text.substr(at, end + 1);
    }
    at += end + 1;
  }
  return out;
}

StatusOr<Datum> StripTags(const Datum& value, Args, Budget&) {
  std::string text = ToText(value);
  for (const auto& [open, close] : {std::pair{"<!--", "-->"}, std::pair{"<", ">"}}) {
    std::string kept;
    std::string_view rest = text;
    while (true) {
      const std::size_t from = rest.find(open);
      const std::size_t to = from == rest.npos ? rest.npos : rest.find(close, from);
      if (to == rest.npos) break;
      kept += rest.substr(0, from);
      rest.remove_prefix(to + std::string_view(close).size());
    }
    text = kept + std::string(rest);
  }
  std::string words;
  bool space = false;
  for (const char c : text) {
    if (IsSpace(c)) {
      space = !words.empty();
      continue;
    }
    if (std::exchange(space, false)) words += ' ';
    words += c;
  }
  return Datum(Unescaped(words));
}

StatusOr<Datum> XmlAttributes(const Datum& value, Args args, Budget&) {
  if (!value.is_map()) return InvalidArgument("needs a dict, not a " + std::string(TypeName(value)));
  std::string out;
  for (const auto& [key, member] : value.map()) {
    if (member.is_none()) continue;
    const std::string name = ToText(key);
    if (name.find_first_of(" \t\n\v\f\r/>=") != std::string::npos)
      return InvalidArgument("a name of an attribute holds a character that it must not: " + ToRepr(key));
    if (!out.empty()) out += ' ';
    out += Escaped(name) + "=\"" + (member.markup() ? member.string() : Escaped(ToText(member))) + '"';
  }
  if (!out.empty() && args.Flag(0, "autospace", true)) out.insert(0, 1, ' ');
  return Datum(std::move(out));
}

}  // namespace

std::string EscapedMarkup(const Datum& text) {
  return text.markup() ? text.string() : Escaped(text.string());
}

const std::vector<FilterRow>& HtmlFilters() {
  static const std::vector<FilterRow> kTable = {
      {"e", Escape},  {"escape", Escape},       {"forceescape", ForceEscape},
      {"safe", Safe}, {"striptags", StripTags}, {"xmlattr", XmlAttributes},
  };
  return kTable;
}

}  // namespace millrace::jinja
