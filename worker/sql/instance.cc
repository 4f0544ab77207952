#include "worker/sql/instance.h"

#include <duckdb.h>

#include <cctype>
#include <filesystem>
#include <utility>

#include "worker/sql/shuffle_desk.h"
#include "worker/sql/types.h"

namespace millrace::sql {
namespace {

std::string Quoted(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote) result += c;
    result += c;
  }
  return result + quote;
}

std::string TextList(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (std::size_t i = 0; i < texts.size(); ++i) list += (i == 0 ? "" : ", ") + QuoteText(texts[i]);
  return list + "]";
}

class Config {
 public:
  Config() { duckdb_create_config(&config_); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;
  ~Config() { duckdb_destroy_config(&config_); }
  void Set(const char* name, const std::string& value) {
    if (duckdb_set_config(config_, name, value.c_str()) != DuckDBSuccess) refused_ += std::string(" ") + name;
  }
  duckdb_config get() const { return config_; }
  // Empty when every setting was taken.
  const std::string& refused() const { return refused_; }

 private:
  duckdb_config config_ = nullptr;
  std::string refused_;
};

// In this order: allowed_directories cannot change once external access is off, nothing once the
// configuration is locked.
std::string SandboxSql(const InstanceOptions& options) {
  std::vector<std::string> folders = options.folders;
  if (!options.temp_folder.empty()) folders.push_back(options.temp_folder);
  std::error_code ignored;
  for (std::string& folder : folders) {
    folder = std::filesystem::absolute(folder, ignored).lexically_normal().string();
    if (!folder.ends_with('/')) folder += '/';
  }
  std::vector<std::string> files = options.files;
  for (std::string& file : files) file = std::filesystem::absolute(file, ignored).lexically_normal().string();
  return "SET allowed_directories=" + TextList(folders) + "; SET allowed_paths=" + TextList(files) +
         "; SET enable_external_access=false; SET lock_configuration=true;";
}

}  // namespace

std::string QuoteName(std::string_view name) { return Quoted(name, '"'); }
std::string QuoteText(std::string_view text) { return Quoted(text, '\''); }

std::string FoldCase(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return folded;
}

Instance::Instance() : desk_(std::make_unique<ShuffleDesk>()) {}

Instance::~Instance() {
  for (_duckdb_connection*& connection : ready_) duckdb_disconnect(&connection);
  if (database_ != nullptr) duckdb_close(&database_);
}

std::string Instance::EngineVersion() { return duckdb_library_version(); }

StatusOr<std::unique_ptr<Instance>> Instance::Open(const InstanceOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Instance> instance, OpenWith(options));
  RETURN_IF_ERROR(instance->Lock(options));
  return instance;
}

StatusOr<std::unique_ptr<Instance>> Instance::OpenAhead() { return OpenWith({}); }

Status Instance::Configure(const InstanceOptions& options) {
  std::string settings = "SET threads=" + std::to_string(options.threads) + ";";
  if (!options.temp_folder.empty()) settings += "SET temp_directory=" + QuoteText(options.temp_folder) + ";";
  if (options.memory_bytes != 0) settings += "SET memory_limit='" + std::to_string(options.memory_bytes) + "B';";
  threads_ = options.threads;
  RETURN_IF_ERROR(MakeReady(options.threads + 1));
  {
    ASSIGN_OR_RETURN(_duckdb_connection * raw, NewConnection());
    Connection connection(*this, raw);
    RETURN_IF_ERROR(connection.Run(settings).status());
  }
  return Lock(options);
}

StatusOr<std::unique_ptr<Instance>> Instance::OpenWith(const InstanceOptions& options) {
  Config config;
  config.Set("threads", std::to_string(options.threads));
  config.Set("preserve_insertion_order", "false");
  config.Set("autoinstall_known_extensions", "false");
  config.Set("autoload_known_extensions", "false");
  config.Set("temp_directory", options.temp_folder);
  if (options.memory_bytes != 0) config.Set("memory_limit", std::to_string(options.memory_bytes) + "B");
  if (options.read_only) config.Set("access_mode", "READ_ONLY");
  if (!config.refused().empty()) return Internal("DuckDB refused settings:" + config.refused());

  std::unique_ptr<Instance> instance(new Instance());
  instance->threads_ = options.threads;
  char* error = nullptr;
  const char* path = options.path.empty() ? nullptr : options.path.c_str();
  if (duckdb_open_ext(path, &instance->database_, config.get(), &error) != DuckDBSuccess) {
    const OwnedText owned = Own(error);
    instance->database_ = nullptr;
    return FailedPrecondition("DuckDB could not open " +
                              (options.path.empty() ? "a database" : options.path) + ": " +
                              (owned == nullptr ? "no reason given" : owned.get()));
  }
  RETURN_IF_ERROR(instance->MakeReady(options.threads + 1));
  // A Parquet file's footer is read once for all statements, as long as the file's time stays the same.
  if (duckdb_query(instance->ready_.front(), "SET GLOBAL parquet_metadata_cache=true", nullptr) != DuckDBSuccess) {
    return Internal("DuckDB refused SET GLOBAL parquet_metadata_cache");
  }
  RETURN_IF_ERROR(RegisterShuffleCopy(instance->ready_.front(), *instance->desk_));
  RETURN_IF_ERROR(RegisterShuffleScan(instance->ready_.front(), *instance->desk_));
  RETURN_IF_ERROR(RegisterFileScan(instance->ready_.front(), *instance->desk_));
  return instance;
}

// Whether a connection counts its progress is a setting of its own, and no setting can be changed once they are
// locked.
Status Instance::MakeReady(int connections) {
  while (ready_.size() < static_cast<std::size_t>(connections)) {
    ASSIGN_OR_RETURN(_duckdb_connection * ready, NewConnection());
    ready_.push_back(ready);
    for (const char* setting : {"SET enable_progress_bar=true", "SET enable_progress_bar_print=false"}) {
      if (duckdb_query(ready, setting, nullptr) != DuckDBSuccess)
        return Internal(std::string("DuckDB refused ") + setting);
    }
  }
  return OkStatus();
}

Status Instance::Lock(const InstanceOptions& options) {
  if (!options.sandboxed) return OkStatus();
  ASSIGN_OR_RETURN(_duckdb_connection * raw, NewConnection());
  Connection connection(*this, raw);
  return connection.Run(SandboxSql(options)).status();
}

StatusOr<_duckdb_connection*> Instance::NewConnection() {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(database_, &connection) != DuckDBSuccess) return Internal("DuckDB refused a connection");
  return connection;
}

StatusOr<std::unique_ptr<Connection>> Instance::Connect() {
  _duckdb_connection* connection = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (!ready_.empty()) {
      connection = ready_.back();
      ready_.pop_back();
    }
  }
  if (connection == nullptr) {
    ASSIGN_OR_RETURN(connection, NewConnection());
  }
  return std::unique_ptr<Connection>(new Connection(*this, connection));
}

}  // namespace millrace::sql
