// What the readers have in common: the rows of a statement, one of them, or a page of them with its total.
// Used by the readers on SQLite.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/store/read_pool.h"
#include "scheduler/store/reader.h"

namespace millrace::store {

// Totals are exact up to here, then a lower bound: counting on would cost a scan.
inline constexpr std::int64_t kCountLimit = 10'000;
template <typename Row, typename ReadRow>
StatusOr<std::vector<Row>> All(Statement& statement, ReadRow read_row) {
  std::vector<Row> rows;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) return rows;
    ASSIGN_OR_RETURN(Row row, StatusOr<Row>(read_row(statement)));
    rows.push_back(std::move(row));
  }
}

// Rows behind the cursor, in the order of `column` and then `key`; "": of the key alone. SQLite holds NULL for less than
// anything.
inline void AddCursor(Query& query, const PageCursor& cursor, const std::string& column, const std::string& key,
                      std::int64_t packed, bool descending) {
  const bool up = descending == cursor.backward;
  const std::string behind = key + (up ? " > ?" : " < ?");
  if (column.empty()) {
    query.Where(behind).Add(packed);
  } else if (!cursor.value) {
    query.Where(up ? "(" + column + " IS NOT NULL OR " + behind + ")" : "(" + column + " IS NULL AND " + behind + ")")
        .Add(packed);
  } else {
    query.Where("(" + column + (up ? " > ?" : " < ?") + " OR (" + column + " = ? AND " + behind + ")" +
                (up ? "" : " OR " + column + " IS NULL") + ")");
    query.Add(*cursor.value).Add(*cursor.value).Add(packed);
  }
}

// The condition on rows of DAGs of no team and of these; AddNames binds what it asks for. The plus keeps SQLite from
// looking rows up by DAG, which would cost a list its order.
inline std::string OfTeams(const std::vector<std::string>& teams, const std::string& column = "dag_id") {
  std::string condition = "+" + column + " IN (SELECT dag_id FROM dag WHERE team IN (''";
  for (std::size_t i = 0; i < teams.size(); ++i) condition += ",?";
  return condition + "))";
}
inline void AddNames(Query& query, const std::vector<std::string>& teams) {
  for (const std::string& team : teams) query.Add(team);
}
// The same as one step, of a filter that may not ask for it.
inline void AddTeams(Query& query, const TeamsSeen& teams, const std::string& column = "dag_id") {
  if (!teams) return;
  query.Where(OfTeams(*teams, column));
  AddNames(query, *teams);
}

// The page of `columns` and the number of rows that match, from one list of conditions; `place`: where the page begins, of
// no account for the number.
template <typename Row, typename Conditions, typename ReadRow>
StatusOr<Listing<Row>> ListPage(Database& database, const std::string& columns, const std::string& from,
                                Conditions conditions, const std::string& order, const Page& page,
                                ReadRow read_row, const std::function<void(Query&)>& place = nullptr) {
  Query select("SELECT " + columns + " FROM " + from);
  conditions(select);
  if (place) place(select);
  select.Tail("ORDER BY " + order + " LIMIT ? OFFSET ?").Add(page.limit).Add(page.offset);
  ASSIGN_OR_RETURN(Statement statement, select.Prepare(database));
  Listing<Row> listing;
  ASSIGN_OR_RETURN(listing.rows, All<Row>(statement, read_row));
  Query count("SELECT count(*) FROM (SELECT 1 FROM " + from);
  conditions(count);
  count.Tail("LIMIT ?)").Add(kCountLimit + 1);
  ASSIGN_OR_RETURN(Statement counting, count.Prepare(database));
  RETURN_IF_ERROR(counting.Step().status());
  listing.total = counting.Int(0);
  listing.total_is_exact = listing.total <= kCountLimit;
  if (!listing.total_is_exact) listing.total = kCountLimit;
  return listing;
}

// The only row, or NOT_FOUND with `missing`.
template <typename Row, typename ReadRow>
StatusOr<Row> One(Database& database, const Query& query, const std::string& missing, ReadRow read_row) {
  ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
  ASSIGN_OR_RETURN(const bool found, statement.Step());
  if (!found) return NotFound(missing);
  return read_row(statement);
}

}  // namespace millrace::store
