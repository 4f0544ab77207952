#include "core/template/text_format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

constexpr int kWidest = 10'000;

// What stands between % and the type letter, or after the colon of {:...}.
struct Spec {
  char fill = ' ';
  char align = '\0';  // < > ^ =
  char sign = '-';    // - + space
  bool alternate = false;
  char group = '\0';  // , or _ between groups of digits
  int width = 0;
  int precision = -1;
  char type = '\0';
};

Status WrongSpec(std::string_view format) {
  return InvalidArgument("the format '" + std::string(format) + "' is not understood");
}

// Digits off the front; nothing when there are none; too wide is refused by the caller.
std::optional<int> TakeNumber(std::string_view& text) {
  std::size_t count = 0;
  int number = 0;
  while (count < text.size() && count < 6 && text[count] >= '0' && text[count] <= '9') {
    number = number * 10 + (text[count++] - '0');
  }
  if (count == 0) return std::nullopt;
  text.remove_prefix(count);
  return number;
}

std::string InBase(std::uint64_t number, unsigned base, bool upper) {
  const std::string_view alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), alphabet[number % base]);
    number /= base;
  } while (number != 0);
  return digits;
}

std::string PrintFloat(double number, char type, int precision, bool alternate) {
  std::array<char, 512> buffer{};
  const std::string format = std::string("%") + (alternate ? "#" : "") + ".*" + type;
  const int length =
      std::snprintf(buffer.data(), buffer.size(), format.c_str(), std::min(precision, 100), number);
  return std::string(buffer.data(), static_cast<std::size_t>(std::clamp(length, 0, 511)));
}

void AddGroups(std::string& digits, char separator, std::size_t size) {
  const std::size_t end = std::min(digits.find_first_of(".e%"), digits.size());
  for (std::size_t at = end; at > size; at -= size) digits.insert(at - size, 1, separator);
}

// As %g, but what has no exponent has a digit behind its point: {:.3} of 100.0 is 1e+02, of 10.0 it is 10.0.
std::string PrintShort(double number, int precision) {
  if (!std::isfinite(number)) return FloatText(number);
  const std::string scientific = PrintFloat(number, 'e', precision - 1, false);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent < -4 || exponent < precision - 1) {
    std::string digits = PrintFloat(number, 'g', precision, false);
    if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
    return digits;
  }
  std::string digits = scientific.substr(0, scientific.find('e'));
  if (digits.find('.') != std::string::npos) digits.resize(digits.find_last_not_of("0.") + 1);
  return digits + scientific.substr(scientific.find('e'));
}

// A number's digits by its type letter, without sign and padding.
StatusOr<std::string> Digits(const Spec& spec, const Datum& value) {
  const char type = spec.type;
  const bool wants_float =
      type == 'f' || type == 'F' || type == 'e' || type == 'E' || type == 'g' || type == 'G' || type == '%';
  if (value.is_integral() && !wants_float) {
    const std::int64_t number = value.integer();
    const std::uint64_t size =
        number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    const unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
    std::string digits = InBase(size, base, type == 'X');
    if (spec.group != '\0') AddGroups(digits, spec.group, base == 10 ? 3 : 4);
    return (spec.alternate && base != 10 ? std::string("0") + type : "") + digits;
  }
  const double number = std::abs(value.number());
  std::string digits;
  if (type == '%') {
    digits = PrintFloat(number * 100, 'f', spec.precision < 0 ? 6 : spec.precision, spec.alternate) + "%";
  } else if (wants_float) {
    digits = PrintFloat(number, type, spec.precision < 0 ? 6 : spec.precision, spec.alternate);
  } else if (spec.precision >= 0) {
    digits = PrintShort(number, std::max(spec.precision, 1));
  } else {
    digits = FloatText(number);
  }
  if (spec.group != '\0') AddGroups(digits, spec.group, 3);
  return digits;
}

std::string Padded(const Spec& spec, std::string_view sign, std::string_view text, char default_align) {
  const std::size_t length = sign.size() + Characters(text).size();
  const std::size_t width = static_cast<std::size_t>(spec.width);
  const std::size_t missing = width > length ? width - length : 0;
  const char align = spec.align == '\0' ? default_align : spec.align;
  std::string out;
  if (align == '=') return out.append(sign).append(missing, spec.fill).append(text);
  const std::size_t before = align == '>' ? missing : align == '^' ? missing / 2 : 0;
  return out.append(before, spec.fill).append(sign).append(text).append(missing - before, spec.fill);
}

