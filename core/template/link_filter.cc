// The filter urlize: addresses in a text become links, by Jinja's rules of what an address is and which
// brackets and points around it are not part of it. The text is escaped first.
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "core/template/filter_table.h"
#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;
using Text = std::u32string_view;

bool IsDigitChar(char32_t c) { return c >= '0' && c <= '9'; }
bool IsLatin(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHex(char32_t c) { return IsDigitChar(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsLabel(char32_t c) { return IsWordCode(c) || c == '%' || c == '-'; }

std::u32string Codes(std::string_view text) {
  std::u32string codes;
  for (const std::string_view character : Characters(text)) codes += CodeOf(character);
  return codes;
}


// Of ASCII letters either case.
bool StartsWith(Text text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(), [](char p, char32_t c) {
           return c == static_cast<char32_t>(p) || (IsLatin(c) && (c | 0x20U) == static_cast<char32_t>(p));
         });
}

template <typename Is>
std::size_t Run(Text text, const Is& is) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is) - text.begin());
}

// What may follow a host: a port, a path, nothing.
bool EndsHost(Text rest) {
  if (!rest.empty() && rest[0] == ':') {
    const std::size_t digits = Run(rest.substr(1), IsDigitChar);
    if (digits < 1 || digits > 5) return false;
    rest.remove_prefix(1 + digits);
  }
  return rest.empty() || rest[0] == '/' || rest[0] == '?' || rest[0] == '#';
}

// com, org, ...; behind a scheme any letters.
bool EndsWithDomain(Text rest, bool any) {
  if (any) {
    const std::size_t letters = Run(rest, IsLatin);
    if (letters >= 2 && letters <= 63 && EndsHost(rest.substr(letters))) return true;
    if (!StartsWith(rest, "xn--")) return false;
    const std::size_t more = Run(rest.substr(4), [](char32_t c) { return IsWordCode(c) || c == '%'; });
    return more >= 2 && more <= 59 && EndsHost(rest.substr(4 + more));
  }
  constexpr std::array<std::string_view, 8> kDomains = {"com", "net", "int", "edu", "gov", "org", "info", "mil"};
  return std::any_of(kDomains.begin(), kDomains.end(), [rest](std::string_view domain) {
    return StartsWith(rest, domain) && EndsHost(rest.substr(domain.size()));
  });
}

// Labels with points between them, and the last domain. Without a scheme there must be a label, of 2 to 63.
bool IsHostName(Text rest, bool scheme) {
  if (scheme && EndsWithDomain(rest, true)) return true;
  while (true) {
    const std::size_t label = Run(rest, IsLabel);
    if (label < (scheme ? 1U : 2U) || (!scheme && label > 63)) return false;
    if (label >= rest.size() || rest[label] != '.') return false;
    rest.remove_prefix(label + 1);
    if (EndsWithDomain(rest, scheme)) return true;
  }
}

bool IsNumericHost(Text rest) {
  if (!rest.empty() && rest[0] == '[') {
    rest.remove_prefix(1);
    for (int group = 0; group < 8; ++group) {
      rest.remove_prefix(std::min<std::size_t>(Run(rest, IsHex), 4));
      const bool colon = !rest.empty() && rest[0] == ':';
      if (group < 2 && !colon) return false;
      if (colon) rest.remove_prefix(1);
    }
    return !rest.empty() && rest[0] == ']' && EndsHost(rest.substr(1));
  }
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (rest.empty() || rest[0] != '.') return false;
      rest.remove_prefix(1);
    }
    const std::size_t digits = Run(rest, IsDigitChar);
    if (digits < 1 || digits > 3) return false;
    rest.remove_prefix(digits);
  }
  return EndsHost(rest);
}

bool IsAddress(Text text) {
  const std::size_t scheme = StartsWith(text, "https://") ? 8 : StartsWith(text, "http://") ? 7 : 0;
  if (scheme > 0 && (IsHostName(text.substr(scheme), true) || IsNumericHost(text.substr(scheme)))) return true;
  if (StartsWith(text, "www.") && IsHostName(text.substr(4), true)) return true;
  return IsHostName(text, false);
}

// name@host.domain
bool IsMail(Text text) {
  for (std::size_t at = text.find('@', 1); at != Text::npos; at = text.find('@', at + 1)) {
    const Text host = text.substr(at + 1);
    const std::size_t point = host.rfind('.');
    if (host.empty() || point == Text::npos || point == 0 || point + 1 == host.size()) continue;
    const bool first = IsWordCode(host[0]);
    const bool middle = std::all_of(host.begin(), host.begin() + static_cast<std::ptrdiff_t>(point), [](char32_t c) {
      return IsWordCode(c) || c == '.' || c == '-';
    });
    if (first && middle && Run(host.substr(point + 1), IsWordCode) == host.size() - point - 1) return true;
  }
  return false;
}

