#include "worker/mapreduce/json_input.h"

#include <algorithm>

#include "worker/mapreduce/csv_input.h"
#include "worker/readers/boundaries.h"
#include "worker/sql/file_scan.h"

namespace millrace::mapreduce {
namespace {

using sql::FoldCase;
using sql::QuoteName;
using sql::QuoteText;

constexpr const char* kSampledRows = "20480";  // as many as DuckDB looks at; of a compressed file, whose bytes have no middle

// DuckDB calls a member "Day" beside "day" "Day_1", but reads none by that name.
std::string RenamedMember(const std::vector<Column>& columns) {
  for (const Column& column : columns) {
    const std::size_t end = column.name.find_last_not_of("0123456789");
    if (end == std::string::npos || end == 0 || end + 1 == column.name.size() || column.name[end] != '_') continue;
    const std::string stem = column.name.substr(0, end);
    const auto same = [&](const Column& other) { return other.name != stem && FoldCase(other.name) == FoldCase(stem); };
    if (std::any_of(columns.begin(), columns.end(), same)) return stem;
  }
  return "";
}

bool IsDate(const Column& column) { return column.type == "DATE" || column.type == "TIMESTAMP"; }

// DuckDB guesses how dates are written, but does not tell; pinned types are read as ISO 8601 has them.
bool DatesAreIso(sql::Connection& connection, const InputFacts& input) {
  std::string dates;
  for (const Column& column : input.columns) {
    if (IsDate(column)) dates += (dates.empty() ? "max(" : ", max(") + QuoteName(column.name) + ")";
  }
  if (dates.empty()) return true;
  const std::string& path = input.paths.front();
  const auto cut = readers::CutFile(ReaderDialect(input), path, kSampledBytes);
  if (!cut.ok() || cut->empty()) return true;  // whoever reads it will say so
  const auto view = sql::OpenFileInput(connection, "millrace.sample", input.columns, ReadingOf(input, nullptr), {cut->front()});
  return view.ok() && connection.Run("SELECT " + dates + " FROM (FROM \"millrace.sample\" LIMIT " + kSampledRows + ")").ok();
}

}  // namespace

Status FindJsonLines(sql::Connection& connection, const InputSpec& spec, InputFacts& input) {
  if (!spec.columns.empty()) {
    for (const auto& [name, type] : spec.columns) input.columns.push_back({name, type});
    // As DuckDB writes the types.
    std::string casts;
    for (const Column& column : input.columns) {
      casts += (casts.empty() ? "" : ", ") + ("CAST(NULL AS " + column.type + ") AS " + QuoteName(column.name));
    }
    ASSIGN_OR_RETURN(input.columns, connection.Describe("SELECT " + casts));
    input.own_reader = true;
    return OkStatus();
  }
  std::string list;
  for (const std::string& path : input.paths) list += (list.empty() ? "" : ", ") + QuoteText(path);
  const std::string options =
      std::string(", format='newline_delimited', hive_partitioning=false") + (spec.bad_rows_limit > 0 ? ", ignore_errors=true" : "");
  ASSIGN_OR_RETURN(input.columns, connection.Describe("FROM read_json([" + list + "]" + options + ")"));
  if (input.columns.size() == 1 && input.columns.front().name == "json") {  // what DuckDB calls a line that has no members
    input.reader_reason = "its lines may be no objects";
  } else if (const std::string renamed = RenamedMember(input.columns); !renamed.empty()) {
    return FailedPrecondition(input.paths.front() + ": the name of the member '" + renamed +
                              "' differs in case alone from another's, which SQL does not tell apart: name those that are wanted in 'columns'");
  }
  if (spec.bad_rows_limit == 0 && !DatesAreIso(connection, input)) {
    for (Column& column : input.columns) {
      if (IsDate(column)) column.type = "VARCHAR";  // texts, which the author's SQL may read
    }
  }
  input.own_reader = input.reader_reason.empty();
  return OkStatus();
}

}  // namespace millrace::mapreduce
