// SQL that stages are made of, and what it takes to shuffle rows as that SQL compares them. Text in, text
// out, but for what only DuckDB knows (types, collations), which is asked of a connection. The plan attempt's
// thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/stage_spec.h"
#include "worker/mapreduce/stage_planner.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// A key as both sides compare it.
std::string KeySql(const KeyColumn& key, const std::string& relation = "");
// UBIGINT that is equal where keys are; "" when the keys as they are will do. `keep_nulls`: rows without a
// key meet no other, so they may lie anywhere, and are spread by all `columns`.
std::string HashSql(const std::vector<KeyColumn>& keys, const std::vector<Column>& columns, bool keep_nulls);
std::string NoNullSql(const std::vector<KeyColumn>& keys);

// The type in which DuckDB compares the two with =. INVALID_ARGUMENT when it does not.
StatusOr<std::string> ComparisonType(sql::Connection& connection, const std::string& left,
                                     const std::string& right);

// column -> collation, of those columns of a view that have one. (DuckDB's C API does not tell.)
StatusOr<std::map<std::string, std::string>> FindCollations(sql::Connection& connection,
                                                            const std::string& view);
// The rows of `view` with their collations.
std::string CollateSql(const std::string& view, const std::map<std::string, std::string>& collations);

std::string WindowSql(const WindowSpec& window, const std::string& input);
// " ORDER BY ... LIMIT ..."
std::string OrderSql(const std::vector<std::string>& order_by, std::int64_t limit);
// BLOB that sorts as the rows of `input` do by `order_by`.
StatusOr<std::string> SortKeySql(sql::Connection& connection, const std::string& what,
                                 const std::vector<std::string>& order_by, const std::string& input,
                                 const std::map<std::string, std::string>& collations);
// The whole join, as it runs on the rows of both sides that share keys. INVALID_ARGUMENT when columns would
// have one name.
StatusOr<std::string> JoinSql(const JoinSpec& join, const std::vector<KeyColumn>& left_keys,
                              const std::vector<KeyColumn>& right_keys, const std::vector<Column>& left,
                              const std::vector<Column>& right);

// What in the SELECT looks at more than one row at a time ("GROUP BY", "sum()"); "" when nothing does.
StatusOr<std::string> NeedsRowsTogether(sql::Connection& connection, const std::string& sql,
                                        const std::vector<std::string>& functions);

}  // namespace millrace::mapreduce
