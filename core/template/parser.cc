#include "core/template/parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/template/builtins.h"
#include "core/template/lexer.h"

namespace millrace::jinja {
namespace {

constexpr int kDeepest = 64;
// Operators, members, calls and filters in one tag: they nest to the left, and so bound the tree's height.
constexpr int kMostLinks = 500;
constexpr std::array<std::string_view, 6> kComparisons = {"==", "!=", "<", "<=", ">", ">="};
constexpr std::array<std::string_view, 10> kUnsupported = {
    "macro", "call", "filter", "block", "extends", "include", "import", "from", "autoescape", "with"};

class Parser {
 public:
  Parser(std::string_view text, TemplateProblem& problem) : text_(text), problem_(problem) {}

  bool Run(Nodes& nodes) {
    if (!Tokenize(text_, tokens_, problem_)) return false;
    nodes = Body({});
    return !failed_;
  }

 private:
  // Only the first problem counts: what follows it is guesswork.
  void Fail(std::size_t offset, std::string message, std::string suggestion = "") {
    if (failed_) return;
    failed_ = true;
    problem_ = ProblemAt(text_, offset, std::move(message), std::move(suggestion));
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
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kDeepest) {
        parser_.Fail(parser_.Peek().offset, "nested deeper than " + std::to_string(kDeepest) + " levels");
      }
    }
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Parser& parser_;
  };

  // --- blocks ---

