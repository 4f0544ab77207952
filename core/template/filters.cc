// The filters that look at one value: text, numbers, dates. Those of sequences are in sequence_filters.cc.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/base/url_text.h"
#include "core/calendar/format.h"
#include "core/template/filter_table.h"
#include "core/template/text_format.h"
#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

using Args = const Arguments&;

Status Needs(std::string_view what, const Datum& value) {
  return InvalidArgument("needs " + std::string(what) + ", not a " + std::string(TypeName(value)));
}

// --- dates: Airflow's own filters; None stays None ---

template <std::string (*kFormat)(WallTime)>
StatusOr<Datum> Date(const Datum& value, Args, Budget&) {
  if (value.is_none()) return value;
  if (!value.is_time()) return Needs("a datetime such as data_interval_start or logical_date", value);
  return Datum(kFormat(value.time()));
}

// --- numbers ---

StatusOr<Datum> Abs(const Datum& value, Args, Budget&) {
  if (value.is_float()) return Datum(std::abs(value.number()));
  if (value.is_span()) return Datum(std::chrono::abs(value.span()));
  if (!value.is_integral()) return Needs("a number", value);
  return value.integer() < 0 ? Binary("-", Datum(std::int64_t{0}), value)
                             : StatusOr<Datum>(Datum(value.integer()));
}

// Text as Python's int() reads it: spaces around, a sign, underscores between digits, 0x for base 16.
std::optional<std::int64_t> ReadInteger(std::string_view text, std::int64_t base) {
  std::string clean = Stripped(text, "", true, true);
  bool negative = false;
  if (!clean.empty() && (clean[0] == '+' || clean[0] == '-')) {
    negative = clean[0] == '-';
    clean.erase(0, 1);
  }
  const std::string prefix = Lower(clean.substr(0, 2));
  if ((base == 16 && prefix == "0x") || (base == 8 && prefix == "0o") || (base == 2 && prefix == "0b"))
    clean.erase(0, 2);
  if (base < 2 || base > 36) return std::nullopt;
  if (clean.empty() || clean.front() == '_' || clean.back() == '_' || clean.find("__") != std::string::npos)
    return std::nullopt;
  std::erase(clean, '_');
  std::int64_t number = 0;
  const auto read =
      std::from_chars(clean.data(), clean.data() + clean.size(), number, static_cast<int>(base));
  if (read.ec != std::errc() || read.ptr != clean.data() + clean.size() || clean.front() == '-')
    return std::nullopt;
  return negative ? -number : number;
}

std::optional<double> ReadFloat(std::string_view text) {
  std::string clean = Lower(Stripped(text, "", true, true));
  std::erase(clean, '_');
  const bool sign = !clean.empty() && (clean[0] == '+' || clean[0] == '-');
  const std::string_view digits = std::string_view(clean).substr(sign ? 1 : 0);
  if (digits.empty() || digits.starts_with("0x") || digits.front() == '+' || digits.front() == '-')
    return std::nullopt;
  double number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ptr != digits.data() + digits.size() || read.ec == std::errc::invalid_argument)
    return std::nullopt;
  return clean[0] == '-' ? -number : number;
}

StatusOr<Datum> Int(const Datum& value, Args args, Budget&) {
  const Datum fallback(std::int64_t{0});
  ASSIGN_OR_RETURN(const std::int64_t base, args.Integer(1, "base", 10));
  std::optional<double> number;
  if (value.is_integral()) return Datum(value.integer());
  if (value.is_string()) {
    if (const auto integer = ReadInteger(value.string(), base)) return Datum(*integer);
    number = ReadFloat(value.string());
  } else if (value.is_float()) {
    number = value.number();
  }
  if (!number || !(std::abs(*number) < 9.2e18)) return args.Or(0, "default", fallback);
  return Datum(static_cast<std::int64_t>(*number));
}

StatusOr<Datum> Float(const Datum& value, Args args, Budget&) {
  const Datum fallback(0.0);
  if (value.is_number()) return Datum(value.number());
  const std::optional<double> number = value.is_string() ? ReadFloat(value.string()) : std::nullopt;
  return number ? Datum(*number) : args.Or(0, "default", fallback);
}

// Half to even on the exact binary value, as Python's round().
double RoundTo(double number, std::int64_t digits) {
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(number / scale) * scale;
  }
  std::array<char, 512> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", static_cast<int>(digits), number);
  return std::strtod(buffer.data(), nullptr);
}

