#include <duckdb.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "worker/sql/instance.h"
#include "worker/sql/result_rows.h"
#include "worker/sql/types.h"

namespace millrace::sql {
namespace {

// DuckDB's texts start with the kind of error; that of a failed prepare or pending statement is to be had in
// no other way.
Status ErrorOf(const char* text) {
  const std::string message = text == nullptr || *text == '\0' ? "DuckDB gave no reason" : text;
  static constexpr std::pair<std::string_view, Code> kKinds[] = {
      {"INTERRUPT Error", Code::kCancelled},
      {"Out of Memory Error", Code::kResourceExhausted},
      {"Permission Error", Code::kPermissionDenied},
      {"Not implemented Error", Code::kUnimplemented},
      {"INTERNAL Error", Code::kInternal},
      {"FATAL Error", Code::kInternal},
      {"IO Error: No files found", Code::kNotFound},
      {"IO Error", Code::kFailedPrecondition},
      {"Transaction", Code::kAborted},
  };
  if (message.find("No space left") != message.npos) return ResourceExhausted(message);
  for (const auto& [prefix, code] : kKinds) {
    if (message.starts_with(prefix)) return {code, message};
  }
  return InvalidArgument(message);
}

class Statements {
 public:
  Statements(duckdb_connection connection, const std::string& sql)
      : size_(duckdb_extract_statements(connection, sql.c_str(), &statements_)) {}
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;
  ~Statements() { duckdb_destroy_extracted(&statements_); }
  idx_t size() const { return size_; }
  duckdb_extracted_statements get() const { return statements_; }

 private:
  duckdb_extracted_statements statements_ = nullptr;
  idx_t size_;
};

class Prepared {
 public:
  Prepared() = default;
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  ~Prepared() { duckdb_destroy_prepare(&statement_); }
  duckdb_prepared_statement get() const { return statement_; }
  duckdb_prepared_statement* out() { return &statement_; }

 private:
  duckdb_prepared_statement statement_ = nullptr;
};

class Pending {
 public:
  Pending() = default;
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { duckdb_destroy_pending(&result_); }
  duckdb_pending_result get() const { return result_; }
  duckdb_pending_result* out() { return &result_; }

 private:
  duckdb_pending_result result_ = nullptr;
};

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
      facts.functions.push_back(FoldCase(TextAt(object, "function_name")));
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

// Whether the connection was interrupted, and a way to wait for that.
struct Connection::Flag {
  std::atomic<bool> set = false;
  std::mutex mutex;
  std::condition_variable changed;

  void Set() {
    set = true;
    const std::lock_guard lock(mutex);
    changed.notify_all();
  }
  void WaitFor(std::chrono::microseconds time) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, time, [this] { return set.load(); });
  }
};

Connection::Connection(Instance& instance, duckdb_connection connection)
    : instance_(instance), connection_(connection), interrupted_(std::make_unique<Flag>()) {}

Connection::~Connection() { duckdb_disconnect(&connection_); }

StatusOr<Result> Connection::Run(const std::string& sql) {
  StatusOr<Result> result = RunAll(sql);
  if (!result.ok()) failed_ = true;
  return result;
}

StatusOr<Result> Connection::RunAll(const std::string& sql) {
  const Statements statements(connection_, sql);
  if (statements.size() == 0) {
    const char* error = duckdb_extract_statements_error(statements.get());
    return ErrorOf(error == nullptr ? "There is no statement in the SQL" : error);
  }
  for (idx_t i = 0; i + 1 < statements.size(); ++i) RETURN_IF_ERROR(RunOne(statements.get(), i).status());
  return RunOne(statements.get(), statements.size() - 1);
}

