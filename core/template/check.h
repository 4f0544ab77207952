// Finds undefined names and members without running a template. Private to this room.
#pragma once

#include <string_view>
#include <vector>

#include "core/template/ast.h"
#include "core/template/problem.h"
#include "core/template/scope.h"

namespace millrace::jinja {

std::vector<TemplateProblem> CheckNames(std::string_view text, const Nodes& nodes,
                                        const TemplateContext& context);

}  // namespace millrace::jinja
