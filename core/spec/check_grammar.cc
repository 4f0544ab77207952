#include "core/spec/check_grammar.h"

#include <array>
#include <cmath>
#include <cstdlib>

namespace millrace {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// check    := word [ '(' argument { ',' argument } ')' ] [ comparison number ]
// argument := name [ '.' name ] | literal | '[' literal { ',' literal } ']'
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  StatusOr<CheckText> Read() {
    CheckText check;
    Skip();
    if (!IsLetter(Peek())) return Unexpected("the name of a check");
    check.function = Word();
    if (Take('(')) {
      do {
        ASSIGN_OR_RETURN(CheckArgument argument, Argument());
        check.arguments.push_back(std::move(argument));
      } while (Take(','));
      if (!Take(')')) return Unexpected("',' or ')'");
    }
    check.comparison = TakeComparison();
    if (check.comparison.has_value()) {
      Skip();
      check.number = Run(
          [](char c) { return IsDigit(c) || IsLetter(c) || c == '.' || c == '-' || c == '+' || c == '%'; });
      if (check.number.empty()) return Unexpected("a number");
    }
    Skip();
    if (at_ < text_.size()) return Unexpected(check.comparison ? "the end" : "a comparison or the end");
    return check;
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void Skip() {
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n') ++at_;
  }
  bool Take(char c) {
    Skip();
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  template <typename Accept>
  std::string Run(Accept accept) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && accept(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string Word() {
    return Run([](char c) { return IsLetter(c) || IsDigit(c); });
  }

  Status Unexpected(std::string_view wanted) const {
    const std::string found = at_ < text_.size() ? "'" + std::string(text_.substr(at_, 12)) + "'" : "the end";
    return InvalidArgument("expected " + std::string(wanted) + " but found " + found + " at character " +
                           std::to_string(at_ + 1));
  }

  std::optional<Comparison> TakeComparison() {
    static constexpr std::array<std::pair<std::string_view, Comparison>, 8> kSigns = {{
        {"<=", Comparison::kLessEqual},
        {">=", Comparison::kGreaterEqual},
        {"!=", Comparison::kNotEqual},
        {"<>", Comparison::kNotEqual},
        {"==", Comparison::kEqual},
        {"<", Comparison::kLess},
        {">", Comparison::kGreater},
        {"=", Comparison::kEqual},
    }};
    Skip();
    for (const auto& [sign, comparison] : kSigns) {
      if (text_.substr(at_).starts_with(sign)) {
        at_ += sign.size();
        return comparison;
      }
    }
    return std::nullopt;
  }

  StatusOr<CheckArgument> Argument() {
    Skip();
    CheckArgument argument;
    if (Take('[')) {
      Value::List list;
      do {
        ASSIGN_OR_RETURN(Value item, Literal());
        list.push_back(std::move(item));
      } while (Take(','));
      if (!Take(']')) return Unexpected("',' or ']'");
      argument.literal = Value(std::move(list));
      return argument;
    }
    if (!AtName()) {
      ASSIGN_OR_RETURN(argument.literal, Literal());
      return argument;
    }
    argument.column = true;
    ASSIGN_OR_RETURN(argument.name, Name());
    if (Peek() == '.') {
      ++at_;
      argument.qualifier = std::move(argument.name);
      ASSIGN_OR_RETURN(argument.name, Name());
    }
    return argument;
  }

  // A column, and not one of the words that are values.
  bool AtName() {
    if (Peek() == '"') return true;
    if (!IsLetter(Peek())) return false;
    const std::size_t begin = at_;
    const std::string word = Word();
    at_ = begin;
    return word != "null" && word != "true" && word != "false";
  }

  StatusOr<std::string> Name() {
    if (Peek() == '"') return Delimited('"');
    if (!IsLetter(Peek())) return Unexpected("the name of a column");
    return Word();
  }

  // The delimiter doubled stands for itself.
  StatusOr<std::string> Delimited(char delimiter) {
    std::string text;
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c != delimiter) {
        text += c;
      } else if (Peek() == delimiter) {
        text += delimiter;
        ++at_;
      } else {
        return text;
      }
    }
    return Unexpected(std::string("a closing ") + delimiter);
  }

  StatusOr<Value> Literal() {
    Skip();
    if (Peek() == '\'') {
      ASSIGN_OR_RETURN(std::string text, Delimited('\''));
      return Value(std::move(text));
    }
    if (IsLetter(Peek())) {
      const std::string word = Word();
      if (word == "true" || word == "false") return Value(word == "true");
      if (word == "null") return Value();
      at_ -= word.size();
      return Unexpected("a value ('text' needs quotes)");
    }
    const std::string number =
        Run([](char c) { return IsDigit(c) || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'; });
    const std::optional<double> value = ReadCheckNumber(number);
    if (!value.has_value()) {
      at_ -= number.size();
      return Unexpected("a column or a value");
    }
    if (number.find_first_of(".eE") == std::string::npos && std::abs(*value) < 9e15) {
      return Value(static_cast<std::int64_t>(*value));
    }
    return Value(*value);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

StatusOr<CheckText> ReadCheckText(std::string_view text) { return Reader(text).Read(); }

std::optional<double> ReadCheckNumber(std::string_view text) {
  const bool percent = text.ends_with('%');
  const std::string digits(percent ? text.substr(0, text.size() - 1) : text);
  if (digits.empty() || digits.find_first_not_of("0123456789.+-eE") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(digits.c_str(), &end);
  if (end != digits.c_str() + digits.size() || !std::isfinite(value)) return std::nullopt;
  return percent ? value / 100 : value;
}

}  // namespace millrace
