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

  void Enter() { frames_.emplace_back(); }
  void Leave() { frames_.pop_back(); }
  void Set(std::string name, Datum value);

 private:
  using Frame = std::vector<std::pair<std::string, Datum>>;
  Datum root_;
  std::vector<Frame> frames_{1};
};

}  // namespace millrace::jinja