StatusOr<std::string> FormatNumber(const Spec& spec, const Datum& value) {
  ASSIGN_OR_RETURN(const std::string digits, Digits(spec, value));
  const bool negative = value.is_float() ? std::signbit(value.number()) : value.integer() < 0;
  const std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  return Padded(spec, sign, digits, '>');
}

std::string FormatString(const Spec& spec, std::string text) {
  if (spec.precision >= 0) {
    const std::vector<std::string_view> characters = Characters(text);
    if (characters.size() > static_cast<std::size_t>(spec.precision)) {
      text.resize(static_cast<std::size_t>(characters[static_cast<std::size_t>(spec.precision)].data() -
                                           text.data()));
    }
  }
  return Padded(spec, "", text, '<');
}

// What %c and {:c} show: a number's code point, or a text of one character.
StatusOr<std::string> OneCharacter(const Datum& value) {
  if (value.is_string() && Characters(value.string()).size() == 1) return value.string();
  if (!value.is_integral() || value.integer() < 0 || value.integer() > 0x10ffff)
    return InvalidArgument("c needs a code point or a text of one character");
  std::string character;
  AppendUtf8(static_cast<std::uint32_t>(value.integer()), character);
  return character;
}

// --- % ---

class PercentFormatter {
 public:
  PercentFormatter(std::string_view format, const Datum& value)
      : format_(format), rest_(format), value_(value) {}

  StatusOr<Datum> Run() {
    while (!rest_.empty()) {
      const std::size_t percent = std::min(rest_.find('%'), rest_.size());
      out_ += rest_.substr(0, percent);
      rest_.remove_prefix(percent);
      if (rest_.empty()) break;
      rest_.remove_prefix(1);
      RETURN_IF_ERROR(Conversion());
      RETURN_IF_ERROR(Budget::CheckSize(static_cast<std::int64_t>(out_.size())));
    }
    // As in Python, what has members need not be used.
    const bool left_over = value_.is_tuple() ? used_ < value_.list().size()
                                             : !value_.is_map() && !value_.is_list() && used_ == 0;
    if (left_over)
      return InvalidArgument("not all arguments are used by the format '" + std::string(format_) + "'");
    return Datum(std::move(out_));
  }

 private:
  StatusOr<Datum> NextArgument() {
    if (value_.is_tuple()) {
      if (used_ < value_.list().size()) return value_.list()[used_++];
    } else if (used_++ == 0) {
      return value_;
    }
    return InvalidArgument("not enough arguments for the format '" + std::string(format_) + "'");
  }

  StatusOr<int> WidthOrStar() {
    if (!rest_.starts_with('*')) return TakeNumber(rest_).value_or(0);
    rest_.remove_prefix(1);
    ASSIGN_OR_RETURN(const Datum width, NextArgument());
    if (!width.is_integral() || width.integer() < 0 || width.integer() > kWidest) return WrongSpec(format_);
    return static_cast<int>(width.integer());
  }