std::size_t Count(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

struct Links {
  std::string attributes;  // rel and target
  std::optional<std::int64_t> limit;
  std::vector<std::string> schemes;

  std::string Shown(const std::string& address) const {
    if (!limit) return address;
    const std::vector<std::string_view> characters = Characters(address);
    const auto size = static_cast<std::int64_t>(characters.size());
    if (size <= *limit) return address;
    const std::int64_t kept = *limit < 0 ? std::max<std::int64_t>(size + *limit, 0) : *limit;
    std::string shown;
    for (std::int64_t i = 0; i < kept; ++i) shown += characters[static_cast<std::size_t>(i)];
    return shown + "...";
  }

  std::string Linked(const std::string& middle) const {
    const std::u32string codes = Codes(middle);
    const Text text = codes;
    if (IsAddress(text)) {
      const bool whole = middle.starts_with("https://") || middle.starts_with("http://");
      return "<a href=\"" + (whole ? middle : "https://" + middle) + "\"" + attributes + ">" + Shown(middle) + "</a>";
    }
    if (middle.starts_with("mailto:") && IsMail(text.substr(7)))
      return "<a href=\"" + middle + "\">" + middle.substr(7) + "</a>";
    if (!middle.starts_with("www.") && !middle.starts_with('@') && middle.find(':') == std::string::npos &&
        IsMail(text)) {
      return "<a href=\"mailto:" + middle + "\">" + middle + "</a>";
    }
    std::string linked = middle;
    for (const std::string& scheme : schemes) {
      if (linked != scheme && linked.starts_with(scheme))
        linked = "<a href=\"" + linked + "\"" + attributes + ">" + linked + "</a>";
    }
    return linked;
  }

  // One word: brackets before it and points behind it stay outside, unless they close what it opens.
  std::string Word(std::string_view word) const {
    std::string_view middle = word;
    const auto cut_front = [&](std::string_view what) {
      const bool is = middle.starts_with(what);
      if (is) middle.remove_prefix(what.size());
      return is;
    };
    while (cut_front("(") || cut_front("<") || cut_front("&lt;")) continue;
    std::string link(middle);
    const std::string head(word.substr(0, word.size() - middle.size()));
    std::string_view left = middle;
    const auto cut_back = [&](std::string_view what) {
      const bool is = left.ends_with(what);
      if (is) left.remove_suffix(what.size());
      return is;
    };
    while (cut_back(")") || cut_back(">") || cut_back(".") || cut_back(",") || cut_back("&gt;")) continue;
    std::string tail(middle.substr(left.size()));
    link = left;
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kPairs = {
        {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}}};
    for (const auto& [open, close] : kPairs) {
      const std::size_t opened = Count(link, open);
      if (opened <= Count(link, close)) continue;
      for (std::size_t i = std::min(opened, Count(tail, close)); i > 0; --i) {
        const std::size_t end = tail.find(close) + close.size();
        link += tail.substr(0, end);
        tail.erase(0, end);
      }
    }
    return head + Linked(link) + tail;
  }
};

bool IsScheme(const std::string& text) {
  const std::u32string codes = Codes(text);
  const std::size_t name =
      Run(Text(codes), [](char32_t c) { return IsWordCode(c) || c == '.' || c == '+' || c == '-'; });
  const std::u32string rest = codes.substr(name);
  return name >= 2 && (rest == U":" || rest == U":/" || rest == U"://");
}

StatusOr<Links> LinksOf(Args args) {
  Links links;
  if (const Datum* limit = args.Find(0, "trim_url_limit"); limit != nullptr && !limit->is_none()) {
    if (!limit->is_integral()) return InvalidArgument("trim_url_limit must be an int");
    links.limit = limit->integer();
  }
  std::set<std::string> rel = {"noopener"};
  if (args.Flag(1, "nofollow", false)) rel.insert("nofollow");
  if (const Datum* more = args.Find(3, "rel"); more != nullptr && IsTrue(*more)) {
    if (!more->is_string()) return InvalidArgument("rel must be a str");
    std::string word;
    for (const char c : more->string() + " ") {
      if (!IsSpace(c)) {
        word += c;
      } else if (!word.empty()) {
        rel.insert(std::exchange(word, ""));
      }
    }
  }
  std::string joined;
  for (const std::string& word : rel) joined += (joined.empty() ? "" : " ") + word;
  links.attributes = " rel=\"" + EscapedMarkup(Datum(joined)) + "\"";
  if (const Datum* target = args.Find(2, "target"); target != nullptr && IsTrue(*target))
    links.attributes += " target=\"" + EscapedMarkup(Datum(ToText(*target))) + "\"";
  if (const Datum* schemes = args.Find(4, "extra_schemes"); schemes != nullptr && IsTrue(*schemes)) {
    ASSIGN_OR_RETURN(const List items, Items(*schemes));
    for (const Datum& item : items) {
      if (!item.is_string() || !IsScheme(item.string()))
        return InvalidArgument(ToRepr(item) + " is not a valid URI scheme prefix");
      links.schemes.push_back(item.string());
    }
  }
  return links;
}

StatusOr<Datum> Urlize(const Datum& value, Args args, Budget& budget) {
  ASSIGN_OR_RETURN(const Links links, LinksOf(args));
  const std::string text = value.markup() ? value.string() : EscapedMarkup(Datum(ToText(value)));
  RETURN_IF_ERROR(budget.Spend(static_cast<std::int64_t>(text.size())));
  std::string out;
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) out += links.Word(std::exchange(word, ""));
    return Budget::CheckSize(static_cast<std::int64_t>(out.size()));
  };
  for (const std::string_view character : Characters(text)) {
    const char32_t code = CodeOf(character);
    const bool space = (code < 0x80 && IsSpace(static_cast<char>(code))) || (code >= 0x1c && code <= 0x1f) ||
                       code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
                       code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
    if (space) {
      RETURN_IF_ERROR(flush());
      out += character;
    } else {
      word += character;
    }
  }
  RETURN_IF_ERROR(flush());
  return Datum(std::move(out));
}

}  // namespace

const std::vector<FilterRow>& LinkFilters() {
  static const std::vector<FilterRow> kTable = {{"urlize", Urlize}};
  return kTable;
}

}  // namespace millrace::jinja
