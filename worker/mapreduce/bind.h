// An author's SQL, looked at before anything runs: one SELECT, nothing that gives another answer each time, nothing read but
// through the job's inputs. The plan attempt calls it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

struct BoundSelect {
  std::string text;  // fits between parentheses
  std::vector<Column> columns;
  std::vector<std::string> tables;     // as in SelectFacts
  std::vector<std::string> functions;
};

// Binds `sql` against the views that the connection has. `step` is map, combine, ...: where the error is said to be;
// `relations` are the columns in reach, for the messages and for what only looks like now(). INVALID_ARGUMENT says what is
// wrong and at which line and column.
StatusOr<BoundSelect> BindSelect(sql::Connection& connection, const std::string& step, const std::string& sql,
                                 const std::vector<Column>& columns_in_reach);

// Whether SQL keeps rows of one side that have no partner on the other, or drops those that have one: then it matters which
// side is broadcast. Only looks at words.
bool HasOneSidedJoin(std::string_view sql);

// Bare words of SQL text, lower case, outside quotes and comments; not those after a dot.
std::vector<std::string> BareWords(std::string_view sql);

}  // namespace millrace::mapreduce
