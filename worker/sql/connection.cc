#include <duckdb.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <utility>

#include "worker/sql/instance.h"
#include "worker/sql/result_rows.h"
#include "worker/sql/types.h"

namespace millrace::sql {
namespace {

Code CodeOf(duckdb_error_type type, std::string_view text) {
  switch (type) {
    case DUCKDB_ERROR_INTERRUPT:
      return Code::kCancelled;
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return Code::kResourceExhausted;
    case DUCKDB_ERROR_PERMISSION:
      return Code::kPermissionDenied;
    case DUCKDB_ERROR_NOT_IMPLEMENTED:
      return Code::kUnimplemented;
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL:
      return Code::kInternal;
    case DUCKDB_ERROR_IO:
      if (text.find("No space left") != text.npos) return Code::kResourceExhausted;
      return text.find("No files found") != text.npos ? Code::kNotFound : Code::kFailedPrecondition;
    default:
      return Code::kInvalidArgument;
  }
}

Status ErrorOf(duckdb_error_type type, const char* text) {
  const std::string message = text == nullptr ? "DuckDB gave no reason" : text;
  return {CodeOf(type, message), message};
}

// Everything in a serialised statement whose `key` is a text, by way of `take(object)`. Iterative: SQL nests
// as deep as its author likes.
template <typename Take>
void ForEachObject(const nlohmann::json& root, const Take& take) {
  std::vector<const nlohmann::json*> pending = {&root};
  while (!pending.empty()) {
    const nlohmann::json& value = *pending.back();
    pending.pop_back();
    if (value.is_object()) take(value);
    if (!value.is_structured()) continue;
    for (const nlohmann::json& child : value) pending.push_back(&child);
  }
}

std::string TextAt(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void SortUnique(std::vector<std::string>& texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

Status NotOneSelect(const std::string& why) {
  return InvalidArgument("SQL must be exactly one SELECT statement: " + why);
}

SelectFacts FactsOf(const nlohmann::json& statement) {
  SelectFacts facts;
  ForEachObject(statement, [&](const nlohmann::json& object) {
    const std::string type = TextAt(object, "type");
    if (type == "BASE_TABLE") facts.tables.push_back(TextAt(object, "table_name"));
    if (type == "TABLE_FUNCTION" && object.contains("function")) {
      facts.table_functions.push_back(TextAt(object["function"], "function_name"));
    }
    if ((type == "FUNCTION" || type == "WINDOW_AGGREGATE") && !object.value("is_operator", false)) {
      std::string name = TextAt(object, "function_name");
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      facts.functions.push_back(std::move(name));
    }
  });
  SortUnique(facts.functions);
  SortUnique(facts.tables);
  SortUnique(facts.table_functions);
  return facts;
}

// Without what may follow a statement but not stand between parentheses.
std::string WithoutTail(const std::string& sql) {
  const std::size_t end = sql.find_last_not_of(" \t\r\n;");
  return end == sql.npos ? "" : sql.substr(0, end + 1);
}

}  // namespace

struct Connection::Flag {
  std::atomic<bool> set = false;
};

Connection::Connection(Instance& instance, duckdb_connection connection)
    : instance_(instance), connection_(connection), interrupted_(std::make_unique<Flag>()) {}

Connection::~Connection() { duckdb_disconnect(&connection_); }

StatusOr<Result> Connection::Run(const std::string& sql) {
  if (interrupted_->set) return Cancelled("SQL was not run, as its attempt was cancelled");
  auto rows = std::make_unique<Result::Rows>();
  if (duckdb_query(connection_, sql.c_str(), &rows->result) != DuckDBSuccess) {
    return ErrorOf(duckdb_result_error_type(&rows->result), duckdb_result_error(&rows->result));
  }
  return Result(std::move(rows));
}

StatusOr<std::string> Connection::JsonRows(const std::string& select, std::uint64_t limit) {
  const std::string rows = "SELECT * FROM (\n" + select + "\n) LIMIT " + std::to_string(limit);
  ASSIGN_OR_RETURN(const Result result,
                   Run("SELECT coalesce(json_group_array(to_json(r)), '[]')::VARCHAR FROM (" + rows + ") r"));
  return std::string(result.Text(0, 0));
}

StatusOr<SelectFacts> Connection::CheckSelect(const std::string& sql) {
  const auto serialise = [this](const std::string& text) -> StatusOr<nlohmann::json> {
    ASSIGN_OR_RETURN(const Result result, Run("SELECT json_serialize_sql(" + QuoteText(text) + ")::VARCHAR"));
    nlohmann::json parsed = nlohmann::json::parse(result.Text(0, 0), nullptr, false);
    if (!parsed.is_object()) return Internal("DuckDB's json_serialize_sql gave something else than JSON");
    if (parsed.value("error", true)) {
      const std::string message = TextAt(parsed, "error_message");
      return NotOneSelect(TextAt(parsed, "error_type") == "not implemented" ? "this is something else"
                                                                            : message);
    }
    return parsed;
  };
  ASSIGN_OR_RETURN(const nlohmann::json parsed, serialise(sql));
  const std::size_t count = parsed["statements"].size();
  if (count != 1) return NotOneSelect("found " + std::to_string(count));
  SelectFacts facts = FactsOf(parsed["statements"][0]);
  facts.text = WithoutTail(sql);
  const auto wrapped = serialise("SELECT * FROM (\n" + facts.text + "\n)");
  if (!wrapped.ok()) {
    // A comment after the semicolon, say: take DuckDB's own spelling of the statement.
    ASSIGN_OR_RETURN(const Result result,
                     Run("SELECT json_deserialize_sql(json_serialize_sql(" + QuoteText(sql) + "))"));
    facts.text = WithoutTail(std::string(result.Text(0, 0)));
  }
  return facts;
}

StatusOr<std::vector<Column>> Connection::Describe(const std::string& select) {
  if (interrupted_->set) return Cancelled("SQL was not bound, as its attempt was cancelled");
  duckdb_prepared_statement statement = nullptr;
  const bool prepared = duckdb_prepare(connection_, select.c_str(), &statement) == DuckDBSuccess;
  const std::unique_ptr<duckdb_prepared_statement, decltype(&duckdb_destroy_prepare)> owner(
      &statement, &duckdb_destroy_prepare);
  if (!prepared) return ErrorOf(DUCKDB_ERROR_BINDER, duckdb_prepare_error(statement));
  if (duckdb_prepared_statement_type(statement) != DUCKDB_STATEMENT_TYPE_SELECT) {
    return NotOneSelect("this is something else");
  }
  std::vector<Column> columns;
  for (idx_t i = 0; i < duckdb_prepared_statement_column_count(statement); ++i) {
    const OwnedText name = Own(const_cast<char*>(duckdb_prepared_statement_column_name(statement, i)));
    const LogicalType type(duckdb_prepared_statement_column_logical_type(statement, i));
    columns.push_back({name.get(), TypeText(type.get())});
  }
  return columns;
}

Status Connection::CreateEmptyView(const std::string& name, const std::vector<Column>& columns) {
  std::string sql = "CREATE OR REPLACE TEMP VIEW " + QuoteName(name) + " AS SELECT ";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i != 0) sql += ", ";
    sql += "CAST(NULL AS " + columns[i].type + ") AS " + QuoteName(columns[i].name);
  }
  return Run(sql + " WHERE false").status();
}

void Connection::Interrupt() {
  interrupted_->set = true;
  duckdb_interrupt(connection_);
}

double Connection::Progress() const {
  const double percent = duckdb_query_progress(connection_).percentage;
  return percent < 0 ? -1 : percent / 100;
}

}  // namespace millrace::sql
