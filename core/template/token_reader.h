// A template's tokens, taken one after the other, with the first problem that its parsers meet. Private to
// this room.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/template/lexer.h"
#include "core/template/problem.h"

namespace millrace::jinja {

class TokenReader {
 public:
  TokenReader(std::string_view text, TemplateProblem& problem) : text_(text), problem_(problem) {
    failed_ = !Tokenize(text_, tokens_, problem_);
    if (failed_) tokens_.push_back({});
  }

  bool failed() const { return failed_; }
  // Only the first problem counts: what follows it is guesswork.
  void Fail(std::size_t offset, std::string message, std::string suggestion = "") {
    if (failed_) return;
    failed_ = true;
    problem_ = ProblemAt(text_, offset, std::move(message), std::move(suggestion));
  }

  std::size_t position() const { return at_; }
  // Whether a name was among the tokens taken since then.
  bool Mentions(std::string_view name, std::size_t since) const {
    return std::any_of(tokens_.begin() + static_cast<std::ptrdiff_t>(since),
                       tokens_.begin() + static_cast<std::ptrdiff_t>(at_), [name](const Token& token) {
                         return token.kind == TokenKind::kName && token.text == name;
                       });
  }
  const Token& Peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& Take() {
    const Token& token = Peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool IsOperator(std::string_view text, std::size_t ahead = 0) const {
    return Peek(ahead).kind == TokenKind::kOperator && Peek(ahead).text == text;
  }
  bool IsWord(std::string_view text, std::size_t ahead = 0) const {
    return Peek(ahead).kind == TokenKind::kName && Peek(ahead).text == text;
  }
  bool TakeOperator(std::string_view text) {
    if (!IsOperator(text)) return false;
    Take();
    return true;
  }
  bool TakeWord(std::string_view text) {
    if (!IsWord(text)) return false;
    Take();
    return true;
  }
  void Expect(TokenKind kind, std::string_view what) {
    if (Peek().kind == kind) {
      Take();
    } else {
      Fail(Peek().offset, "expected " + std::string(what) + ", found " + Describe(Peek()));
    }
  }
  void ExpectOperator(std::string_view text) {
    if (!TakeOperator(text))
      Fail(Peek().offset, "expected '" + std::string(text) + "', found " + Describe(Peek()));
  }
  std::string ExpectName() {
    if (Peek().kind == TokenKind::kName) return Take().text;
    Fail(Peek().offset, "expected a name, found " + Describe(Peek()));
    return "";
  }

  // Counts nesting while it lives.
  class Deeper {
   public:
    explicit Deeper(TokenReader& reader) : reader_(reader) {
      if (++reader_.depth_ > kDeepest) {
        reader_.Fail(reader_.Peek().offset, "nested deeper than " + std::to_string(kDeepest) + " levels");
      }
    }
    ~Deeper() { --reader_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    TokenReader& reader_;
  };

  // A tag begins: its links are counted anew.
  void StartTag() { links_ = 0; }
  // One more node on top of what has been read; with kDeepest this keeps every tree shallow enough to walk.
  void Link() {
    if (++links_ > kMostLinks) {
      Fail(Peek().offset, "more than " + std::to_string(kMostLinks) + " operators in one expression");
    }
  }

 private:
  static constexpr int kDeepest = 64;
  // Operators, members, calls and filters in one tag: they nest to the left, and so bound the tree's height.
  static constexpr int kMostLinks = 500;

  std::string_view text_;
  TemplateProblem& problem_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int links_ = 0;
  bool failed_ = false;
};

}  // namespace millrace::jinja