  // Up to a block that opens with one of `ends` (its word is left to be taken), or to the end of the text.
  Nodes Body(const std::vector<std::string_view>& ends) {
    Nodes nodes;
    const Deeper deeper(*this);
    while (!failed_) {
      links_ = 0;
      const Token& token = Take();
      if (token.kind == TokenKind::kEnd) {
        if (!ends.empty()) {
          Fail(open_.empty() ? token.offset : open_.back().second,
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
        node->expr = TupleOrExpression();
        Expect(TokenKind::kExpressionEnd, "'}}'");
      } else {
        const auto ends_here = [this](std::string_view word) { return IsWord(word); };
        if (std::any_of(ends.begin(), ends.end(), ends_here)) return nodes;
        open_.emplace_back(Peek().text, token.offset);
        Statement(*node);
        open_.pop_back();
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  void Statement(Node& node) {
    const Token word = Take();
    if (word.text == "if") {
      If(node);
    } else if (word.text == "for") {
      For(node);
    } else if (word.text == "set") {
      Set(node);
    } else if (std::find(kUnsupported.begin(), kUnsupported.end(), word.text) != kUnsupported.end()) {
      Fail(word.offset, "{% " + word.text + " %} is not supported; if, for, set and raw are");
    } else if (word.text == "else" || word.text == "elif" || word.text.starts_with("end")) {
      Fail(word.offset, "{% " + word.text + " %} closes nothing that is open here");
    } else {
      Fail(word.offset, "unknown block " + Describe(word) + "; known: if, for, set, raw",
           DidYouMean(word.text, {"if", "for", "set", "raw"}));
    }
  }

  void EndBlock() { Expect(TokenKind::kBlockEnd, "'%}'"); }

  void If(Node& node) {
    node.kind = NodeKind::kIf;
    bool last = false;
    ExprPtr condition = Expression();
    while (!failed_) {
      EndBlock();
      const std::vector<std::string_view> ends = last
                                                     ? std::vector<std::string_view>{"endif"}
                                                     : std::vector<std::string_view>{"elif", "else", "endif"};
      Nodes body = Body(ends);
      node.branches.push_back({std::move(condition), std::move(body)});
      if (failed_) return;
      const Token word = Take();
      if (word.text == "endif") {
        EndBlock();
        return;
      }
      condition = word.text == "elif" ? Expression() : nullptr;
      last = condition == nullptr;
    }
  }

  void For(Node& node) {
    node.kind = NodeKind::kFor;
    node.targets = Targets();
    if (!TakeWord("in")) Fail(Peek().offset, "expected 'in', found " + Describe(Peek()));
    node.expr = TupleOrExpression(/*conditions=*/false);
    if (TakeWord("if")) node.condition = Expression();
    if (IsWord("recursive")) Fail(Peek().offset, "recursive loops are not supported");
    EndBlock();
    node.body = Body({"else", "endfor"});
    if (TakeWord("else")) {
      EndBlock();
      node.else_body = Body({"endfor"});
    }
    if (failed_) return;
    Take();
    EndBlock();
  }

  void Set(Node& node) {
    node.kind = NodeKind::kSet;
    node.targets = Targets();
    if (TakeOperator("=")) {
      node.expr = TupleOrExpression();
      EndBlock();
      return;
    }
    EndBlock();
    node.body = Body({"endset"});
    if (failed_) return;
    Take();
    EndBlock();
  }

  std::vector<std::string> Targets() {
    std::vector<std::string> targets;
    const bool parenthesis = TakeOperator("(");
    do {
      const std::size_t offset = Peek().offset;
      targets.push_back(ExpectName());
      if (targets.back() == "loop") Fail(offset, "'loop' cannot be assigned to");
    } while (!failed_ && TakeOperator(","));
    if (parenthesis) ExpectOperator(")");
    return targets;
  }

  // --- expressions, loosest binding first ---

  static std::unique_ptr<Expr> Make(ExprKind kind, std::size_t offset, std::string name = "") {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->offset = offset;
    expr->name = std::move(name);
    return expr;
  }

  // One more node on top of what has been read; with kDeepest this keeps every tree shallow enough to walk.
  void Link() {
    if (++links_ > kMostLinks) {
      Fail(Peek().offset, "more than " + std::to_string(kMostLinks) + " operators in one expression");
    }
  }

  ExprPtr Binary(std::size_t offset, std::string op, ExprPtr left, ExprPtr right) {
    Link();
    auto expr = Make(ExprKind::kBinary, offset, std::move(op));
    expr->operands.push_back(std::move(left));
    expr->operands.push_back(std::move(right));
    return expr;
  }

  ExprPtr TupleOrExpression(bool conditions = true) {
    const std::size_t offset = Peek().offset;
    ExprPtr first = conditions ? Expression() : Or();
    if (!IsOperator(",")) return first;
    auto tuple = Make(ExprKind::kTuple, offset);
    tuple->operands.push_back(std::move(first));
    while (!failed_ && TakeOperator(",")) {
      const TokenKind kind = Peek().kind;
      if (kind == TokenKind::kExpressionEnd || kind == TokenKind::kBlockEnd || IsOperator(")")) break;
      tuple->operands.push_back(conditions ? Expression() : Or());
    }
    return tuple;
  }

  ExprPtr Expression() {
    const Deeper deeper(*this);
    ExprPtr value = Or();
    for (; !failed_ && IsWord("if"); Link()) {
      auto condition = Make(ExprKind::kCondition, Take().offset);
      condition->operands.push_back(std::move(value));
      condition->operands.push_back(Or());
      condition->operands.push_back(TakeWord("else") ? Expression() : nullptr);
      value = std::move(condition);
    }
    return value;
  }

  ExprPtr Or() {
    ExprPtr left = And();
    while (!failed_ && IsWord("or")) {
      const std::size_t offset = Take().offset;
      left = Binary(offset, "or", std::move(left), And());
    }
    return left;
  }

  ExprPtr And() {
    ExprPtr left = Not();
    while (!failed_ && IsWord("and")) {
      const std::size_t offset = Take().offset;
      left = Binary(offset, "and", std::move(left), Not());
    }
    return left;
  }

  ExprPtr Not() {
    if (!IsWord("not")) return Comparison();
    const Deeper deeper(*this);
    auto expr = Make(ExprKind::kUnary, Take().offset, "not");
    if (!failed_) expr->operands.push_back(Not());
    return expr;
  }

  ExprPtr Comparison() {
    ExprPtr first = Sum();
    std::unique_ptr<Expr> comparison;
    while (!failed_) {
      const Token token = Peek();
      std::string op;
      if (token.kind == TokenKind::kOperator &&
          std::find(kComparisons.begin(), kComparisons.end(), token.text) != kComparisons.end()) {
        op = Take().text;
      } else if (TakeWord("in")) {
        op = "in";
      } else if (IsWord("not") && IsWord("in", 1)) {
        Take();
        Take();
        op = "not in";
      } else {
        break;
      }
      if (!comparison) {
        comparison = Make(ExprKind::kComparison, token.offset);
        comparison->operands.push_back(std::move(first));
      }
      comparison->names.push_back(std::move(op));
      comparison->operands.push_back(Sum());
    }
    if (comparison) return comparison;
    return first;
  }

  // A left-associative level: `next` is the tighter one.
  ExprPtr Chain(const std::vector<std::string_view>& operators, ExprPtr (Parser::*next)()) {
    ExprPtr left = (this->*next)();
    while (!failed_) {
      const auto is_here = [this](std::string_view op) { return IsOperator(op); };
      if (std::none_of(operators.begin(), operators.end(), is_here)) break;
      const Token op = Take();
      left = Binary(op.offset, op.text, std::move(left), (this->*next)());
    }
    return left;
  }

  ExprPtr Sum() { return Chain({"+", "-"}, &Parser::Concatenation); }
  ExprPtr Concatenation() { return Chain({"~"}, &Parser::Product); }
  ExprPtr Product() { return Chain({"*", "/", "//", "%"}, &Parser::Power); }
  ExprPtr Power() { return Chain({"**"}, &Parser::FilteredUnary); }
  ExprPtr FilteredUnary() { return Unary(/*with_filters=*/true); }

  ExprPtr Unary(bool with_filters) {
    const Deeper deeper(*this);
    if (failed_) return Make(ExprKind::kLiteral, 0);
    ExprPtr value;
    if (IsOperator("-") || IsOperator("+")) {
      const Token op = Take();
      auto unary = Make(ExprKind::kUnary, op.offset, op.text);
      unary->operands.push_back(Unary(/*with_filters=*/false));
      value = std::move(unary);
    } else {
      value = Primary();
    }
    value = Postfix(std::move(value));
    if (with_filters) value = Filters(std::move(value));
    return value;
  }

  ExprPtr Primary() {
    const Token token = Take();
    auto expr = Make(ExprKind::kLiteral, token.offset);
    if (token.kind == TokenKind::kName) {
      if (token.text == "true" || token.text == "True") {
        expr->literal = Datum(true);
      } else if (token.text == "false" || token.text == "False") {
        expr->literal = Datum(false);
      } else if (token.text != "none" && token.text != "None") {
        expr->kind = ExprKind::kName;
        expr->name = token.text;
      }
    } else if (token.kind == TokenKind::kString) {
      std::string text = token.text;
      while (Peek().kind == TokenKind::kString) text += Take().text;
      expr->literal = Datum(std::move(text));
    } else if (token.kind == TokenKind::kInteger) {
      std::int64_t number = 0;
      const auto read = std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
      if (read.ec != std::errc()) Fail(token.offset, "the number does not fit 64 bits");
      expr->literal = Datum(number);
    } else if (token.kind == TokenKind::kFloat) {
      double number = 0;
      std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
      expr->literal = Datum(number);
    } else if (token.kind == TokenKind::kOperator && token.text == "(") {
      return Parenthesis(token.offset);
    } else if (token.kind == TokenKind::kOperator && token.text == "[") {
      expr->kind = ExprKind::kList;
      Sequence("]", [&] { expr->operands.push_back(Expression()); });
    } else if (token.kind == TokenKind::kOperator && token.text == "{") {
      expr->kind = ExprKind::kMap;
      Sequence("}", [&] {
        expr->operands.push_back(Expression());
        ExpectOperator(":");
        expr->operands.push_back(Expression());
      });
    } else {
      Fail(token.offset, token.kind == TokenKind::kExpressionEnd || token.kind == TokenKind::kBlockEnd
                             ? "expected an expression, found " + Describe(token)
                             : "unexpected " + Describe(token));
    }
    return expr;
  }

  // Items separated by commas, a last comma allowed, up to `close`.
  template <typename Item>
  void Sequence(std::string_view close, Item item) {
    while (!failed_ && !TakeOperator(close)) {
      item();
      if (TakeOperator(close)) return;
      ExpectOperator(",");
    }
  }

  ExprPtr Parenthesis(std::size_t offset) {
    if (TakeOperator(")")) return Make(ExprKind::kTuple, offset);
    ExprPtr inner = TupleOrExpression();
    ExpectOperator(")");
    return inner;
  }

  ExprPtr Postfix(ExprPtr value) {
    for (; !failed_; Link()) {
      if (IsOperator(".")) {
        Take();
        value = Member(std::move(value));
      } else if (IsOperator("[")) {
        value = Subscript(std::move(value));
      } else if (IsOperator("(")) {
        value = Call(std::move(value));
      } else {
        break;
      }
    }
    return value;
  }

  ExprPtr Member(ExprPtr value) {
    const Token token = Take();
    if (token.kind == TokenKind::kInteger) {
      auto item = Make(ExprKind::kItem, token.offset);
      auto index = Make(ExprKind::kLiteral, token.offset);
      std::int64_t number = 0;
      std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
      index->literal = Datum(number);
      item->operands.push_back(std::move(value));
      item->operands.push_back(std::move(index));
      return item;
    }
    if (token.kind != TokenKind::kName)
      Fail(token.offset, "expected a name after '.', found " + Describe(token));
    auto attribute = Make(ExprKind::kAttribute, token.offset, token.text);
    attribute->operands.push_back(std::move(value));
    return attribute;
  }

  ExprPtr Subscript(ExprPtr value) {
    const std::size_t offset = Take().offset;
    ExprPtr first = IsOperator(":") ? nullptr : Expression();
    auto expr = Make(ExprKind::kItem, offset);
    expr->operands.push_back(std::move(value));
    expr->operands.push_back(std::move(first));
    if (TakeOperator(":")) {
      expr->kind = ExprKind::kSlice;
      expr->operands.push_back(IsOperator(":") || IsOperator("]") ? nullptr : Expression());
      expr->operands.push_back(TakeOperator(":") && !IsOperator("]") ? Expression() : nullptr);
    }
    ExpectOperator("]");
    return expr;
  }

  ExprPtr Call(ExprPtr callee) {
    auto call = Make(ExprKind::kCall, callee->offset);
    call->operands.push_back(std::move(callee));
    Arguments(*call);
    return call;
  }

  void Arguments(Expr& call) {
    ExpectOperator("(");
    Sequence(")", [&] {
      if (IsOperator("*") || IsOperator("**")) Fail(Peek().offset, "* and ** arguments are not supported");
      if (Peek().kind == TokenKind::kName && IsOperator("=", 1)) {
        std::string name = Take().text;
        Take();
        call.keywords.emplace_back(std::move(name), Expression());
        return;
      }
      if (!call.keywords.empty()) Fail(Peek().offset, "a plain argument cannot follow a named one");
      call.operands.push_back(Expression());
    });
  }

  ExprPtr Filters(ExprPtr value) {
    for (; !failed_; Link()) {
      if (TakeOperator("|")) {
        const std::size_t offset = Peek().offset;
        auto filter = Make(ExprKind::kFilter, offset, ExpectName());
        if (!failed_ && !IsFilter(filter->name)) {
          Fail(offset, "no filter named '" + filter->name + "'", DidYouMean(filter->name, FilterNames()));
        }
        filter->operands.push_back(std::move(value));
        if (IsOperator("(")) Arguments(*filter);
        value = std::move(filter);
      } else if (IsWord("is")) {
        value = Test(std::move(value));
      } else if (IsOperator("(")) {
        value = Call(std::move(value));
      } else {
        break;
      }
    }
    return value;
  }

  ExprPtr Test(ExprPtr value) {
    const std::size_t offset = Take().offset;
    const bool negated = TakeWord("not");
    const std::size_t name_offset = Peek().offset;
    auto test = Make(ExprKind::kTest, offset, ExpectName());
    if (!failed_ && !IsTest(test->name)) {
      Fail(name_offset, "no test named '" + test->name + "'", DidYouMean(test->name, TestNames()));
    }
    test->operands.push_back(std::move(value));
    const TokenKind kind = Peek().kind;
    if (IsOperator("(")) {
      Arguments(*test);
    } else if ((kind == TokenKind::kName && !IsWord("else") && !IsWord("or") && !IsWord("and") &&
                !IsWord("if") && !IsWord("is") && !IsWord("in") && !IsWord("not")) ||
               kind == TokenKind::kString || kind == TokenKind::kInteger || kind == TokenKind::kFloat ||
               IsOperator("[") || IsOperator("{")) {
      test->operands.push_back(Postfix(Primary()));
    }
    if (!negated) return test;
    auto inverse = Make(ExprKind::kUnary, offset, "not");
    inverse->operands.push_back(std::move(test));
    return inverse;
  }

  std::string_view text_;
  TemplateProblem& problem_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int links_ = 0;
  bool failed_ = false;
  std::vector<std::pair<std::string, std::size_t>> open_;  // blocks, for messages
};

}  // namespace

bool ParseTemplate(std::string_view text, Nodes& nodes, TemplateProblem& problem) {
  return Parser(text, problem).Run(nodes);
}

}  // namespace millrace::jinja
