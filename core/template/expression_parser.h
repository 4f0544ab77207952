// Expressions, by Jinja's grammar: what stands in {{ }} and after if, in and =. Private to this room.
#pragma once

#include "core/template/ast.h"
#include "core/template/token_reader.h"

namespace millrace::jinja {

// After a failure, which the reader keeps, what they return is of no use.
ExprPtr ReadExpression(TokenReader& reader);
// Also "a, b". Without `conditions`, an `if` ends it: it belongs to the loop.
ExprPtr ReadTuple(TokenReader& reader, bool conditions = true);
// What can be assigned to: a name, names with commas and parentheses, or the member of a namespace.
ExprPtr ReadTarget(TokenReader& reader);
// "upper | replace('a', 'b')", put on the text of a block.
ExprPtr ReadBlockFilter(TokenReader& reader);
// A call as it stands in {% call %}.
ExprPtr ReadCall(TokenReader& reader);

}  // namespace millrace::jinja
