#include "core/template/expression_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/template/builtins.h"
#include "core/template/refused.h"

namespace millrace::jinja {
namespace {

constexpr std::array<std::string_view, 6> kComparisons = {"==", "!=", "<", "<=", ">", ">="};

// A method a level, loosest binding first.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenReader& reader) : in_(reader) {}

  ExprPtr TupleOrExpression(bool conditions = true) {
    const std::size_t offset = in_.Peek().offset;
    ExprPtr first = conditions ? Expression() : Or();
    if (!in_.IsOperator(",")) return first;
    auto tuple = Make(ExprKind::kTuple, offset);
    tuple->operands.push_back(std::move(first));
    while (!in_.failed() && in_.TakeOperator(",")) {
      const TokenKind kind = in_.Peek().kind;
      if (kind == TokenKind::kExpressionEnd || kind == TokenKind::kBlockEnd || in_.IsOperator(")")) break;
      tuple->operands.push_back(conditions ? Expression() : Or());
    }
    return tuple;
  }

  ExprPtr Expression() {
    const TokenReader::Deeper deeper(in_);
    ExprPtr value = Or();
    for (; !in_.failed() && in_.IsWord("if"); in_.Link()) {
      auto condition = Make(ExprKind::kCondition, in_.Take().offset);
      condition->operands.push_back(std::move(value));
      condition->operands.push_back(Or());
      condition->operands.push_back(in_.TakeWord("else") ? Expression() : nullptr);
      value = std::move(condition);
    }
    return value;
  }

  // Names, perhaps several, perhaps in parentheses.
  ExprPtr Target() {
    const std::size_t offset = in_.Peek().offset;
    ExprPtr first = OneTarget();
    if (!in_.IsOperator(",")) return first;
    auto tuple = Make(ExprKind::kTuple, offset);
    tuple->operands.push_back(std::move(first));
    while (!in_.failed() && in_.TakeOperator(",")) {
      if (in_.IsOperator(")") || in_.IsOperator("=") || in_.IsWord("in")) break;
      tuple->operands.push_back(OneTarget());
    }
    return tuple;
  }

  ExprPtr BlockFilter() {
    auto block = Make(ExprKind::kName, in_.Peek().offset, std::string(kBlockName));
    return Filters(NamedFilter(std::move(block)));
  }

 private:
  ExprPtr OneTarget() {
    const TokenReader::Deeper deeper(in_);
    if (in_.failed()) return Make(ExprKind::kName, 0);
    if (in_.TakeOperator("(")) {
      ExprPtr inner = Target();
      in_.ExpectOperator(")");
      return inner;
    }
    const Token name = in_.Peek();
    auto target = Make(ExprKind::kName, name.offset, in_.ExpectName());
    if (!in_.TakeOperator(".")) {
      for (const std::string_view word : {"loop", "true", "false", "none", "True", "False", "None"}) {
        if (target->name == word) in_.Fail(name.offset, "'" + target->name + "' cannot be assigned to");
      }
      return target;
    }
    auto member = Make(ExprKind::kAttribute, in_.Peek().offset, in_.ExpectName());
    member->operands.push_back(std::move(target));
    return member;
  }

  ExprPtr NamedFilter(ExprPtr value) {
    const std::size_t offset = in_.Peek().offset;
    auto filter = Make(ExprKind::kFilter, offset, in_.ExpectName());
    if (!in_.failed() && !IsFilter(filter->name)) {
      in_.Fail(offset, "no filter named '" + filter->name + "'", DidYouMean(filter->name, FilterNames()));
    }
    filter->operands.push_back(std::move(value));
    if (in_.IsOperator("(")) Arguments(*filter);
    return filter;
  }

  static std::unique_ptr<Expr> Make(ExprKind kind, std::size_t offset, std::string name = "") {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->offset = offset;
    expr->name = std::move(name);
    return expr;
  }

  ExprPtr Binary(std::size_t offset, std::string op, ExprPtr left, ExprPtr right) {
    in_.Link();
    auto expr = Make(ExprKind::kBinary, offset, std::move(op));
    expr->operands.push_back(std::move(left));
    expr->operands.push_back(std::move(right));
    return expr;
  }

  ExprPtr Or() {
    ExprPtr left = And();
    while (!in_.failed() && in_.IsWord("or")) {
      const std::size_t offset = in_.Take().offset;
      left = Binary(offset, "or", std::move(left), And());
    }
    return left;
  }

  ExprPtr And() {
    ExprPtr left = Not();
    while (!in_.failed() && in_.IsWord("and")) {
      const std::size_t offset = in_.Take().offset;
      left = Binary(offset, "and", std::move(left), Not());
    }
    return left;
  }

