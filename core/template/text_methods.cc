// Methods of str.
#include <algorithm>
#include <optional>

#include "core/template/filter_table.h"
#include "core/template/method_table.h"
#include "core/template/text_format.h"
#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;

template <std::string (*kChange)(std::string_view)>
StatusOr<Datum> Change(const Datum& text, Args) {
  return Datum(kChange(text.string()));
}

template <bool kLeft, bool kRight>
StatusOr<Datum> Strip(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::string characters, args.Text(0, "chars", ""));
  return Datum(Stripped(text.string(), characters, kLeft, kRight));
}

std::string Titled(std::string_view text) {
  std::string out;
  bool inside = false;
  for (const char c : text) {
    out += inside ? Lower(std::string_view(&c, 1)) : Upper(std::string_view(&c, 1));
    inside = IsLetter(c);
  }
  return out;
}

std::string CaseSwapped(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += IsLower(c) ? Upper(std::string_view(&c, 1)) : Lower(std::string_view(&c, 1));
  return out;
}

std::vector<std::string_view> Words(std::string_view text, std::int64_t most) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && IsSpace(text[at])) ++at;
    if (at == text.size()) return words;
    std::size_t end = at;
    if (most == 0) {
      end = text.find_last_not_of(" \t\n\v\f\r") + 1;
    } else {
      while (end < text.size() && !IsSpace(text[end])) ++end;
    }
    words.push_back(text.substr(at, end - at));
    at = end;
    --most;
  }
}

Datum ListOf(const std::vector<std::string_view>& parts) {
  List items;
  for (const std::string_view part : parts) items.emplace_back(std::string(part));
  return Datum::OfList(std::move(items));
}

template <bool kFromRight>
StatusOr<Datum> SplitText(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(std::int64_t most, args.Integer(1, "maxsplit", -1));
  const Datum* separator = args.Find(0, "sep");
  std::string_view rest = text.string();
  if (separator == nullptr || separator->is_none()) {
    if (kFromRight && most >= 0) return InvalidArgument("rsplit needs a separator when maxsplit is given");
    return ListOf(Words(rest, most));
  }
  if (!separator->is_string() || separator->string().empty())
    return InvalidArgument("the separator must be a str that is not empty");
  const std::string& between = separator->string();
  std::vector<std::string_view> parts;
  while (most != 0) {
    const std::size_t found = kFromRight ? rest.rfind(between) : rest.find(between);
    if (found == std::string_view::npos) break;
    parts.push_back(kFromRight ? rest.substr(found + between.size()) : rest.substr(0, found));
    rest = kFromRight ? rest.substr(0, found) : rest.substr(found + between.size());
    --most;
  }
  parts.push_back(rest);
  if (kFromRight) std::reverse(parts.begin(), parts.end());
  return ListOf(parts);
}

StatusOr<Datum> SplitLines(const Datum& text, Args) { return SplitIntoLines(text.string()); }

template <bool kFromRight>
StatusOr<Datum> Partition(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::string separator, args.Text(0, "sep", ""));
  if (separator.empty()) return InvalidArgument("the separator must not be empty");
  const std::string& whole = text.string();
  const std::size_t found = kFromRight ? whole.rfind(separator) : whole.find(separator);
  const Datum nothing{std::string()};
  if (found == std::string::npos) {
    return kFromRight ? Datum::OfTuple({nothing, nothing, text}) : Datum::OfTuple({text, nothing, nothing});
  }
  return Datum::OfTuple(
      {Datum(whole.substr(0, found)), Datum(separator), Datum(whole.substr(found + separator.size()))});
}

StatusOr<Datum> ReplaceText(const Datum& text, Args args) {
  const Datum* from = args.Find(0, "old");
  const Datum* to = args.Find(1, "new");
  if (from == nullptr || to == nullptr || !from->is_string() || !to->is_string())
    return InvalidArgument("replace needs two strs");
  ASSIGN_OR_RETURN(const std::int64_t count, args.Integer(2, "count", -1));
  ASSIGN_OR_RETURN(std::string out, Replaced(text.string(), from->string(), to->string(), count));
  return Datum(std::move(out));
}

template <bool kAtEnd>
StatusOr<Datum> Touches(const Datum& text, Args args) {
  if (args.positional.size() != 1) return InvalidArgument("needs one argument");
  const Datum& wanted = args.positional[0];
  const List any = wanted.is_tuple() ? wanted.list() : List{wanted};
  for (const Datum& part : any) {
    if (!part.is_string()) return InvalidArgument("needs a str or a tuple of strs");
    if (kAtEnd ? text.string().ends_with(part.string()) : text.string().starts_with(part.string()))
      return Datum(true);
  }
  return Datum(false);
}

template <bool kAtEnd>
StatusOr<Datum> Remove(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::string part, args.Text(0, "part", ""));
  std::string_view rest = text.string();
  if (kAtEnd && rest.ends_with(part)) rest.remove_suffix(part.size());
  if (!kAtEnd && rest.starts_with(part)) rest.remove_prefix(part.size());
  return Datum(std::string(rest));
}