  Status Conversion() {
    std::optional<Datum> argument;
    if (rest_.starts_with('(')) {
      const std::size_t close = rest_.find(')');
      if (close == std::string_view::npos) return WrongSpec(format_);
      const std::string key(rest_.substr(1, close - 1));
      const Datum* found = value_.Find(Datum(key));
      if (found == nullptr) return InvalidArgument("the format needs a value named '" + key + "'");
      argument = *found;
      rest_.remove_prefix(close + 1);
    }
    Spec spec;
    bool zero = false;
    for (; !rest_.empty() && std::string_view("-+ #0").find(rest_[0]) != std::string_view::npos;
         rest_.remove_prefix(1)) {
      if (rest_[0] == '-') spec.align = '<';
      if (rest_[0] == '+') spec.sign = '+';
      if (rest_[0] == ' ' && spec.sign != '+') spec.sign = ' ';
      if (rest_[0] == '#') spec.alternate = true;
      if (rest_[0] == '0') zero = true;
    }
    ASSIGN_OR_RETURN(spec.width, WidthOrStar());
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      ASSIGN_OR_RETURN(spec.precision, WidthOrStar());
    }
    if (rest_.empty() || spec.width > kWidest || spec.precision > kWidest) return WrongSpec(format_);
    spec.type = rest_[0];
    rest_.remove_prefix(1);
    if (spec.type == '%') {
      out_ += '%';
      return OkStatus();
    }
    if (!argument) {
      ASSIGN_OR_RETURN(argument, NextArgument());
    }
    return Append(spec, zero, *argument);
  }

  Status Append(Spec spec, bool zero, const Datum& argument) {
    if (spec.align == '\0') spec.align = '>';
    if (spec.type == 's' || spec.type == 'r') {
      out_ += FormatString(spec, spec.type == 's' ? ToText(argument) : ToRepr(argument));
      return OkStatus();
    }
    if (spec.type == 'c') {
      ASSIGN_OR_RETURN(std::string character, OneCharacter(argument));
      out_ += FormatString(spec, std::move(character));
      return OkStatus();
    }
    if (std::string_view("dixXofFeEgGu").find(spec.type) == std::string_view::npos) return WrongSpec(format_);
    if (!argument.is_number()) {
      return InvalidArgument("%" + std::string(1, spec.type) + " needs a number, not a " +
                             std::string(TypeName(argument)));
    }
    if (zero && spec.align != '<') {
      spec.fill = '0';
      spec.align = '=';
    }
    Datum number = argument;
    if (std::string_view("diuxXo").find(spec.type) != std::string_view::npos) {
      if (argument.is_float()) {
        if (std::string_view("xXo").find(spec.type) != std::string_view::npos)
          return InvalidArgument("%" + std::string(1, spec.type) + " needs an int, not a float");
        if (!(std::abs(argument.number()) < 9e18)) return InvalidArgument("the number does not fit 64 bits");
        number = Datum(static_cast<std::int64_t>(argument.number()));
      }
      if (spec.type == 'd' || spec.type == 'i' || spec.type == 'u') spec.type = 'd';
    }
    ASSIGN_OR_RETURN(const std::string text, FormatNumber(spec, number));
    out_ += text;
    return OkStatus();
  }

  std::string_view format_;
  std::string_view rest_;
  const Datum& value_;
  std::size_t used_ = 0;
  std::string out_;
};

// --- {} ---

StatusOr<std::string> FormatBySpec(const Datum& value, std::string_view text) {
  if (value.is_time() && !text.empty()) return FormatTimeBy(value.time(), text, value.form());
  const std::string_view whole = text;
  Spec spec;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  if (text.size() >= 2 && is_align(text[1])) {
    spec.fill = text[0];
    spec.align = text[1];
    text.remove_prefix(2);
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    text.remove_prefix(1);
  }
  const auto take = [&text](char c) {
    const bool is_next = text.starts_with(c);
    if (is_next) text.remove_prefix(1);
    return is_next;
  };
  if (take('+')) spec.sign = '+';
  if (take(' ')) spec.sign = ' ';
  take('-');
  spec.alternate = take('#');
  if (take('0') && spec.align == '\0') {
    spec.fill = '0';
    spec.align = '=';
  }
  spec.width = TakeNumber(text).value_or(0);
  if (take(',')) spec.group = ',';
  if (take('_')) spec.group = spec.group == '\0' ? '_' : '?';
  if (take('.')) {
    const std::optional<int> precision = TakeNumber(text);
    if (!precision) return WrongSpec(whole);
    spec.precision = *precision;
  }
  if (!text.empty()) {
    spec.type = text[0];
    text.remove_prefix(1);
  }
  if (!text.empty() || spec.width > kWidest || spec.precision > kWidest) return WrongSpec(whole);
  const bool as_number = value.is_int() || value.is_float() || (value.is_bool() && !whole.empty());
  if (!as_number) {
    if (!value.is_string() && !whole.empty())
      return InvalidArgument("a " + std::string(TypeName(value)) + " takes no format; use !s: {!s:>5}");
    const bool of_numbers = spec.sign != '-' || spec.align == '=' || spec.alternate || spec.group != '\0';
    if ((spec.type != '\0' && spec.type != 's') || of_numbers) return WrongSpec(whole);
    return FormatString(spec, ToText(value));
  }
  const std::string_view allowed =
      value.is_float() ? std::string_view("fFeEgGn%") : std::string_view("dxXobcnfFeEgG%");
  if (spec.type != '\0' && allowed.find(spec.type) == std::string_view::npos) return WrongSpec(whole);
  if (spec.type == 'n') spec.type = value.is_float() ? 'g' : 'd';
  const bool as_int =
      value.is_integral() &&
      (spec.type == '\0' || std::string_view("dxXobc").find(spec.type) != std::string_view::npos);
  if (as_int && spec.precision >= 0) return WrongSpec(whole);
  const bool commas_fit =
      spec.type == '\0' || std::string_view("dfFeEgG%").find(spec.type) != std::string_view::npos;
  if (spec.group == '?' || (spec.group == ',' && !commas_fit) || (spec.group != '\0' && spec.type == 'c'))
    return WrongSpec(whole);
  if (spec.type == 'c') {
    ASSIGN_OR_RETURN(std::string character, OneCharacter(value));
    return FormatString(spec, std::move(character));
  }
  return FormatNumber(spec, value);
}

