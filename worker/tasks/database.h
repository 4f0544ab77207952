// The DuckDB that one attempt works in, for the kinds sql, extract, load and check: in memory, or the database file that a
// connection names; sandboxed to the worker's root, the attempt's scratch folder and that file. Relative paths in SQL lie
// beneath the root, which is the runner's working folder. The attempt's thread; Cancel from any.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"
#include "worker/sql/instance.h"
#include "worker/tasks/registry.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

class Database {
 public:
  explicit Database(const Workplace& workplace) : workplace_(workplace) {}

  // `connection` empty: in memory. Only duckdb: URIs are databases so far; others are refused with what to do.
  // FAILED_PRECONDITION: its file cannot be opened now.
  Status Open(TaskContext& context, const std::string& connection, bool read_only = false);
  sql::Connection& connection() { return *connection_; }

  // Runs statements; logs them and how many rows they gave or changed.
  StatusOr<sql::Result> Run(TaskContext& context, const std::string& statements);

  void Cancel();
  bool cancelled() const { return cancelled_; }

 private:
  const Workplace& workplace_;
  std::mutex mutex_;  // guards the pointers against Cancel
  std::unique_ptr<sql::Instance> instance_;
  std::unique_ptr<sql::Connection> connection_;
  std::atomic<bool> cancelled_ = false;
};

// How an attempt ends on `status`: cancelled ones as killed, a full disk or a busy file as failed and worth a retry, what the
// author must mend (bad SQL, a bad path) as final. The whole text goes to the log, its first line into the end.
TaskEnd EndOf(TaskContext& context, const Status& status);

// The member as a number or a list of texts; absent gives the default.
std::int64_t NumberOf(const Value& with, std::string_view name, std::int64_t otherwise);
std::vector<std::string> TextsOf(const Value& with, std::string_view name);

// "read_parquet([...])" and the like over files that InputFiles found; `format` "" means by the first name's ending.
StatusOr<std::string> ReadFiles(const std::vector<std::string>& files, std::string format);

// "(FORMAT parquet)" and the like, and the ending of a file's name; for COPY ... TO.
StatusOr<std::string> CopyOptions(const std::string& format);

}  // namespace millrace::tasks
