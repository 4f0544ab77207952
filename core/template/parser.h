// Tokens to tree, by Jinja's grammar. Depth is bounded, so that no text can exhaust the stack. Private to
// this room.
#pragma once

#include <string_view>

#include "core/template/ast.h"
#include "core/template/problem.h"

namespace millrace::jinja {

// False: `problem` says where and why.
bool ParseTemplate(std::string_view text, Nodes& nodes, TemplateProblem& problem);

}  // namespace millrace::jinja
