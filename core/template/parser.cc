#include "core/template/parser.h"

#include <algorithm>
#include <array>

#include "core/template/expression_parser.h"

namespace millrace::jinja {
namespace {

constexpr std::array<std::string_view, 10> kUnsupported = {
    "macro", "call", "filter", "block", "extends", "include", "import", "from", "autoescape", "with"};

// Text, tags and blocks.
class Parser {
 public:
  explicit Parser(TokenReader& reader) : in_(reader) {}

  // Up to a block that opens with one of `ends` (its word is left to be taken), or to the end of the text.
  Nodes Body(const std::vector<std::string_view>& ends) {
    Nodes nodes;
    const TokenReader::Deeper deeper(in_);
    while (!in_.failed()) {
      in_.StartTag();
      const Token& token = in_.Take();
      if (token.kind == TokenKind::kEnd) {
        if (!ends.empty()) {
          in_.Fail(open_.empty() ? token.offset : open_.back().second,
                   "the block is not closed; end it with {% " + std::string(ends.back()) + " %}");
        }
        return nodes;
      }
      auto node = std::make_unique<Node>();
      node->offset = token.offset;
      if (token.kind == TokenKind::kData) {
        node->kind = NodeKind::kData;
        node->text = token.text;
      } else if (token.kind == TokenKind::kExpressionBegin) {
        node->kind = NodeKind::kOutput;
        node->expr = ReadTuple(in_);
        in_.Expect(TokenKind::kExpressionEnd, "'}}'");
      } else {
        const auto ends_here = [this](std::string_view word) { return in_.IsWord(word); };
        if (std::any_of(ends.begin(), ends.end(), ends_here)) return nodes;
        open_.emplace_back(in_.Peek().text, token.offset);
        Statement(*node);
        open_.pop_back();
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

 private:
  void Statement(Node& node) {
    const Token word = in_.Take();
    if (word.text == "if") {
      If(node);
    } else if (word.text == "for") {
      For(node);
    } else if (word.text == "set") {
      Set(node);
    } else if (std::find(kUnsupported.begin(), kUnsupported.end(), word.text) != kUnsupported.end()) {
      in_.Fail(word.offset, "{% " + word.text + " %} is not supported; if, for, set and raw are");
    } else if (word.text == "else" || word.text == "elif" || word.text.starts_with("end")) {
      in_.Fail(word.offset, "{% " + word.text + " %} closes nothing that is open here");
    } else {
      in_.Fail(word.offset, "unknown block " + Describe(word) + "; known: if, for, set, raw",
               DidYouMean(word.text, {"if", "for", "set", "raw"}));
    }
  }

  void EndBlock() { in_.Expect(TokenKind::kBlockEnd, "'%}'"); }

  void If(Node& node) {
    node.kind = NodeKind::kIf;
    bool last = false;
    ExprPtr condition = ReadExpression(in_);
    while (!in_.failed()) {
      EndBlock();
      const std::vector<std::string_view> ends = last
                                                     ? std::vector<std::string_view>{"endif"}
                                                     : std::vector<std::string_view>{"elif", "else", "endif"};
      Nodes body = Body(ends);
      node.branches.push_back({std::move(condition), std::move(body)});
      if (in_.failed()) return;
      const Token word = in_.Take();
      if (word.text == "endif") {
        EndBlock();
        return;
      }
      condition = word.text == "elif" ? ReadExpression(in_) : nullptr;
      last = condition == nullptr;
    }
  }

  void For(Node& node) {
    node.kind = NodeKind::kFor;
    node.targets = Targets();
    if (!in_.TakeWord("in")) in_.Fail(in_.Peek().offset, "expected 'in', found " + Describe(in_.Peek()));
    node.expr = ReadTuple(in_, /*conditions=*/false);
    if (in_.TakeWord("if")) node.condition = ReadExpression(in_);
    if (in_.IsWord("recursive")) in_.Fail(in_.Peek().offset, "recursive loops are not supported");
    EndBlock();
    node.body = Body({"else", "endfor"});
    if (in_.TakeWord("else")) {
      EndBlock();
      node.else_body = Body({"endfor"});
    }
    if (in_.failed()) return;
    in_.Take();
    EndBlock();
  }

  void Set(Node& node) {
    node.kind = NodeKind::kSet;
    node.targets = Targets();
    if (in_.TakeOperator("=")) {
      node.expr = ReadTuple(in_);
      EndBlock();
      return;
    }
    EndBlock();
    node.body = Body({"endset"});
    if (in_.failed()) return;
    in_.Take();
    EndBlock();
  }

  std::vector<std::string> Targets() {
    std::vector<std::string> targets;
    const bool parenthesis = in_.TakeOperator("(");
    do {
      const std::size_t offset = in_.Peek().offset;
      targets.push_back(in_.ExpectName());
      if (targets.back() == "loop") in_.Fail(offset, "'loop' cannot be assigned to");
    } while (!in_.failed() && in_.TakeOperator(","));
    if (parenthesis) in_.ExpectOperator(")");
    return targets;
  }

  TokenReader& in_;
  std::vector<std::pair<std::string, std::size_t>> open_;  // blocks, for messages
};

}  // namespace

bool ParseTemplate(std::string_view text, Nodes& nodes, TemplateProblem& problem) {
  TokenReader reader(text, problem);
  if (reader.failed()) return false;
  nodes = Parser(reader).Body({});
  return !reader.failed();
}

}  // namespace millrace::jinja