StatusOr<Datum> JoinText(const Datum& text, Args args) {
  if (args.positional.size() != 1) return InvalidArgument("join needs one list");
  ASSIGN_OR_RETURN(const List items, Items(args.positional[0]));
  for (const Datum& item : items) {
    if (!item.is_string())
      return InvalidArgument("join needs strs, not a " + std::string(TypeName(item)) +
                             "; the join filter takes anything");
  }
  ASSIGN_OR_RETURN(std::string out, Joined(items, text.string()));
  return Datum(std::move(out));
}

StatusOr<Datum> FormatText(const Datum& text, Args args) { return BraceFormat(text.string(), args); }

std::int64_t CharactersBefore(std::string_view text, std::size_t offset) {
  return static_cast<std::int64_t>(Characters(text.substr(0, offset)).size());
}

template <bool kFromRight, bool kMustBeThere>
StatusOr<Datum> FindText(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::string part, args.Text(0, "sub", ""));
  const std::size_t found = kFromRight ? text.string().rfind(part) : text.string().find(part);
  if (found != std::string::npos) return Datum(CharactersBefore(text.string(), found));
  if (kMustBeThere) return InvalidArgument("'" + part + "' is not in the text");
  return Datum(std::int64_t{-1});
}

StatusOr<Datum> CountText(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::string part, args.Text(0, "sub", ""));
  if (part.empty()) return Datum(static_cast<std::int64_t>(Characters(text.string()).size()) + 1);
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = text.string().find(part, at)) != std::string::npos; at += part.size())
    ++count;
  return Datum(count);
}

template <char kAlign>
StatusOr<Datum> Justify(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::int64_t width, args.Integer(0, "width", 0));
  ASSIGN_OR_RETURN(const std::string fill, args.Text(1, "fillchar", " "));
  if (fill.size() != 1) return InvalidArgument("the fill must be one ASCII character");
  ASSIGN_OR_RETURN(std::string out, Justified(text.string(), width, fill[0], kAlign));
  return Datum(std::move(out));
}

StatusOr<Datum> ZeroFill(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::int64_t width, args.Integer(0, "width", 0));
  const std::string& whole = text.string();
  const bool sign = !whole.empty() && (whole[0] == '+' || whole[0] == '-');
  ASSIGN_OR_RETURN(const std::string digits,
                   Justified(std::string_view(whole).substr(sign ? 1 : 0), width - (sign ? 1 : 0), '0', '>'));
  return Datum(whole.substr(0, sign ? 1 : 0) + digits);
}

template <bool (*kIs)(char)>
StatusOr<Datum> AllAre(const Datum& text, Args) {
  return Datum(!text.string().empty() && std::all_of(text.string().begin(), text.string().end(), kIs));
}

bool IsLetterOrDigit(char c) { return IsLetter(c) || IsDigit(c); }

template <std::string (*kChange)(std::string_view)>
StatusOr<Datum> IsCase(const Datum& text, Args) {
  const std::string& whole = text.string();
  return Datum(kChange(whole) == whole && std::any_of(whole.begin(), whole.end(), IsLetter));
}

}  // namespace

StatusOr<Datum> SplitIntoLines(std::string_view rest) {
  std::vector<std::string_view> lines;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(end);
    if (rest.starts_with("\r\n")) rest.remove_prefix(1);
    if (!rest.empty()) rest.remove_prefix(1);
  }
  return ListOf(lines);
}

const std::vector<MethodRow>& TextMethods() {
  static const std::vector<MethodRow> kTable = {
      {"capitalize", Change<Capitalized>},
      {"center", Justify<'^'>},
      {"count", CountText},
      {"endswith", Touches<true>},
      {"find", FindText<false, false>},
      {"format", FormatText},
      {"index", FindText<false, true>},
      {"isalnum", AllAre<IsLetterOrDigit>},
      {"isalpha", AllAre<IsLetter>},
      {"isdigit", AllAre<IsDigit>},
      {"islower", IsCase<Lower>},
      {"isspace", AllAre<IsSpace>},
      {"isupper", IsCase<Upper>},
      {"join", JoinText},
      {"ljust", Justify<'<'>},
      {"lower", Change<Lower>},
      {"lstrip", Strip<true, false>},
      {"partition", Partition<false>},
      {"removeprefix", Remove<false>},
      {"removesuffix", Remove<true>},
      {"replace", ReplaceText},
      {"rfind", FindText<true, false>},
      {"rjust", Justify<'>'>},
      {"rpartition", Partition<true>},
      {"rsplit", SplitText<true>},
      {"rstrip", Strip<false, true>},
      {"split", SplitText<false>},
      {"splitlines", SplitLines},
      {"startswith", Touches<false>},
      {"strip", Strip<true, true>},
      {"swapcase", Change<CaseSwapped>},
      {"title", Change<Titled>},
      {"upper", Change<Upper>},
      {"zfill", ZeroFill},
  };
  return kTable;
}

}  // namespace millrace::jinja
