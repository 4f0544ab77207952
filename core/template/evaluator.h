// Runs a template's tree. One object a rendering. Private to this room.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/template/ast.h"
#include "core/template/builtins.h"
#include "core/template/outside.h"
#include "core/template/problem.h"
#include "core/template/scope.h"

namespace millrace::jinja {

// Of the walk over the tree, through macros: well below what a thread's stack holds.
inline constexpr int kDeepestWalk = 700;
inline constexpr std::int64_t kWorkOfAnIteration = 20;  // of a loop; a macro's call costs as much

class Evaluator {
 public:
  // Takes what a {{ }} yields (and whether a user has a hand in it) and appends it to the output; an error
  // refuses it.
  using Writer = std::function<Status(std::string& output, const std::string& text, bool user_settable)>;

  // `text` for line and column in errors.
  Evaluator(std::string_view text, const TemplateContext& context, Writer write)
      : text_(text),
        scope_(context),
        outside_(context.lookup()),
        write_(std::move(write)),
        budget_(SeedOf(text, context)) {}

  StatusOr<std::string> Run(const Nodes& nodes);

 private:
  using Kind = Handle::Kind;
  struct Macro {
    const Node* node;
    std::vector<Scope::Frame> inner;  // the variables around its definition, but for the template's own
  };
  struct Loop {
    std::size_t id;
    const Node* node;
    const List* items;
    std::int64_t at;
    std::int64_t depth;
    std::optional<List> last;  // of loop.changed
  };
  struct Cycler {
    List items;
    std::size_t at = 0;
  };
  struct Joiner {
    Datum separator;
    bool used = false;
  };

  // Of random numbers: another one in each task instance, the same in each of its attempts.
  static std::uint64_t SeedOf(std::string_view text, const TemplateContext& context);

  Status Execute(const Nodes& nodes, std::string& output);
  Status ExecuteNode(const Node& node, std::string& output);
  Status ExecuteFor(const Node& node, std::string& output);
  Status ExecuteLoop(const Node& node, const Datum& sequence, bool from_user, std::int64_t depth,
                     std::string& output);
  Status ExecuteSet(const Node& node);
  Status ExecuteMacro(const Node& node);
  Status ExecuteCallBlock(const Node& node, std::string& output);
  Status ExecuteWith(const Node& node, std::string& output);
  Status Assign(const Expr& target, const Datum& value);
  // What `run` writes, as a value; what users set in it marks the whole.
  StatusOr<Datum> Capture(const std::function<Status(std::string&)>& run);
  // The text of a block, put through its filters.
  StatusOr<Datum> Filtered(const Node& node, Datum text);

  // In evaluator_expressions.cc.
  // What an expression yields, perhaps Undefined; Evaluate makes that an error.
  StatusOr<Datum> EvaluateAny(const Expr& expr);
  StatusOr<Datum> Evaluate(const Expr& expr);
  StatusOr<Datum> EvaluateParts(const Expr& expr);
  StatusOr<Datum> EvaluateMember(const Expr& expr);
  StatusOr<Datum> EvaluateSlice(const Expr& expr);
  StatusOr<Datum> EvaluateComparison(const Expr& expr);
  StatusOr<Datum> EvaluateLogic(const Expr& expr);
  StatusOr<Datum> EvaluateUnary(const Expr& expr);
  StatusOr<Arguments> EvaluateArguments(const Expr& expr);
  StatusOr<Datum> EvaluateCall(const Expr& expr);
  // What the renderer's caller is asked for: ti.xcom_pull, var.value.get.
  StatusOr<Datum> CallOutside(const Datum& callee, const Arguments& arguments);
  // In evaluator_state.cc: macros, loops, namespaces, cyclers, joiners, and lists that are changed in place.
  Datum NewMacro(const Node& node);
  StatusOr<Datum> NewState(const std::string& name, const Arguments& arguments);
  Datum HandleMember(const Datum& handle, const std::string& name);
  Datum LoopMember(const Datum& handle, const std::string& name);
  Loop* FindLoop(std::size_t id);
  StatusOr<Datum> CallHandle(const Datum& handle, const std::string& method, Arguments arguments);
  StatusOr<Datum> CallMacro(const Macro& macro, Arguments arguments);
  Status Bind(const Node& node, Arguments arguments);
  StatusOr<Datum> CallLoop(std::size_t id, const std::string& method, const Arguments& arguments);
  StatusOr<Datum> Mutate(const Expr& owner, const Datum& value, const std::string& method,
                         const Arguments& arguments);
  // A name or a path of members, without counting it as used yet: of dag_run.logical_date only the end
  // counts.
  StatusOr<Datum> Resolve(const Expr& expr);
  StatusOr<Datum> ResolveOutside(const Expr& expr, const Outside& outside);

  Status FailAt(std::size_t offset, const Status& status, std::string suggestion = "") const;
  Status UndefinedAt(const Expr& expr, const Undefined& undefined);

  std::string_view text_;
  Scope scope_;
  OutsideReader outside_;
  Writer write_;
  Budget budget_;
  // Some value that a user can set took part in the expression being evaluated.
  bool touched_ = false;
  // How deep the tree's walk is: macros call macros.
  int depth_ = 0;
  std::size_t loops_begun_ = 0;
  std::vector<Loop> loops_;
  std::deque<Macro> macros_;
  std::vector<Pairs> namespaces_;
  std::vector<Cycler> cyclers_;
  std::vector<Joiner> joiners_;
};

}  // namespace millrace::jinja
