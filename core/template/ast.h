// A template as a tree. Made by the parser, immutable afterwards, walked by the evaluator and the check.
// Private to this room.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/template/datum.h"

namespace millrace::jinja {

enum class ExprKind {
  kLiteral,     // literal
  kName,        // name
  kAttribute,   // operands[0] . name
  kItem,        // operands[0] [ operands[1] ]
  kSlice,       // operands[0] [ operands[1] : operands[2] : operands[3] ], each may be null
  kCall,        // operands[0] ( operands[1..], keywords )
  kFilter,      // operands[0] | name ( operands[1..], keywords )
  kTest,        // operands[0] is name ( operands[1..] )
  kUnary,       // name: not, -, +
  kBinary,      // name: + - * / // % ** ~ and or
  kComparison,  // operands[0] names[0] operands[1] names[1] ...: a < b <= c
  kCondition,   // operands[0] if operands[1] else operands[2] (may be null)
  kList,
  kTuple,
  kMap,     // key, value, key, value, ...
  kSpread,  // in a call: *operands[0], or **operands[0] as a keyword named "**"
};

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;

struct Expr {
  ExprKind kind;
  std::size_t offset = 0;
  std::string name;
  Datum literal;
  std::vector<ExprPtr> operands;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, ExprPtr>> keywords;
};

enum class NodeKind {
  kData,    // text
  kOutput,  // expr
  kIf,      // branches: condition (null for else) and body
  kFor,     // target in expr [if condition]; body; else_body
  kSet,     // target = expr; without expr: = body [| filter]
  kMacro,   // text(parameters): body
  kCall,    // the body, with parameters, is the caller of expr, a call
  kFilter,  // body | filter
  kWith,    // parameters, each set to its value, for the body
  kDo,      // expr, whose value is dropped
};

// Where the text of a block stands in the filters put on it: a name that no template can write.
inline constexpr std::string_view kBlockName = " block";

struct Node;
using Nodes = std::vector<std::unique_ptr<const Node>>;

struct Branch {
  ExprPtr condition;
  Nodes body;
};

struct Node {
  NodeKind kind;
  std::size_t offset = 0;
  std::string text;
  ExprPtr expr;
  ExprPtr condition;
  ExprPtr target;  // a name, a tuple of targets, or a member of a namespace
  ExprPtr filter;  // of a name, kBlockName
  std::vector<std::pair<std::string, ExprPtr>> parameters;  // name and default, which may be null
  std::vector<Branch> branches;
  Nodes body;
  Nodes else_body;
  bool recursive = false;
  // Which of these a macro's body names, and so accepts.
  bool takes_more = false;      // varargs
  bool takes_keywords = false;  // kwargs
  bool takes_caller = false;    // caller
};

}  // namespace millrace::jinja
