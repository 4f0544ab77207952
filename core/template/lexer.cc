#include "core/template/lexer.h"

#include <array>

#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

constexpr std::array<std::string_view, 25> kOperators = {"**", "//", "==", "!=", "<=", ">=", "+", "-", "*",
                                                         "/",  "%",  "~",  "<",  ">",  "=",  "(", ")", "[",
                                                         "]",  "{",  "}",  ",",  ".",  ":",  "|"};
constexpr std::size_t kLargestText = 1 << 20;

bool IsNameStart(char c) { return IsLetter(c) || c == '_'; }
bool IsName(char c) { return IsNameStart(c) || IsDigit(c); }

class Lexer {
 public:
  Lexer(std::string_view text, std::vector<Token>& tokens, TemplateProblem& problem)
      : whole_(text), text_(text), tokens_(tokens), problem_(problem) {
    // Jinja drops one newline at the end of a template.
    if (text_.ends_with('\n')) text_.remove_suffix(1);
    if (text_.ends_with('\r')) text_.remove_suffix(1);
  }

  bool Run() {
    if (whole_.size() > kLargestText) return Fail(0, "the template is larger than 1 MiB");
    while (at_ < text_.size()) {
      const std::size_t tag = FindTag(at_);
      const bool strip = tag < text_.size() && tag + 2 < text_.size() && text_[tag + 2] == '-';
      AddData(at_, tag, strip);
      if (tag == text_.size()) break;
      at_ = tag;
      const char kind = text_[tag + 1];
      if (kind == '#' ? !SkipComment() : kind == '%' && IsRaw() ? !ReadRaw() : !ReadTag(kind)) return false;
    }
    tokens_.push_back({TokenKind::kEnd, text_.size(), ""});
    return true;
  }

 private:
  bool Fail(std::size_t offset, std::string message) {
    problem_ = ProblemAt(whole_, offset, std::move(message));
    return false;
  }

  std::size_t FindTag(std::size_t from) const {
    for (std::size_t at = from; at + 1 < text_.size(); ++at) {
      if (text_[at] == '{' && (text_[at + 1] == '{' || text_[at + 1] == '%' || text_[at + 1] == '#'))
        return at;
    }
    return text_.size();
  }

  void AddData(std::size_t from, std::size_t to, bool strip_end) {
    if (strip_start_) {
      while (from < to && IsSpace(text_[from])) ++from;
    }
    strip_start_ = false;
    if (strip_end) {
      while (to > from && IsSpace(text_[to - 1])) --to;
    }
    if (from == to) return;
    std::string data;
    for (std::size_t i = from; i < to; ++i) {  // line ends count as \n, as in Jinja
      if (text_[i] == '\r') {
        data += '\n';
        if (i + 1 < to && text_[i + 1] == '\n') ++i;
      } else {
        data += text_[i];
      }
    }
    tokens_.push_back({TokenKind::kData, from, std::move(data)});
  }

  bool SkipComment() {
    const std::size_t end = text_.find("#}", at_ + 2);
    if (end == std::string_view::npos) return Fail(at_, "the comment is not closed; end it with #}");
    strip_start_ = text_[end - 1] == '-' && end > at_ + 2;
    at_ = end + 2;
    return true;
  }

  // After "{%", perhaps with - or +: the word alone?
  bool IsBlock(std::size_t at, std::string_view word, std::size_t& end, bool& strip) const {
    at += 2;
    if (at < text_.size() && (text_[at] == '-' || text_[at] == '+')) ++at;
    while (at < text_.size() && IsSpace(text_[at])) ++at;
    if (text_.substr(at, word.size()) != word) return false;
    at += word.size();
    while (at < text_.size() && IsSpace(text_[at])) ++at;
    strip = at < text_.size() && text_[at] == '-';
    if (at < text_.size() && (text_[at] == '-' || text_[at] == '+')) ++at;
    if (text_.substr(at, 2) != "%}") return false;
    end = at + 2;
    return true;
  }

  bool IsRaw() const {
    std::size_t end = 0;
    bool strip = false;
    return IsBlock(at_, "raw", end, strip);
  }

  bool ReadRaw() {
    const std::size_t start = at_;
    std::size_t body = 0;
    IsBlock(at_, "raw", body, strip_start_);
    for (std::size_t tag = body; (tag = text_.find("{%", tag)) != std::string_view::npos; tag += 2) {
      std::size_t end = 0;
      bool strip = false;
      if (!IsBlock(tag, "endraw", end, strip)) continue;
      AddData(body, tag, text_[tag + 2] == '-');
      strip_start_ = strip;
      at_ = end;
      return true;
    }
    return Fail(start, "the raw block is not closed; end it with {% endraw %}");
  }

