// The names that a template sees: its context as one map, and the variables of loops and sets. Private to
// this room.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/template/context.h"
#include "core/template/datum.h"

namespace millrace::jinja {

// A context as a map of data, with what users can set marked.
Datum RootOf(const TemplateContext& context);

class Scope {
 public:
  explicit Scope(const TemplateContext& context) : root_(RootOf(context)) {}

  // Innermost variable, then context, then functions; Undefined with a message otherwise.
  Datum Find(std::string_view name) const;
  // The context's own, whatever the template sets.
  Datum FindInContext(std::string_view name) const;
  bool HasVariable(std::string_view name) const;
  // For suggestions.
  std::vector<std::string> Names() const;

  using Frame = std::vector<std::pair<std::string, Datum>>;
  // The frames above the template's own: what a macro remembers, and what it hides while it runs.
  std::vector<Frame> Inner() const { return {frames_.begin() + 1, frames_.end()}; }
  std::vector<Frame> SwapInner(std::vector<Frame> inner);
  // Gives the innermost variable of this name another value; false when there is none.
  bool Replace(std::string_view name, const Datum& value);

  void Enter() { frames_.emplace_back(); }
  void Leave() { frames_.pop_back(); }
  void Set(std::string name, Datum value);

 private:
  Datum root_;
  std::vector<Frame> frames_{1};
};

}  // namespace millrace::jinja
