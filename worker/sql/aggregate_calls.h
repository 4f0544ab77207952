// The aggregate calls in expressions of a SELECT with GROUP BY, and what the expressions do with them: round(sum(x) / count(*), 2) is
// two calls and an expression over two columns. DuckDB's own parser says which they are. The plan attempt asks, on its thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "worker/sql/instance.h"

namespace millrace::sql {

struct AggregateCall {
  std::string function;   // as DuckDB names it: lower case, count_star
  std::string text;       // "sum(x) FILTER (WHERE y)"
  std::string arguments;  // "(x) FILTER (WHERE y)": what follows the name
};

struct TakenApart {
  std::vector<AggregateCall> calls;
  std::string rest;  // the expression, with columns in place of the calls; "" when it is one call and nothing else
};

// Finds calls of `functions` with at most one argument, without DISTINCT and ORDER BY; the call number i becomes the column
// `name`.i, counted from 1. Other aggregate calls stay where they are. FAILED_PRECONDITION of an expression with a subquery.
StatusOr<TakenApart> TakeApart(Connection& connection, const std::string& expression, const std::string& name,
                               const std::set<std::string, std::less<>>& functions);

}  // namespace millrace::sql
