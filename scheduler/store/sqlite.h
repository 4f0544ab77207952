// A thin owner of SQLite's handles for the store's own files: connections and prepared statements that close themselves,
// errors as Status. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace millrace::store {

class Statement;

class Database {
 public:
  enum class Mode : std::uint8_t { kReadWrite, kReadOnly };

  static StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One or several statements without results.
  Status Execute(const std::string& sql);
  StatusOr<Statement> Prepare(std::string_view sql);
  // The last call's error, as a Status: RESOURCE_EXHAUSTED when the disk is full, UNAVAILABLE when interrupted.
  Status Error(std::string_view what) const;
  // The extended result code of the last call, for the writer's decision tables.
  int ExtendedCode() const;
  sqlite3* handle() { return handle_; }

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

// Binding counts from 1, columns from 0, as in SQLite. Text is copied.
class Statement {
 public:
  Statement() = default;
  Statement(Database* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;

  void Bind(int index, std::int64_t value);
  void Bind(int index, std::string_view value);
  void BindBlob(int index, std::string_view value);
  void BindNull(int index);
  void Bind(int index, std::optional<WallTime> value);

  // True: a row is there. False: done.
  StatusOr<bool> Step();
  // Runs to its end and makes it ready to be bound again.
  Status Run();
  void Reset();

  std::int64_t Int(int column) const;
  std::string Text(int column) const;  // also blobs
  bool IsNull(int column) const;
  std::optional<WallTime> Time(int column) const;

 private:
  Database* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace millrace::store
