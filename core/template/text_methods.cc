// Methods of str.
#include <algorithm>
#include <optional>

#include "core/template/filter_table.h"
#include "core/template/letters.h"
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
  std::string word;  // letters that have two cases
  for (const std::string_view character : Characters(text)) {
    if (IsCased(CodeOf(character))) {
      word += character;
      continue;
    }
    out += Capitalized(word);
    word.clear();
    out += character;
  }
  return out + Capitalized(word);
}

std::string CaseSwapped(std::string_view text) {
  std::string out;
  for (const std::string_view character : Characters(text))
    out += Lower(character) == character ? Upper(character) : Lower(character);
  return out;
}

// Python's slice of a text: from and to count characters, from the end when negative. How many characters lie
// before it.
struct Part {
  std::string_view text;
  std::int64_t before = 0;
  bool possible = true;  // false: it would begin behind the end
};

// `at`: where among the arguments the two ends stand.
StatusOr<Part> PartOf(std::string_view text, Args args, std::size_t at) {
  if (args.positional.size() <= at) return Part{text, 0, true};
  const std::vector<std::string_view> characters = Characters(text);
  const auto size = static_cast<std::int64_t>(characters.size());
  const auto end = [&](std::size_t position, std::int64_t fallback) -> StatusOr<std::int64_t> {
    if (args.positional.size() <= position || args.positional[position].is_none()) return fallback;
    if (!args.positional[position].is_integral()) return InvalidArgument("start and end must be ints");
    const std::int64_t given = args.positional[position].integer();
    return given < 0 ? std::max<std::int64_t>(0, given + size) : given;
  };
  ASSIGN_OR_RETURN(const std::int64_t from, end(at, 0));
  ASSIGN_OR_RETURN(const std::int64_t given_to, end(at + 1, size));
  const std::int64_t to = std::min(given_to, size);
  if (from > to) return Part{"", from, false};
  const auto offset = [&](std::int64_t index) {
    return index == size
               ? text.size()
               : static_cast<std::size_t>(characters[static_cast<std::size_t>(index)].data() - text.data());
  };
  return Part{text.substr(offset(from), offset(to) - offset(from)), from, true};
}

std::vector<std::string_view> Words(std::string_view text, std::int64_t most) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && IsSpace(text[at])) ++at;
    if (at == text.size()) return words;
    std::size_t end = at;
    if (most == 0) {
      end = text.size();
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
    if (!kFromRight || most < 0) return ListOf(Words(rest, most));
    // From the right: the words of the text turned around, turned back.
    std::vector<std::string_view> words = Words(rest, -1);
    const auto count = static_cast<std::int64_t>(words.size());
    if (count <= most) return ListOf(words);
    const std::string_view last = words[static_cast<std::size_t>(count - most - 1)];
    words.erase(words.begin(), words.end() - static_cast<std::ptrdiff_t>(most));
    words.insert(words.begin(),
                 rest.substr(0, static_cast<std::size_t>(last.data() - rest.data()) + last.size()));
    return ListOf(words);
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

StatusOr<Datum> SplitLines(const Datum& text, Args args) {
  return SplitIntoLines(text.string(), args.Flag(0, "keepends", false));
}

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
  if (args.positional.empty()) return InvalidArgument("needs a str or a tuple of strs");
  const Datum& wanted = args.positional[0];
  ASSIGN_OR_RETURN(const Part whole, PartOf(text.string(), args, 1));
  const List any = wanted.is_tuple() ? wanted.list() : List{wanted};
  for (const Datum& part : any) {
    if (!part.is_string()) return InvalidArgument("needs a str or a tuple of strs");
    if (whole.possible &&
        (kAtEnd ? whole.text.ends_with(part.string()) : whole.text.starts_with(part.string())))
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
  ASSIGN_OR_RETURN(const Part whole, PartOf(text.string(), args, 1));
  const std::size_t found = kFromRight ? whole.text.rfind(part) : whole.text.find(part);
  if (whole.possible && found != std::string::npos)
    return Datum(whole.before + CharactersBefore(whole.text, found));
  if (kMustBeThere) return InvalidArgument("'" + part + "' is not in the text");
  return Datum(std::int64_t{-1});
}

StatusOr<Datum> CountText(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::string part, args.Text(0, "sub", ""));
  ASSIGN_OR_RETURN(const Part whole, PartOf(text.string(), args, 1));
  if (!whole.possible) return Datum(std::int64_t{0});
  if (part.empty()) return Datum(static_cast<std::int64_t>(Characters(whole.text).size()) + 1);
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = whole.text.find(part, at)) != std::string_view::npos; at += part.size())
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

