// The filters that lay text out: indent, wordwrap, truncate, pprint, filesizeformat.
#include <algorithm>
#include <array>
#include <cstdio>

#include "core/template/filter_table.h"
#include "core/template/text_format.h"
#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;

Status NeedsText(const Datum& value) {
  return InvalidArgument("needs a str, not a " + std::string(TypeName(value)) + "; put `| string` before it");
}

StatusOr<Datum> Indent(const Datum& value, Args args, Budget&) {
  if (!value.is_string()) return NeedsText(value);
  const Datum four(std::int64_t{4});
  const Datum& width = args.Or(0, "width", four);
  std::string indent = width.is_string() ? width.string() : "";
  if (!width.is_string()) {
    ASSIGN_OR_RETURN(const std::int64_t spaces, args.Integer(0, "width", 4));
    if (spaces < 0 || spaces > 1000) return InvalidArgument("width must lie between 0 and 1000");
    indent.assign(static_cast<std::size_t>(spaces), ' ');
  }
  const bool first = args.Flag(1, "first", false);
  const bool blank = args.Flag(2, "blank", false);
  std::string out;
  bool start = true;
  const std::string& text = value.string();
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    if (start ? first : blank || to > from) out += indent;
    out += text.substr(from, to - from);
    if (to < text.size()) out += '\n';
    RETURN_IF_ERROR(Budget::CheckSize(static_cast<std::int64_t>(out.size())));
    start = false;
    from = to + 1;
  }
  return Datum(std::move(out));
}

StatusOr<Datum> Truncate(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const std::int64_t length, args.Integer(0, "length", 255));
  const bool kill_words = args.Flag(1, "killwords", false);
  ASSIGN_OR_RETURN(const std::string end, args.Text(2, "end", "..."));
  ASSIGN_OR_RETURN(const std::int64_t leeway, args.Integer(3, "leeway", 5));
  if (!value.is_string()) {
    const StatusOr<std::int64_t> size = Length(value);
    return size.ok() && leeway >= 0 && *size <= length + leeway ? value : StatusOr<Datum>(NeedsText(value));
  }
  const std::string& text = value.string();
  const std::vector<std::string_view> characters = Characters(text);
  const auto end_length = static_cast<std::int64_t>(Characters(end).size());
  if (length < end_length) return InvalidArgument("length must be at least that of the end text");
  if (leeway < 0) return InvalidArgument("leeway must not be negative");
  if (static_cast<std::int64_t>(characters.size()) <= length + leeway) return Datum(text);
  std::string kept =
      text.substr(0, static_cast<std::size_t>(
                         characters[static_cast<std::size_t>(length - end_length)].data() - text.data()));
  if (!kill_words) kept.resize(std::min(kept.rfind(' '), kept.size()));
  return Datum(kept + end);
}

StatusOr<Datum> FileSize(const Datum& value, Args args, Budget& budget) {
  const bool binary = args.Flag(0, "binary", false);
  Arguments no_number;
  no_number.positional.emplace_back(Datum());
  ASSIGN_OR_RETURN(const Datum number, ApplyFilter("float", value, no_number, budget));
  if (!number.is_number()) return InvalidArgument("needs a number of bytes, not " + ToRepr(value));
  const double bytes = number.number();
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return Datum(std::string("1 Byte"));
  if (bytes < base)
    return Datum(std::to_string(static_cast<std::int64_t>(std::max(bytes, -9e18))) + " Bytes");
  constexpr std::string_view kLetters = "kMGTPEZY";
  double unit = base;
  std::size_t i = 0;
  for (; i + 1 < kLetters.size() && bytes >= unit * base; ++i) unit *= base;
  std::array<char, 400> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.1f", bytes / unit);
  const char letter = binary && i == 0 ? 'K' : kLetters[i];
  return Datum(std::string(buffer.data()) + " " + letter + (binary ? "iB" : "B"));
}

// --- wordwrap: as Python's textwrap breaks a line ---

