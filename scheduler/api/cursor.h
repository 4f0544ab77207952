// Pages by cursor: a list from where the page before ended, however far in it is. Airflow's parameter
// `cursor`: empty for the first page, then next_cursor or previous_cursor of the answer. A cursor belongs to
// the order that it was made with. Within one handler call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/value.h"
#include "scheduler/api/input.h"
#include "scheduler/store/reader.h"

namespace millrace::api {

struct CursorPage {
  bool asked = false;
  std::optional<store::PageCursor> at;  // none: the first page
};

// `order`: "run_after", or "-run_after" for the newest first.
CursorPage ReadCursor(QueryInput& query, std::string_view order);
std::string CursorToken(std::string_view order, const store::PageCursor& cursor);

// Of rows of which one more than `limit` was asked for: takes that one away again and tells what there is
// beyond the page.
struct Beyond {
  bool next = false;
  bool previous = false;
};
template <typename Row>
Beyond TrimToPage(std::vector<Row>& rows, int limit, const CursorPage& page) {
  const bool more = rows.size() > static_cast<std::size_t>(limit);
  const bool backward = page.at && page.at->backward;
  if (more) rows.erase(backward ? rows.begin() : rows.end() - 1);
  return backward ? Beyond{true, more} : Beyond{more, page.at.has_value()};
}

// Where a page of such rows begins and ends, as members of the answer.
template <typename Row, typename CursorOf>
void AddCursors(Value& wire, std::string_view order, const std::vector<Row>& rows, const Beyond& beyond,
                CursorOf cursor_of) {
  const auto token = [&](bool there, bool backward) {
    if (!there || rows.empty()) return Value();
    store::PageCursor cursor = cursor_of(backward ? rows.front() : rows.back());
    cursor.backward = backward;
    return Value(CursorToken(order, cursor));
  };
  wire.Set("next_cursor", token(beyond.next, false));
  wire.Set("previous_cursor", token(beyond.previous, true));
  wire.Set("total_entries_limit", 10'000);
}

}  // namespace millrace::api