template <bool (*kIs)(char32_t), bool kOfNone>
StatusOr<Datum> AllAre(const Datum& text, Args) {
  if (text.string().empty()) return Datum(kOfNone);
  const std::vector<std::string_view> characters = Characters(text.string());
  return Datum(
      std::all_of(characters.begin(), characters.end(), [](std::string_view c) { return kIs(CodeOf(c)); }));
}

bool IsDigitCode(char32_t c) { return c >= '0' && c <= '9'; }
bool IsSpaceCode(char32_t c) { return c < 0x80 && IsSpace(static_cast<char>(c)); }
bool IsLetterOrDigit(char32_t c) { return IsAlphabetic(c) || IsDigitCode(c); }
bool IsAsciiCode(char32_t c) { return c < 0x80; }
bool IsPrintable(char32_t c) { return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c <= 0xa0) && c != 0xad; }

StatusOr<Datum> IsIdentifier(const Datum& text, Args) {
  const std::vector<std::string_view> characters = Characters(text.string());
  const bool words = std::all_of(characters.begin(), characters.end(),
                                 [](std::string_view c) { return IsWordCode(CodeOf(c)); });
  return Datum(words && !characters.empty() && !IsDigit(text.string()[0]));
}

template <std::string (*kChange)(std::string_view)>
StatusOr<Datum> IsCase(const Datum& text, Args) {
  return Datum(HasCase(text.string(), kChange));
}

StatusOr<Datum> CaseFolded(const Datum& text, Args) {
  std::string folded;
  for (const std::string_view character : Characters(text.string()))
    folded += CodeOf(character) == 0xdf ? "ss" : Lower(Upper(character));
  return Datum(std::move(folded));
}

StatusOr<Datum> ExpandTabs(const Datum& text, Args args) {
  ASSIGN_OR_RETURN(const std::int64_t size, args.Integer(0, "tabsize", 8));
  if (size > 1000) return InvalidArgument("tabsize must be at most 1000");
  std::string out;
  std::int64_t column = 0;
  for (const std::string_view character : Characters(text.string())) {
    if (character == "\t") {
      const std::int64_t spaces = size > 0 ? size - column % size : 0;
      out.append(static_cast<std::size_t>(spaces), ' ');
      column += spaces;
      RETURN_IF_ERROR(Budget::CheckSize(static_cast<std::int64_t>(out.size())));
      continue;
    }
    out += character;
    column = character == "\n" || character == "\r" ? 0 : column + 1;
  }
  return Datum(std::move(out));
}

}  // namespace

StatusOr<Datum> SplitIntoLines(std::string_view rest, bool keep_ends) {
  std::vector<std::string_view> lines;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    std::size_t next = std::min(end + 1, rest.size());
    if (rest.substr(end).starts_with("\r\n")) ++next;
    lines.push_back(rest.substr(0, keep_ends ? next : end));
    rest.remove_prefix(next);
  }
  return ListOf(lines);
}

const std::vector<MethodRow>& TextMethods() {
  static const std::vector<MethodRow> kTable = {
      {"capitalize", Change<Capitalized>},
      {"casefold", CaseFolded},
      {"center", Justify<'^'>},
      {"count", CountText},
      {"endswith", Touches<true>},
      {"expandtabs", ExpandTabs},
      {"find", FindText<false, false>},
      {"format", FormatText},
      {"index", FindText<false, true>},
      {"isalnum", AllAre<IsLetterOrDigit, false>},
      {"isalpha", AllAre<IsAlphabetic, false>},
      {"isascii", AllAre<IsAsciiCode, true>},
      {"isdecimal", AllAre<IsDigitCode, false>},
      {"isdigit", AllAre<IsDigitCode, false>},
      {"isidentifier", IsIdentifier},
      {"islower", IsCase<Lower>},
      {"isnumeric", AllAre<IsDigitCode, false>},
      {"isprintable", AllAre<IsPrintable, true>},
      {"isspace", AllAre<IsSpaceCode, false>},
      {"istitle", IsCase<Titled>},
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
      {"rindex", FindText<true, true>},
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