// duckdb_query would do the same, but its thread spins on a lock while other threads finish what it waits
// for.
StatusOr<Result> Connection::RunOne(_duckdb_extracted_statements* statements, std::uint64_t index) {
  constexpr std::chrono::microseconds kShortest{20};
  constexpr std::chrono::microseconds kLongest{200};
  if (interrupted_->set) return Cancelled("SQL was not run, as its attempt was cancelled");
  Prepared prepared;
  if (duckdb_prepare_extracted_statement(connection_, statements, index, prepared.out()) != DuckDBSuccess) {
    return ErrorOf(duckdb_prepare_error(prepared.get()));
  }
  Pending pending;
  if (duckdb_pending_prepared(prepared.get(), pending.out()) != DuckDBSuccess) {
    return ErrorOf(duckdb_pending_error(pending.get()));
  }
  std::chrono::microseconds wait = kShortest;
  for (;;) {
    if (interrupted_->set) duckdb_interrupt(connection_);
    const duckdb_pending_state state = duckdb_pending_execute_task(pending.get());
    if (state == DUCKDB_PENDING_RESULT_READY) break;
    if (state == DUCKDB_PENDING_ERROR) return ErrorOf(duckdb_pending_error(pending.get()));
    if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
      interrupted_->WaitFor(wait);
      wait = std::min(2 * wait, kLongest);
    } else {
      wait = kShortest;
    }
  }
  auto rows = std::make_unique<Result::Rows>();
  if (duckdb_execute_pending(pending.get(), &rows->result) != DuckDBSuccess) {
    return ErrorOf(duckdb_result_error(&rows->result));
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
  // Only what follows the statement could not stand between parentheses.
  if (facts.text.find(';') == facts.text.npos && facts.text.find("--") == facts.text.npos) return facts;
  const auto wrapped = serialise("SELECT * FROM (\n" + facts.text + "\n)");
  if (!wrapped.ok()) {
    // A comment after the semicolon, say: take DuckDB's own spelling of the statement.
    ASSIGN_OR_RETURN(const Result result,
                     Run("SELECT json_deserialize_sql(json_serialize_sql(" + QuoteText(sql) + "))"));
    facts.text = WithoutTail(std::string(result.Text(0, 0)));
  }
  return facts;
}

StatusOr<const std::set<std::string>*> Instance::AggregateFunctions(Connection& connection) {
  const std::lock_guard lock(mutex_);
  if (!aggregate_functions_.empty()) return &aggregate_functions_;
  ASSIGN_OR_RETURN(const Result names, connection.Run(R"(
    WITH functions AS MATERIALIZED (SELECT function_name, function_type, macro_definition FROM duckdb_functions()),
         aggregates AS (SELECT list(DISTINCT function_name) AS names FROM functions WHERE function_type = 'aggregate')
    SELECT DISTINCT function_name FROM functions, aggregates
    WHERE function_type = 'aggregate' OR (function_type = 'macro' AND
          list_has_any(regexp_extract_all(macro_definition, '([a-z_0-9]+)\(', 1), names)))"));
  for (std::uint64_t row = 0; row < names.row_count(); ++row) aggregate_functions_.emplace(names.Text(0, row));
  return &aggregate_functions_;
}

StatusOr<std::vector<Column>> Connection::Describe(const std::string& select) {
  StatusOr<std::vector<Column>> columns = Bind(select);
  if (!columns.ok()) failed_ = true;
  return columns;
}

StatusOr<std::vector<Column>> Connection::Bind(const std::string& select) {
  if (interrupted_->set) return Cancelled("SQL was not bound, as its attempt was cancelled");
  Prepared prepared;
  if (duckdb_prepare(connection_, select.c_str(), prepared.out()) != DuckDBSuccess) {
    return ErrorOf(duckdb_prepare_error(prepared.get()));
  }
  const duckdb_prepared_statement statement = prepared.get();
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
  interrupted_->Set();
  duckdb_interrupt(connection_);
}

double Connection::Progress() const {
  const double percent = duckdb_query_progress(connection_).percentage;
  return percent < 0 ? -1 : percent / 100;
}

}  // namespace millrace::sql