  ExprPtr Not() {
    if (!in_.IsWord("not")) return Comparison();
    const TokenReader::Deeper deeper(in_);
    auto expr = Make(ExprKind::kUnary, in_.Take().offset, "not");
    if (!in_.failed()) expr->operands.push_back(Not());
    return expr;
  }

  ExprPtr Comparison() {
    ExprPtr first = Sum();
    std::unique_ptr<Expr> comparison;
    while (!in_.failed()) {
      const Token token = in_.Peek();
      std::string op;
      if (token.kind == TokenKind::kOperator &&
          std::find(kComparisons.begin(), kComparisons.end(), token.text) != kComparisons.end()) {
        op = in_.Take().text;
      } else if (in_.TakeWord("in")) {
        op = "in";
      } else if (in_.IsWord("not") && in_.IsWord("in", 1)) {
        in_.Take();
        in_.Take();
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
  ExprPtr Chain(const std::vector<std::string_view>& operators, ExprPtr (ExpressionParser::*next)()) {
    ExprPtr left = (this->*next)();
    while (!in_.failed()) {
      const auto is_here = [this](std::string_view op) { return in_.IsOperator(op); };
      if (std::none_of(operators.begin(), operators.end(), is_here)) break;
      const Token op = in_.Take();
      left = Binary(op.offset, op.text, std::move(left), (this->*next)());
    }
    return left;
  }

  ExprPtr Sum() { return Chain({"+", "-"}, &ExpressionParser::Concatenation); }
  ExprPtr Concatenation() { return Chain({"~"}, &ExpressionParser::Product); }
  ExprPtr Product() { return Chain({"*", "/", "//", "%"}, &ExpressionParser::Power); }
  ExprPtr Power() { return Chain({"**"}, &ExpressionParser::FilteredUnary); }
  ExprPtr FilteredUnary() { return Unary(/*with_filters=*/true); }

  ExprPtr Unary(bool with_filters) {
    const TokenReader::Deeper deeper(in_);
    if (in_.failed()) return Make(ExprKind::kLiteral, 0);
    ExprPtr value;
    if (in_.IsOperator("-") || in_.IsOperator("+")) {
      const Token op = in_.Take();
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
    const Token token = in_.Take();
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
      while (in_.Peek().kind == TokenKind::kString) text += in_.Take().text;
      expr->literal = Datum(std::move(text));
    } else if (token.kind == TokenKind::kInteger) {
      std::int64_t number = 0;
      const int base = token.text.starts_with("0x")   ? 16
                       : token.text.starts_with("0o") ? 8
                       : token.text.starts_with("0b") ? 2
                                                      : 10;
      const auto read = std::from_chars(token.text.data() + (base == 10 ? 0 : 2),
                                        token.text.data() + token.text.size(), number, base);
      if (read.ec != std::errc()) in_.Fail(token.offset, "the number does not fit 64 bits");
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
        in_.ExpectOperator(":");
        expr->operands.push_back(Expression());
      });
    } else {
      in_.Fail(token.offset, token.kind == TokenKind::kExpressionEnd || token.kind == TokenKind::kBlockEnd
                                 ? "expected an expression, found " + Describe(token)
                                 : "unexpected " + Describe(token));
    }
    return expr;
  }

  // Items separated by commas, a last comma allowed, up to `close`.
  template <typename Item>
  void Sequence(std::string_view close, Item item) {
    while (!in_.failed() && !in_.TakeOperator(close)) {
      item();
      if (in_.TakeOperator(close)) return;
      in_.ExpectOperator(",");
    }
  }

  ExprPtr Parenthesis(std::size_t offset) {
    if (in_.TakeOperator(")")) return Make(ExprKind::kTuple, offset);
    ExprPtr inner = TupleOrExpression();
    in_.ExpectOperator(")");
    return inner;
  }

  ExprPtr Postfix(ExprPtr value) {
    for (; !in_.failed(); in_.Link()) {
      if (in_.IsOperator(".")) {
        in_.Take();
        value = Member(std::move(value));
      } else if (in_.IsOperator("[")) {
        value = Subscript(std::move(value));
      } else if (in_.IsOperator("(")) {
        value = Call(std::move(value));
      } else {
        break;
      }
    }
    return value;
  }

  ExprPtr Member(ExprPtr value) {
    const Token token = in_.Take();
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
      in_.Fail(token.offset, "expected a name after '.', found " + Describe(token));
    auto attribute = Make(ExprKind::kAttribute, token.offset, token.text);
    attribute->operands.push_back(std::move(value));
    return attribute;
  }

  ExprPtr Subscript(ExprPtr value) {
    const std::size_t offset = in_.Take().offset;
    ExprPtr first = in_.IsOperator(":") ? nullptr : Expression();
    auto expr = Make(ExprKind::kItem, offset);
    expr->operands.push_back(std::move(value));
    expr->operands.push_back(std::move(first));
    if (in_.TakeOperator(":")) {
      expr->kind = ExprKind::kSlice;
      expr->operands.push_back(in_.IsOperator(":") || in_.IsOperator("]") ? nullptr : Expression());
      expr->operands.push_back(in_.TakeOperator(":") && !in_.IsOperator("]") ? Expression() : nullptr);
    }
    in_.ExpectOperator("]");
    return expr;
  }

  ExprPtr Call(ExprPtr callee) {
    auto call = Make(ExprKind::kCall, callee->offset);
    call->operands.push_back(std::move(callee));
    Arguments(*call);
    return call;
  }

  void Arguments(Expr& call) {
    in_.ExpectOperator("(");
    Sequence(")", [&] {
      if (in_.IsOperator("*") || in_.IsOperator("**")) {
        const Token stars = in_.Take();
        auto spread = Make(ExprKind::kSpread, stars.offset);
        spread->operands.push_back(Expression());
        if (stars.text == "**") {
          call.keywords.emplace_back("**", std::move(spread));
        } else {
          call.operands.push_back(std::move(spread));
        }
        return;
      }
      if (in_.Peek().kind == TokenKind::kName && in_.IsOperator("=", 1)) {
        std::string name = in_.Take().text;
        in_.Take();
        call.keywords.emplace_back(std::move(name), Expression());
        return;
      }
      if (!call.keywords.empty()) in_.Fail(in_.Peek().offset, "a plain argument cannot follow a named one");
      call.operands.push_back(Expression());
    });
  }

  ExprPtr Filters(ExprPtr value) {
    for (; !in_.failed(); in_.Link()) {
      if (in_.TakeOperator("|")) {
        value = NamedFilter(std::move(value));
      } else if (in_.IsWord("is")) {
        value = Test(std::move(value));
      } else if (in_.IsOperator("(")) {
        value = Call(std::move(value));
      } else {
        break;
      }
    }
    return value;
  }

  ExprPtr Test(ExprPtr value) {
    const std::size_t offset = in_.Take().offset;
    const bool negated = in_.TakeWord("not");
    const std::size_t name_offset = in_.Peek().offset;
    auto test = Make(ExprKind::kTest, offset, in_.ExpectName());
    if (!in_.failed() && !IsTest(test->name)) {
      in_.Fail(name_offset, "no test named '" + test->name + "'", DidYouMean(test->name, TestNames()));
    }
    test->operands.push_back(std::move(value));
    const TokenKind kind = in_.Peek().kind;
    if (in_.IsOperator("(")) {
      Arguments(*test);
    } else if ((kind == TokenKind::kName && !in_.IsWord("else") && !in_.IsWord("or") && !in_.IsWord("and") &&
                !in_.IsWord("if") && !in_.IsWord("is") && !in_.IsWord("in") && !in_.IsWord("not")) ||
               kind == TokenKind::kString || kind == TokenKind::kInteger || kind == TokenKind::kFloat ||
               in_.IsOperator("[") || in_.IsOperator("{")) {
      test->operands.push_back(Postfix(Primary()));
    }
    if (!negated) return test;
    auto inverse = Make(ExprKind::kUnary, offset, "not");
    inverse->operands.push_back(std::move(test));
    return inverse;
  }

  TokenReader& in_;
};

}  // namespace

ExprPtr ReadExpression(TokenReader& reader) { return ExpressionParser(reader).Expression(); }

ExprPtr ReadTuple(TokenReader& reader, bool conditions) {
  return ExpressionParser(reader).TupleOrExpression(conditions);
}

ExprPtr ReadTarget(TokenReader& reader) { return ExpressionParser(reader).Target(); }

ExprPtr ReadBlockFilter(TokenReader& reader) { return ExpressionParser(reader).BlockFilter(); }

ExprPtr ReadCall(TokenReader& reader) {
  const std::size_t offset = reader.Peek().offset;
  ExprPtr call = ReadExpression(reader);
  if (!reader.failed() && call->kind != ExprKind::kCall)
    reader.Fail(offset, "expected the call of a macro after {% call %}");
  return call;
}

}  // namespace millrace::jinja
