#include "core/template/parser.h"

#include <algorithm>
#include <array>

#include "core/template/expression_parser.h"

namespace millrace::jinja {
namespace {

// Jinja's words, and why they are refused.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kRefused = {
    {{"include", "a template stands alone and reads no other file"},
     {"import", "a template stands alone and reads no other file"},
     {"from", "a template stands alone and reads no other file"},
     {"extends", "a template stands alone and inherits from none"},
     {"block", "a template stands alone and inherits from none"},
     {"autoescape", "nothing is escaped by itself; use the filter e"},
     {"break", "Airflow does not know it either; filter the loop: {% for x in xs if ... %}"},
     {"continue", "Airflow does not know it either; filter the loop: {% for x in xs if ... %}"}}};
constexpr std::string_view kKnown = "if, for, set, with, macro, call, filter, do, raw";

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
    if (word.text == "if") return If(node);
    if (word.text == "for") return For(node);
    if (word.text == "set") return Set(node);
    if (word.text == "macro") return Macro(node);
    if (word.text == "call") return Call(node);
    if (word.text == "filter") return Filter(node);
    if (word.text == "with") return With(node);
    if (word.text == "do") return Do(node);
    for (const auto& [name, why] : kRefused) {
      if (word.text == name)
        return in_.Fail(word.offset, "{% " + word.text + " %} is not supported: " + std::string(why));
    }
    if (word.text == "else" || word.text == "elif" || word.text.starts_with("end")) {
      in_.Fail(word.offset, "{% " + word.text + " %} closes nothing that is open here");
    } else {
      in_.Fail(word.offset, "unknown block " + Describe(word) + "; known: " + std::string(kKnown),
               DidYouMean(word.text, {"if", "for", "set", "with", "macro", "call", "filter", "do", "raw"}));
    }
  }

  void EndBlock() { in_.Expect(TokenKind::kBlockEnd, "'%}'"); }

  void If(Node& node) {
    node.kind = NodeKind::kIf;
    bool last = false;
    ExprPtr condition = ReadTuple(in_, /*conditions=*/false);
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
      condition = word.text == "elif" ? ReadTuple(in_, /*conditions=*/false) : nullptr;
      last = condition == nullptr;
    }
  }

  void For(Node& node) {
    node.kind = NodeKind::kFor;
    node.target = ReadTarget(in_);
    if (!in_.TakeWord("in")) in_.Fail(in_.Peek().offset, "expected 'in', found " + Describe(in_.Peek()));
    node.expr = ReadTuple(in_, /*conditions=*/false);
    if (in_.TakeWord("if")) node.condition = ReadExpression(in_);
    node.recursive = in_.TakeWord("recursive");
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
    node.target = ReadTarget(in_);
    if (in_.TakeOperator("=")) {
      node.expr = ReadTuple(in_);
      EndBlock();
      return;
    }
    if (in_.TakeOperator("|")) node.filter = ReadBlockFilter(in_);
    BodyUpTo(node, "endset");
  }

  void BodyUpTo(Node& node, std::string_view end) {
    EndBlock();
    node.body = Body({end});
    if (in_.failed()) return;
    in_.Take();
    EndBlock();
  }

  // The body of a macro, or of a caller: what it names decides what it accepts.
  void MacroBody(Node& node, std::string_view end) {
    const std::size_t begin = in_.position();
    BodyUpTo(node, end);
    node.takes_more = in_.Mentions("varargs", begin);
    node.takes_keywords = in_.Mentions("kwargs", begin);
    node.takes_caller = in_.Mentions("caller", begin);
  }

  void Macro(Node& node) {
    node.kind = NodeKind::kMacro;
    node.text = in_.ExpectName();
    in_.ExpectOperator("(");
    Parameters(node);
    MacroBody(node, "endmacro");
  }

  void Call(Node& node) {
    node.kind = NodeKind::kCall;
    node.text = "caller";
    if (in_.TakeOperator("(")) Parameters(node);
    node.expr = ReadCall(in_);
    MacroBody(node, "endcall");
  }

  void Parameters(Node& node) {
    while (!in_.failed() && !in_.TakeOperator(")")) {
      if (!node.parameters.empty()) in_.ExpectOperator(",");
      const std::size_t offset = in_.Peek().offset;
      std::string name = in_.ExpectName();
      const auto same = [&name](const auto& known) { return known.first == name; };
      if (std::any_of(node.parameters.begin(), node.parameters.end(), same))
        in_.Fail(offset, "there is a parameter '" + name + "' already");
      ExprPtr value = in_.TakeOperator("=") ? ReadExpression(in_) : nullptr;
      if (!value && !node.parameters.empty() && node.parameters.back().second)
        in_.Fail(offset, "a parameter without a default cannot follow one that has it");
      node.parameters.emplace_back(std::move(name), std::move(value));
    }
  }

  void Filter(Node& node) {
    node.kind = NodeKind::kFilter;
    node.filter = ReadBlockFilter(in_);
    BodyUpTo(node, "endfilter");
  }

  void With(Node& node) {
    node.kind = NodeKind::kWith;
    while (!in_.failed() && in_.Peek().kind != TokenKind::kBlockEnd) {
      if (!node.parameters.empty()) in_.ExpectOperator(",");
      std::string name = in_.ExpectName();
      in_.ExpectOperator("=");
      node.parameters.emplace_back(std::move(name), ReadExpression(in_));
    }
    BodyUpTo(node, "endwith");
  }

  void Do(Node& node) {
    node.kind = NodeKind::kDo;
    node.expr = ReadTuple(in_);
    EndBlock();
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