StatusOr<Datum> Round(const Datum& value, Args args, Budget&) {
  if (!value.is_number()) return Needs("a number", value);
  ASSIGN_OR_RETURN(const std::int64_t digits, args.Integer(0, "precision", 0));
  ASSIGN_OR_RETURN(const std::string method, args.Text(1, "method", "common"));
  if (digits < -18 || digits > 18) return InvalidArgument("precision must lie between -18 and 18");
  if (method == "common") {
    if (value.is_integral() && digits >= 0) return Datum(value.integer());
    const double rounded = RoundTo(value.number(), digits);
    return value.is_integral() ? Datum(static_cast<std::int64_t>(rounded)) : Datum(rounded);
  }
  if (method != "ceil" && method != "floor") return InvalidArgument("method must be common, ceil or floor");
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double scaled = value.number() * scale;
  return Datum((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

// --- text ---

StatusOr<Datum> String(const Datum& value, Args, Budget&) {
  return value.is_string() ? value : Datum(ToText(value));
}

template <std::string (*kChange)(std::string_view)>
StatusOr<Datum> Change(const Datum& value, Args, Budget&) {
  return Datum(kChange(ToText(value)));
}

std::string WordsCapitalized(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    constexpr std::string_view kBetween = " \t\n\v\f\r-({[<";
    const std::size_t word = std::min(text.find_first_not_of(kBetween, at), text.size());
    const std::size_t end = std::min(text.find_first_of(kBetween, word), text.size());
    out += text.substr(at, word - at);
    out += Capitalized(text.substr(word, end - word));
    at = end;
  }
  return out;
}

StatusOr<Datum> Trim(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const std::string characters, args.Text(0, "chars", ""));
  return Datum(Stripped(ToText(value), characters, true, true));
}

StatusOr<Datum> Replace(const Datum& value, Args args, Budget&) {
  const Datum* from = args.Find(0, "old");
  const Datum* to = args.Find(1, "new");
  if (from == nullptr || to == nullptr) return InvalidArgument("needs the old and the new text");
  ASSIGN_OR_RETURN(const std::int64_t count, args.Integer(2, "count", -1));
  ASSIGN_OR_RETURN(std::string out, Replaced(ToText(value), ToText(*from), ToText(*to), count));
  return Datum(std::move(out));
}

StatusOr<Datum> Format(const Datum& value, Args args, Budget&) {
  if (!args.positional.empty() && !args.named.empty())
    return InvalidArgument("takes plain arguments or named ones, not both");
  if (args.named.empty()) return PercentFormat(ToText(value), Datum::OfTuple(args.positional));
  Pairs pairs;
  for (const auto& [name, argument] : args.named) pairs.emplace_back(Datum(name), argument);
  return PercentFormat(ToText(value), Datum::OfMap(std::move(pairs)));
}

StatusOr<Datum> Center(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const std::int64_t width, args.Integer(0, "width", 80));
  ASSIGN_OR_RETURN(std::string out, Justified(ToText(value), width, ' ', '^'));
  return Datum(std::move(out));
}

StatusOr<Datum> WordCount(const Datum& value, Args, Budget&) {
  std::int64_t words = 0;
  bool inside = false;
  const std::string text = ToText(value);
  for (const std::string_view character : Characters(text)) {
    const bool is_word = IsWordCode(CodeOf(character));
    if (is_word && !inside) ++words;
    inside = is_word;
  }
  return Datum(words);
}

// In a query a blank is a plus.
std::string Percent(std::string_view text, bool query) {
  std::string out = UrlEncoded(text, query ? "_.-~ " : "_.-~/");
  if (query) std::replace(out.begin(), out.end(), ' ', '+');
  return out;
}

StatusOr<Datum> UrlEncode(const Datum& value, Args, Budget&) {
  if (!value.is_map() && !value.is_list()) return Datum(Percent(ToText(value), false));
  std::string out;
  const auto add = [&out](const Datum& key, const Datum& member) {
    out += (out.empty() ? "" : "&") + Percent(ToText(key), true) + "=" + Percent(ToText(member), true);
  };
  if (value.is_map()) {
    for (const auto& [key, member] : value.map()) add(key, member);
  } else {
    for (const Datum& item : value.list()) {
      const StatusOr<List> pair = Items(item);
      if (!pair.ok() || pair->size() != 2) return Needs("pairs", item);
      add((*pair)[0], (*pair)[1]);
    }
  }
  return Datum(std::move(out));
}

StatusOr<Datum> ToJsonFilter(const Datum& value, Args args, Budget&) {
  ASSIGN_OR_RETURN(const std::int64_t indent, args.Integer(0, "indent", -1));
  ASSIGN_OR_RETURN(std::string out,
                   JsonText(value, {.indent = static_cast<int>(std::clamp<std::int64_t>(indent, -1, 100)),
                                    .for_html = true}));
  return Datum(std::move(out)).AsMarkup();
}

StatusOr<Datum> Default(const Datum& value, Args args, Budget&) {
  const Datum empty{std::string()};
  const bool also_false = args.Flag(1, "boolean", false);
  if (value.is_undefined() || (also_false && !IsTrue(value))) return args.Or(0, "default_value", empty);
  return value;
}

}  // namespace

const std::vector<FilterRow>& ValueFilters() {
  static const std::vector<FilterRow> kTable = {
      {"abs", Abs},
      {"capitalize", Change<Capitalized>},
      {"center", Center},
      {"d", Default},
      {"default", Default},
      {"ds", Date<FormatDs>},
      {"ds_nodash", Date<FormatDsNodash>},
      {"float", Float},
      {"format", Format},
      {"int", Int},
      {"lower", Change<Lower>},
      {"replace", Replace},
      {"round", Round},
      {"string", String},
      {"title", Change<WordsCapitalized>},
      {"tojson", ToJsonFilter},
      {"trim", Trim},
      {"ts", Date<FormatTs>},
      {"ts_nodash", Date<FormatTsNodash>},
      {"ts_nodash_with_tz", Date<FormatTsNodashWithTz>},
      {"upper", Change<Upper>},
      {"urlencode", UrlEncode},
      {"wordcount", WordCount},
  };
  return kTable;
}

}  // namespace millrace::jinja