bool IsWordCharacter(char c) {
  return IsLetter(c) || IsDigit(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool IsWordLetter(char c) { return IsWordCharacter(c) && !IsDigit(c); }

// Whether a line may end before `at`, inside a run without spaces: after a hyphen between letters, around a
// dash of several.
bool BreaksBefore(std::string_view run, std::size_t at) {
  const auto letter = [run](std::size_t i) { return i < run.size() && IsWordLetter(run[i]); };
  constexpr std::string_view kBeforeDash = "!\"'&.,?";
  if (run[at - 1] == '-') {
    const bool before =
        at >= 3 && letter(at - 2) && (letter(at - 3) || (at >= 4 && run[at - 3] == '-' && letter(at - 4)));
    if (before && letter(at) &&
        (letter(at + 1) || (at + 2 < run.size() && run[at + 1] == '-' && letter(at + 2))))
      return true;
    // The end of a dash.
    std::size_t start = at;
    while (start > 0 && run[start - 1] == '-') --start;
    return at - start >= 2 && at < run.size() && IsWordCharacter(run[at]) && start > 0 &&
           (IsWordCharacter(run[start - 1]) || kBeforeDash.find(run[start - 1]) != kBeforeDash.npos);
  }
  if (run[at] != '-' || !(IsWordCharacter(run[at - 1]) || kBeforeDash.find(run[at - 1]) != kBeforeDash.npos))
    return false;
  std::size_t end = at;
  while (end < run.size() && run[end] == '-') ++end;
  return end - at >= 2 && end < run.size() && IsWordCharacter(run[end]);
}

// Spaces, words and parts of words.
std::vector<std::string_view> Chunks(std::string_view line, bool break_on_hyphens) {
  std::vector<std::string_view> chunks;
  for (std::size_t from = 0; from < line.size();) {
    const bool space = IsSpace(line[from]);
    std::size_t end = from;
    while (end < line.size() && IsSpace(line[end]) == space) ++end;
    const std::string_view run = line.substr(from, end - from);
    std::size_t start = 0;
    for (std::size_t at = 1; !space && break_on_hyphens && at < run.size(); ++at) {
      if (!BreaksBefore(run, at)) continue;
      chunks.push_back(run.substr(start, at - start));
      start = at;
    }
    chunks.push_back(run.substr(start));
    from = end;
  }
  std::reverse(chunks.begin(), chunks.end());
  return chunks;
}

std::size_t Width(std::string_view text) { return Characters(text).size(); }

std::size_t BytesOf(std::string_view text, std::size_t characters) {
  const auto parts = Characters(text);
  return characters >= parts.size() ? text.size()
                                    : static_cast<std::size_t>(parts[characters].data() - text.data());
}

void WrapLine(std::string_view text, std::size_t width, bool break_long_words, bool break_on_hyphens,
              std::vector<std::string>& lines) {
  std::vector<std::string_view> chunks = Chunks(text, break_on_hyphens);  // the next one is the last
  bool first = true;
  while (!chunks.empty()) {
    if (!first && IsSpace(chunks.back()[0])) chunks.pop_back();
    std::vector<std::string_view> line;
    std::size_t used = 0;
    while (!chunks.empty() && used + Width(chunks.back()) <= width) {
      used += Width(chunks.back());
      line.push_back(chunks.back());
      chunks.pop_back();
    }
    if (!chunks.empty() && Width(chunks.back()) > width) {
      if (break_long_words) {
        std::string_view& chunk = chunks.back();
        const std::size_t room = width - used;
        std::size_t cut = BytesOf(chunk, room);
        if (break_on_hyphens && Width(chunk) > room) {
          const std::size_t hyphen = chunk.substr(0, cut).rfind('-');
          if (hyphen != chunk.npos && hyphen > 0 &&
              chunk.substr(0, hyphen).find_first_not_of('-') != chunk.npos)
            cut = hyphen + 1;
        }
        line.push_back(chunk.substr(0, cut));
        chunk.remove_prefix(cut);
      } else if (line.empty()) {
        line.push_back(chunks.back());
        chunks.pop_back();
      }
    }
    if (!line.empty() && std::all_of(line.back().begin(), line.back().end(), IsSpace)) line.pop_back();
    if (line.empty()) continue;
    std::string out;
    for (const std::string_view chunk : line) out += chunk;
    lines.push_back(std::move(out));
    first = false;
  }
}

StatusOr<Datum> WordWrap(const Datum& value, Args args, Budget& budget) {
  ASSIGN_OR_RETURN(const std::int64_t width, args.Integer(0, "width", 79));
  const bool break_long_words = args.Flag(1, "break_long_words", true);
  ASSIGN_OR_RETURN(const std::string between, args.Text(2, "wrapstring", "\n"));
  const bool break_on_hyphens = args.Flag(3, "break_on_hyphens", true);
  if (width < 1 || width > 100'000) return InvalidArgument("width must lie between 1 and 100000");
  if (!value.is_string()) return NeedsText(value);
  const std::string& text = value.string();
  RETURN_IF_ERROR(budget.Spend(static_cast<std::int64_t>(text.size())));
  ASSIGN_OR_RETURN(const Datum lines, SplitIntoLines(text, false));
  List wrapped;
  for (const Datum& line : lines.list()) {
    std::vector<std::string> parts;
    WrapLine(line.string(), static_cast<std::size_t>(width), break_long_words, break_on_hyphens, parts);
    List pieces;
    for (std::string& part : parts) pieces.emplace_back(std::move(part));
    ASSIGN_OR_RETURN(std::string joined, Joined(pieces, between));
    wrapped.emplace_back(std::move(joined));
  }
  ASSIGN_OR_RETURN(std::string out, Joined(wrapped, between));
  return Datum(std::move(out));
}

// --- pprint: as Python's pprint lays a value out in 80 columns ---

class Printer {
 public:
  Status Print(const Datum& value, std::size_t indent, std::size_t allowance, int level) {
    RETURN_IF_ERROR(Budget::CheckSize(static_cast<std::int64_t>(out_.size())));
    const std::string whole = ToRepr(Sorted(value));
    if (Width(whole) + indent + allowance <= 80) {
      out_ += whole;
      return OkStatus();
    }
    if (value.is_map() && !value.map().empty()) return PrintMap(value, indent, allowance, level);
    if (value.is_list() && !value.list().empty()) return PrintList(value, indent, allowance, level);
    if (value.is_string()) {
      PrintText(value.string(), indent, allowance, level);
      return OkStatus();
    }
    out_ += whole;
    return OkStatus();
  }

  std::string TakeText() { return std::move(out_); }

 private:
  // Dicts by their keys, all the way down.
  static Datum Sorted(const Datum& value) {
    if (value.is_list()) {
      List items;
      for (const Datum& item : value.list()) items.push_back(Sorted(item));
      return value.is_tuple() ? Datum::OfTuple(std::move(items)) : Datum::OfList(std::move(items));
    }
    if (!value.is_map()) return value;
    Pairs pairs;
    for (const auto& [key, member] : value.map()) pairs.emplace_back(key, Sorted(member));
    std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
      const auto order = Compare(a.first, b.first);
      return order.ok() ? *order < 0 : TypeName(a.first) < TypeName(b.first);
    });
    return Datum::OfMap(std::move(pairs));
  }

  void NewLine(std::size_t indent) { out_ += ",\n" + std::string(indent, ' '); }

  Status PrintMap(const Datum& value, std::size_t indent, std::size_t allowance, int level) {
    const Datum sorted = Sorted(value);
    const Pairs& pairs = sorted.map();
    out_ += '{';
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (i != 0) NewLine(indent + 1);
      const std::string key = ToRepr(pairs[i].first);
      out_ += key + ": ";
      const bool last = i + 1 == pairs.size();
      RETURN_IF_ERROR(
          Print(pairs[i].second, indent + 1 + Width(key) + 2, last ? allowance + 1 : 1, level + 1));
    }
    out_ += '}';
    return OkStatus();
  }

  Status PrintList(const Datum& value, std::size_t indent, std::size_t allowance, int level) {
    const List& items = value.list();
    const std::string close = !value.is_tuple() ? "]" : items.size() == 1 ? ",)" : ")";
    out_ += value.is_tuple() ? '(' : '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i != 0) NewLine(indent + 1);
      const bool last = i + 1 == items.size();
      RETURN_IF_ERROR(Print(items[i], indent + 1, last ? allowance + close.size() : 1, level + 1));
    }
    out_ += close;
    return OkStatus();
  }

  // Lines with their ends; and words with the spaces after them.
  static std::vector<std::string> Pieces(std::string_view text, bool lines) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at;
      if (lines) {
        end = std::min(text.find('\n', at), text.size() - 1) + 1;
      } else {
        while (end < text.size() && !IsSpace(text[end])) ++end;
        while (end < text.size() && IsSpace(text[end])) ++end;
      }
      pieces.emplace_back(text.substr(at, end - at));
      at = end;
    }
    return pieces;
  }

  void PrintText(std::string_view text, std::size_t indent, std::size_t allowance, int level) {
    if (level == 1) {
      ++indent;
      ++allowance;
    }
    const auto fits = [](const std::string& piece, std::size_t taken) {
      return Width(ToRepr(Datum(piece))) + taken <= 80;
    };
    std::vector<std::string> chunks;
    const std::vector<std::string> lines = Pieces(text, true);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool last_line = i + 1 == lines.size();
      if (fits(lines[i], indent + (last_line ? allowance : 0))) {
        chunks.push_back(lines[i]);
        continue;
      }
      std::string current;
      const std::vector<std::string> words = Pieces(lines[i], false);
      for (std::size_t j = 0; j < words.size(); ++j) {
        const bool last = last_line && j + 1 == words.size();
        if (fits(current + words[j], indent + (last ? allowance : 0))) {
          current += words[j];
          continue;
        }
        if (!current.empty()) chunks.push_back(current);
        current = words[j];
      }
      if (!current.empty()) chunks.push_back(current);
    }
    const bool several = chunks.size() > 1;
    if (several && level == 1) out_ += '(';
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (i != 0) out_ += "\n" + std::string(indent, ' ');
      out_ += ToRepr(Datum(chunks[i]));
    }
    if (several && level == 1) out_ += ')';
  }

  std::string out_;
};

StatusOr<Datum> PrettyPrint(const Datum& value, Args, Budget& budget) {
  // Each level looks at all below it.
  RETURN_IF_ERROR(budget.Spend(value.weight() * (value.depth() + 1)));
  Printer printer;
  RETURN_IF_ERROR(printer.Print(value, 0, 0, 1));
  return Datum(printer.TakeText());
}

}  // namespace

const std::vector<FilterRow>& LayoutFilters() {
  static const std::vector<FilterRow> kTable = {
      {"filesizeformat", FileSize}, {"indent", Indent},     {"pprint", PrettyPrint},
      {"truncate", Truncate},       {"wordwrap", WordWrap},
  };
  return kTable;
}

}  // namespace millrace::jinja
