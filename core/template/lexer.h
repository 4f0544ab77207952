// Splits a template's text into data and tokens, each with its offset. Whitespace control ({%- -%}), comments
// and raw blocks are settled here. Private to this room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/template/problem.h"

namespace millrace::jinja {

enum class TokenKind {
  kData,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kExpressionBegin,
  kExpressionEnd,
  kBlockBegin,
  kBlockEnd,
  kEnd
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::size_t offset = 0;
  std::string text;  // data and strings: as they count, escapes resolved; operators: as written
};

// False when the text is no template at all; `problem` says where and why. The last token is kEnd.
bool Tokenize(std::string_view text, std::vector<Token>& tokens, TemplateProblem& problem);

// For messages: "'}}'", "end of template".
std::string Describe(const Token& token);

}  // namespace millrace::jinja
