#include "worker/tasks/database.h"

#include "core/model/json.h"
#include "worker/connect/uri.h"

namespace millrace::tasks {
namespace {

StatusOr<std::string> DatabasePath(const TaskContext& context, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string text, context.Connection(name));
  const StatusOr<connect::Uri> uri = connect::ParseUri(text);
  if (!uri.ok()) return uri.status().WithContext("connection " + name);
  if (uri->scheme != "duckdb") {
    return Unimplemented("connection " + name + " is a " + uri->scheme +
                         " database; this kind of task works in DuckDB so far: use a duckdb: connection");
  }
  if (uri->path.empty()) return InvalidArgument("connection " + name + " names no file: write duckdb:warehouse.duckdb");
  return uri->path.starts_with('/') ? uri->path : context.root() + "/" + uri->path;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Status Database::Open(TaskContext& context, const std::string& connection, bool read_only) {
  sql::InstanceOptions options;
  options.threads = std::max(1, workplace_.threads);
  options.memory_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(workplace_.memory_bytes, 0));
  options.temp_folder = context.scratch();
  options.folders = {context.root(), context.scratch()};
  if (!connection.empty()) {
    ASSIGN_OR_RETURN(options.path, DatabasePath(context, connection));
    options.files = {options.path, options.path + ".wal"};
    options.read_only = read_only;
  }
  ASSIGN_OR_RETURN(std::unique_ptr<sql::Instance> instance, sql::Instance::Open(options));
  ASSIGN_OR_RETURN(std::unique_ptr<sql::Connection> opened, instance->Connect());
  std::lock_guard lock(mutex_);
  instance_ = std::move(instance);
  connection_ = std::move(opened);
  if (cancelled_) return Cancelled("cancelled before it began");
  return OkStatus();
}

StatusOr<sql::Result> Database::Run(TaskContext& context, const std::string& statements) {
  context.Log(statements + "\n");
  StatusOr<sql::Result> result = connection_->Run(statements);
  if (result.ok()) context.Log("-- " + std::to_string(result->row_count()) + " rows\n");
  return result;
}

void Database::Cancel() {
  cancelled_ = true;
  std::lock_guard lock(mutex_);
  if (connection_) connection_->Interrupt();
}

TaskEnd EndOf(TaskContext& context, const Status& status) {
  if (status.ok()) return {};
  context.Log(status.message() + "\n");
  TaskEnd end;
  end.message = FirstLine(status.message());
  switch (status.code()) {
    case Code::kCancelled: end.outcome = Outcome::kKilled; break;
    case Code::kInvalidArgument:
    case Code::kUnimplemented:
    case Code::kPermissionDenied: end.outcome = Outcome::kFailFinal; break;
    default: end.outcome = Outcome::kFailed;
  }
  return end;
}

std::int64_t NumberOf(const Value& with, std::string_view name, std::int64_t otherwise) {
  const Value* value = with.Find(name);
  return value != nullptr && value->is_int() ? value->as_int() : otherwise;
}

std::vector<std::string> TextsOf(const Value& with, std::string_view name) {
  const Value* value = with.Find(name);
  std::vector<std::string> texts;
  if (value != nullptr && value->is_string()) texts.push_back(value->as_string());
  if (value == nullptr || !value->is_list()) return texts;
  for (const Value& item : value->as_list()) {
    if (item.is_string()) texts.push_back(item.as_string());
  }
  return texts;
}

StatusOr<std::string> ReadFiles(const std::vector<std::string>& files, std::string format) {
  if (format.empty() && !files.empty()) {
    std::string name = files[0];
    for (std::string_view packed : {".gz", ".zst"}) {
      if (name.ends_with(packed)) name.resize(name.size() - packed.size());
    }
    format = name.substr(std::min(name.rfind('.'), name.size() - 1) + 1);
  }
  std::string list;
  for (const std::string& file : files) list += (list.empty() ? "" : ", ") + sql::QuoteText(file);
  if (format == "parquet") return "read_parquet([" + list + "])";
  if (format == "csv" || format == "tsv") return "read_csv([" + list + "])";
  if (format == "jsonl" || format == "ndjson" || format == "json") return "read_json_auto([" + list + "])";
  return InvalidArgument("cannot tell how to read " + (files.empty() ? std::string("nothing") : files[0]) +
                         ": give a format (parquet, csv or jsonl)");
}

StatusOr<std::string> CopyOptions(const std::string& format) {
  if (format == "parquet") return std::string("(FORMAT parquet)");
  if (format == "csv") return std::string("(FORMAT csv, HEADER true)");
  if (format == "jsonl") return std::string("(FORMAT json)");
  return InvalidArgument("unknown format: " + format + " (use parquet, csv or jsonl)");
}

}  // namespace millrace::tasks
