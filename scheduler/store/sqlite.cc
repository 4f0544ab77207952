#include "scheduler/store/sqlite.h"

#include <sqlite3.h>

#include <utility>

namespace millrace::store {

StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode) {
  sqlite3* handle = nullptr;
  const int flags = (mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Database> database(new Database(handle));
  if (code != SQLITE_OK) return database->Error("open " + path);
  // The file is ours, but a damaged or planted schema must not run anything.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_busy_timeout(handle, 10'000);
  return database;
}

Database::~Database() { sqlite3_close_v2(handle_); }

Status Database::Execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return OkStatus();
  return Error("store");
}

StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return Error("store");
  }
  return Statement(this, statement);
}

Status Database::Error(std::string_view what) const {
  const std::string message = std::string(what) + ": " + sqlite3_errmsg(handle_);
  switch (sqlite3_errcode(handle_)) {
    case SQLITE_FULL: return ResourceExhausted(message + " (free some disk space; the scheduler goes on by itself)");
    case SQLITE_INTERRUPT: return Unavailable("the query took too long");
    case SQLITE_BUSY: return Unavailable(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return DataLoss(message);
    default: return Internal(message);
  }
}

int Database::ExtendedCode() const { return sqlite3_extended_errcode(handle_); }

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement::Statement(Statement&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(statement_, other.statement_);
  return *this;
}

void Statement::Bind(int index, std::int64_t value) { sqlite3_bind_int64(statement_, index, value); }
void Statement::Bind(int index, std::string_view value) {
  sqlite3_bind_text64(statement_, index, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
}
void Statement::BindBlob(int index, std::string_view value) {
  sqlite3_bind_blob64(statement_, index, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_TRANSIENT);
}
void Statement::BindNull(int index) { sqlite3_bind_null(statement_, index); }
void Statement::Bind(int index, std::optional<WallTime> value) {
  if (value) {
    Bind(index, ToMicros(*value));
  } else {
    BindNull(index);
  }
}

StatusOr<bool> Statement::Step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return database_->Error("store");
  }
}

Status Statement::Run() {
  StatusOr<bool> row = Step();
  while (row.ok() && *row) row = Step();
  Reset();
  return row.status();
}

void Statement::Reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }
std::string Statement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
bool Statement::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::optional<WallTime> Statement::Time(int column) const {
  if (IsNull(column)) return std::nullopt;
  return WallFromMicros(Int(column));
}

}  // namespace millrace::store