// Whether fields count themselves, {}, or say their numbers, {0}.
struct Numbering {
  std::optional<bool> automatic;
  std::size_t next = 0;
};

// "0.name[key]": what a field names.
StatusOr<Datum> FieldValue(std::string_view field, const Arguments& arguments, Numbering& numbering) {
  const std::size_t end = std::min(field.find_first_of(".["), field.size());
  std::string_view name = field.substr(0, end);
  std::string_view rest = field.substr(end);
  const Datum* found = nullptr;
  const std::string shown(name);
  std::string_view digits = name;
  const std::optional<int> position = TakeNumber(digits);
  const bool numbered = position && digits.empty();
  if (name.empty() || numbered) {
    if (numbering.automatic.value_or(name.empty()) != name.empty())
      return InvalidArgument("the format has both '{}' and '{0}'");
    numbering.automatic = name.empty();
  }
  if (name.empty()) {
    if (numbering.next < arguments.positional.size()) found = &arguments.positional[numbering.next++];
  } else if (numbered) {
    if (static_cast<std::size_t>(*position) < arguments.positional.size())
      found = &arguments.positional[static_cast<std::size_t>(*position)];
  } else {
    found = arguments.Find(arguments.positional.size(), name);
  }
  if (found == nullptr) return InvalidArgument("the format has no argument for '{" + shown + "}'");
  Datum value = *found;
  while (!rest.empty()) {
    const bool bracket = rest[0] == '[';
    const std::size_t stop = bracket ? rest.find(']') : std::min(rest.find_first_of(".[", 1), rest.size());
    if (stop == std::string_view::npos) return WrongSpec(field);
    const std::string key(rest.substr(1, stop - 1));
    std::string_view key_digits = key;
    const std::optional<int> index = TakeNumber(key_digits);
    value = !bracket                      ? Attribute(value, key)
            : index && key_digits.empty() ? Item(value, Datum(std::int64_t{*index}))
                                          : Item(value, Datum(key));
    if (value.is_undefined()) return InvalidArgument(value.undefined().message);
    rest.remove_prefix(std::min(stop + (bracket ? 1 : 0), rest.size()));
  }
  return value;
}

}  // namespace

StatusOr<Datum> PercentFormat(std::string_view format, const Datum& value) {
  return PercentFormatter(format, value).Run();
}

StatusOr<Datum> BraceFormat(std::string_view format, const Arguments& arguments) {
  std::string out;
  Numbering numbering;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if ((c == '{' || c == '}') && i + 1 < format.size() && format[i + 1] == c) {
      out += c;
      ++i;
      continue;
    }
    if (c == '}') return WrongSpec(format);
    if (c != '{') {
      out += c;
      continue;
    }
    const std::size_t close = format.find('}', i);
    if (close == std::string_view::npos) return WrongSpec(format);
    const std::string_view inside = format.substr(i + 1, close - i - 1);
    const std::size_t colon = std::min(inside.find(':'), inside.size());
    std::string_view field = inside.substr(0, colon);
    const bool repr = field.ends_with("!r");
    const bool str = field.ends_with("!s");
    if (repr || str) field.remove_suffix(2);
    ASSIGN_OR_RETURN(Datum value, FieldValue(field, arguments, numbering));
    if (repr || str) value = Datum(repr ? ToRepr(value) : ToText(value));
    ASSIGN_OR_RETURN(const std::string text,
                     FormatBySpec(value, colon < inside.size() ? inside.substr(colon + 1) : ""));
    out += text;
    RETURN_IF_ERROR(Budget::CheckSize(static_cast<std::int64_t>(out.size())));
    i = close;
  }
  return Datum(std::move(out));
}

}  // namespace millrace::jinja