  bool ReadTag(char kind) {
    const std::size_t start = at_;
    const bool block = kind == '%';
    const std::string_view close = block ? "%}" : "}}";
    tokens_.push_back({block ? TokenKind::kBlockBegin : TokenKind::kExpressionBegin, start,
                       std::string(text_.substr(start, 2))});
    at_ += 2;
    if (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '+')) ++at_;
    int depth = 0;
    while (true) {
      while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
      if (at_ >= text_.size()) {
        return Fail(start, std::string("the ") + (block ? "block" : "expression") +
                               " is not closed; end it with " + std::string(close));
      }
      const bool strip = text_[at_] == '-' && text_.substr(at_ + 1, 2) == close;
      const bool keep = block && text_[at_] == '+' && text_.substr(at_ + 1, 2) == close;
      if (depth == 0 && (strip || keep || text_.substr(at_, 2) == close)) {
        tokens_.push_back(
            {block ? TokenKind::kBlockEnd : TokenKind::kExpressionEnd, at_, std::string(close)});
        at_ += strip || keep ? 3 : 2;
        strip_start_ = strip;
        return true;
      }
      if (!ReadToken(depth)) return false;
    }
  }

  bool ReadToken(int& depth) {
    const char c = text_[at_];
    if (IsNameStart(c)) {
      const std::size_t start = at_;
      while (at_ < text_.size() && IsName(text_[at_])) ++at_;
      tokens_.push_back({TokenKind::kName, start, std::string(text_.substr(start, at_ - start))});
      return true;
    }
    if (IsDigit(c)) return ReadNumber();
    if (c == '\'' || c == '"') return ReadString();
    for (const std::string_view op : kOperators) {
      if (text_.substr(at_, op.size()) != op) continue;
      if (op == "(" || op == "[" || op == "{") ++depth;
      if (op == ")" || op == "]" || op == "}") --depth;
      if (depth < 0) return Fail(at_, "unexpected '" + std::string(op) + "'");
      tokens_.push_back({TokenKind::kOperator, at_, std::string(op)});
      at_ += op.size();
      return true;
    }
    return Fail(at_, "unexpected character '" + std::string(1, c) + "'");
  }

  bool ReadNumber() {
    const std::size_t start = at_;
    std::string digits;
    bool is_float = false;
    const auto take_digits = [this, &digits] {
      while (at_ < text_.size() && (IsDigit(text_[at_]) || (text_[at_] == '_' && at_ + 1 < text_.size() &&
                                                            IsDigit(text_[at_ + 1])))) {
        if (text_[at_] != '_') digits += text_[at_];
        ++at_;
      }
    };
    if (text_.substr(start, 1) == "0" && start + 2 < text_.size()) {
      const char letter = static_cast<char>(text_[start + 1] | 0x20);
      const auto is_digit = [letter](char c) {
        if (letter == 'x') return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
        return c >= '0' && c <= (letter == 'o' ? '7' : '1');
      };
      if ((letter == 'x' || letter == 'o' || letter == 'b') &&
          (is_digit(text_[start + 2]) || text_[start + 2] == '_')) {
        digits = {'0', letter};
        for (at_ += 2; at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '_'); ++at_) {
          if (text_[at_] != '_') digits += text_[at_];
        }
        tokens_.push_back({TokenKind::kInteger, start, std::move(digits)});
        return true;
      }
    }
    take_digits();
    // "items.0.name": the digits after a dot are an index, not a fraction.
    const bool after_dot =
        !tokens_.empty() && tokens_.back().kind == TokenKind::kOperator && tokens_.back().text == ".";
    if (!after_dot && at_ + 1 < text_.size() && text_[at_] == '.' && IsDigit(text_[at_ + 1])) {
      is_float = true;
      digits += '.';
      ++at_;
      take_digits();
    }
    if (!after_dot && at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      std::size_t exponent = at_ + 1;
      if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) ++exponent;
      if (exponent < text_.size() && IsDigit(text_[exponent])) {
        is_float = true;
        digits += text_.substr(at_, exponent - at_);
        at_ = exponent;
        take_digits();
      }
    }
    tokens_.push_back({is_float ? TokenKind::kFloat : TokenKind::kInteger, start, std::move(digits)});
    return true;
  }

  bool ReadString() {
    const std::size_t start = at_;
    const char quote = text_[at_++];
    std::string value;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        tokens_.push_back({TokenKind::kString, start, std::move(value)});
        return true;
      }
      if (c != '\\' || at_ + 1 >= text_.size()) {
        value += c;
        continue;
      }
      ++at_;
      if (!ReadEscape(value)) return false;
    }
    return Fail(start, "the string is not closed");
  }

  bool ReadEscape(std::string& value) {
    const char c = text_[at_];
    constexpr std::string_view kNames = "nrtbfav0\\'\"";
    constexpr std::string_view kMeanings("\n\r\t\b\f\a\v\0\\'\"", 11);
    if (const std::size_t known = kNames.find(c); known != std::string_view::npos) {
      value += kMeanings[known];
      return true;
    }
    if (c == '\n') return true;
    const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (length == 0) {
      value += '\\';
      value += c;
      return true;
    }
    std::uint32_t code = 0;
    for (std::size_t i = 1; i <= length; ++i) {
      const char digit = at_ + i < text_.size() ? text_[at_ + i] : '\0';
      const bool letter = (digit >= 'a' && digit <= 'f') || (digit >= 'A' && digit <= 'F');
      if (!IsDigit(digit) && !letter)
        return Fail(at_ - 1, "the escape needs " + std::to_string(length) + " hex digits");
      code = code * 16 + static_cast<std::uint32_t>(IsDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      return Fail(at_ - 1, "the escape is no character");
    AppendUtf8(code, value);
    at_ += length;
    return true;
  }

  std::string_view whole_;
  std::string_view text_;
  std::vector<Token>& tokens_;
  TemplateProblem& problem_;
  std::size_t at_ = 0;
  bool strip_start_ = false;
};

}  // namespace

bool Tokenize(std::string_view text, std::vector<Token>& tokens, TemplateProblem& problem) {
  return Lexer(text, tokens, problem).Run();
}

std::string Describe(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "end of template";
  if (token.kind == TokenKind::kData) return "text";
  return "'" + token.text + "'";
}

}  // namespace millrace::jinja
