#include "worker/tasks/sql.h"

#include <algorithm>

#include "core/model/json.h"

namespace millrace::tasks {
namespace {

constexpr std::uint64_t kShownRows = 50;

std::string Cell(const Value& value) { return value.is_string() ? value.as_string() : value.is_null() ? "" : ToJson(value); }

// Characters, not bytes: what UTF-8 continues is not counted.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// The rows for the log, in columns; numbers to the right.
std::string Table(const Value::List& rows) {
  if (rows.empty()) return "(no rows)\n";
  std::vector<std::size_t> widths;
  for (const auto& [name, first] : rows[0].as_map()) widths.push_back(Width(name));
  for (const Value& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], Width(Cell(row.as_map()[i].second)));
  }
  std::string text;
  const auto add = [&text, &widths](std::size_t column, const std::string& cell, bool right) {
    const std::string space(widths[column] - Width(cell), ' ');
    text += (column == 0 ? "" : "  ") + (right ? space + cell : cell + space);
  };
  for (std::size_t i = 0; i < widths.size(); ++i) add(i, rows[0].as_map()[i].first, rows[0].as_map()[i].second.is_number());
  text += "\n";
  for (const Value& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) add(i, Cell(row.as_map()[i].second), row.as_map()[i].second.is_number());
    text += "\n";
  }
  return text;
}

}  // namespace

TaskEnd SqlTask::Run(TaskContext& context) {
  const StatusOr<std::string> result = RunAll(context);
  TaskEnd end = EndOf(context, result.status());
  if (result.ok()) end.result = *result;
  return end;
}

StatusOr<std::string> SqlTask::RunAll(TaskContext& context) {
  ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
  RETURN_IF_ERROR(database_.Open(context, TextOf(with, "connection")));
  RETURN_IF_ERROR(database_.connection().Run("BEGIN TRANSACTION").status());
  Value shown;  // of the last statement, when it is a SELECT
  for (const std::string& statements : TextsOf(with, "sql")) {
    const StatusOr<sql::SelectFacts> select = database_.connection().CheckSelect(statements);
    const Status status = select.ok() ? Show(context, select->text, shown) : database_.Run(context, statements).status();
    if (!status.ok()) {
      (void)database_.connection().Run("ROLLBACK");
      return status;
    }
    if (!select.ok()) shown = Value();
  }
  RETURN_IF_ERROR(database_.connection().Run("COMMIT").status());
  return ToJson(Value::Map{{"rows", std::move(shown)}});
}

Status SqlTask::Show(TaskContext& context, const std::string& select, Value& shown) {
  context.Log(select + "\n");
  ASSIGN_OR_RETURN(const std::string rows, database_.connection().JsonRows(select, kShownRows));
  ASSIGN_OR_RETURN(shown, ParseJson(rows));
  context.Log(Table(shown.as_list()));
  return OkStatus();
}

}  // namespace millrace::tasks
