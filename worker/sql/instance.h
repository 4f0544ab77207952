// An open DuckDB, and connections to it. This room alone knows DuckDB: no header of it leaves here. Tasks in a
// runner open an instance each, stage tasks take one from the runner's stock; a connection belongs to one thread,
// but for Interrupt and Progress. What SQL may touch is decided before the first statement of an author and
// cannot be changed afterwards, by us or by the SQL.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/sql/result.h"

struct _duckdb_database;
struct _duckdb_connection;
struct _duckdb_extracted_statements;

namespace millrace::sql {

class Connection;
class ShuffleDesk;

struct InstanceOptions {
  std::string path;        // of a database file; empty: in memory
  bool read_only = false;  // of the database file
  int threads = 1;
  std::uint64_t memory_bytes =
      0;                    // DuckDB's buffers, and so its results; 0: its default, 80 % of the machine
  std::string temp_folder;  // where DuckDB spills; empty: it fails instead
  std::vector<std::string> folders;  // what SQL may read and write lies beneath one of these ...
  std::vector<std::string> files;    // ... or is one of these
  bool sandboxed = true;             // false: the whole file system
  friend bool operator==(const InstanceOptions&, const InstanceOptions&) = default;
};

// The name or the text as SQL writes it: "a ""b""" and 'it''s'.
std::string QuoteName(std::string_view name);
std::string QuoteText(std::string_view text);

// Equal for names and words that SQL does not tell apart: ASCII in lower case.
std::string FoldCase(std::string_view name);

class Instance {
 public:
  static StatusOr<std::unique_ptr<Instance>> Open(const InstanceOptions& options);
  // One in memory that is to be configured before anything else; nothing is locked before that.
  static StatusOr<std::unique_ptr<Instance>> OpenAhead();
  Status Configure(const InstanceOptions& options);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  // Every connection must have ended.
  ~Instance();

  // "v1.5.6"; part of a worker's offer, as a job never mixes versions.
  static std::string EngineVersion();

  // Any thread. The connection must not outlive the instance. The first threads() + 1 tell their progress.
  StatusOr<std::unique_ptr<Connection>> Connect();
  int threads() const { return threads_; }
  // Names of functions that look at several rows: aggregates, and macros that call one (geomean). Asked of DuckDB
  // once, which takes 12 ms. Any thread.
  StatusOr<const std::set<std::string>*> AggregateFunctions(Connection& connection);
  // Where the shuffle's COPY format and table function find their ends (shuffle_copy.h). Any thread.
  ShuffleDesk& shuffle_desk() { return *desk_; }

 private:
  Instance();
  static StatusOr<std::unique_ptr<Instance>> OpenWith(const InstanceOptions& options);
  StatusOr<_duckdb_connection*> NewConnection();
  Status MakeReady(int connections);
  Status Lock(const InstanceOptions& options);
  std::unique_ptr<ShuffleDesk> desk_;
  _duckdb_database* database_ = nullptr;
  std::mutex mutex_;
  std::vector<_duckdb_connection*> ready_;  // guarded by mutex_: made before the configuration was locked
  std::set<std::string> aggregate_functions_;  // guarded by mutex_
  int threads_ = 1;
};

// What a SELECT consists of, as its author wrote it.
struct SelectFacts {
  std::string text;                    // fits between parentheses: no semicolon, no open comment
  std::vector<std::string> functions;  // lower case, sorted, each once; operators not
  std::vector<std::string> tables;     // names after FROM and JOIN, CTEs' included; sorted, each once
  std::vector<std::string> table_functions;
};

class Connection {
 public:
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Runs one or more statements; gives the last one's result. In an error the first line says what is wrong,
  // and the rest is DuckDB's whole text. CANCELLED after Interrupt.
  StatusOr<Result> Run(const std::string& sql);
  // Up to `limit` rows of a SELECT as a JSON array of objects.
  StatusOr<std::string> JsonRows(const std::string& select, std::uint64_t limit);
  // INVALID_ARGUMENT unless `sql` is exactly one SELECT.
  StatusOr<SelectFacts> CheckSelect(const std::string& sql);
  // Binds one SELECT without running it: names and types of its columns.
  StatusOr<std::vector<Column>> Describe(const std::string& select);
  // A temporary view without rows, to bind SELECTs against; replaces one of the same name.
  Status CreateEmptyView(const std::string& name, const std::vector<Column>& columns);

  // Any thread: what runs ends soon, and nothing starts any more. Repeat until Run has returned: a call that
  // meets the moment between two statements may be missed.
  void Interrupt();
  // Any thread: of the running statement, 0 to 1; -1 while unknown.
  double Progress() const;
  // A statement failed or was interrupted: the instance is not for others any more.
  bool failed() const { return failed_; }

  Instance& instance() { return instance_; }
  _duckdb_connection* handle() { return connection_; }  // for this room

 private:
  friend class Instance;
  Connection(Instance& instance, _duckdb_connection* connection);
  StatusOr<Result> RunAll(const std::string& sql);
  StatusOr<std::vector<Column>> Bind(const std::string& select);
  StatusOr<Result> RunOne(_duckdb_extracted_statements* statements, std::uint64_t index);
  Instance& instance_;
  _duckdb_connection* connection_;
  bool failed_ = false;
  struct Flag;
  std::unique_ptr<Flag> interrupted_;
};

}  // namespace millrace::sql
