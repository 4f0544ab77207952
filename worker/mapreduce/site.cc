#include "worker/mapreduce/site.h"

#include <algorithm>

namespace millrace::mapreduce {
namespace {

constexpr std::uint64_t kDefaultShuffleBytes = std::uint64_t{256} << 20;

}  // namespace

std::uint64_t ShuffleBytes(const Site& site) {
  return site.memory_bytes == 0 ? kDefaultShuffleBytes : site.memory_bytes / 3;
}

StatusOr<std::unique_ptr<Database>> Database::Open(const Site& site) {
  return OpenWith(site, site.memory_bytes == 0 ? 0 : site.memory_bytes - ShuffleBytes(site));
}

StatusOr<std::unique_ptr<Database>> Database::OpenAlone(const Site& site) { return OpenWith(site, site.memory_bytes); }

StatusOr<std::unique_ptr<Database>> Database::OpenWith(const Site& site, std::uint64_t memory_bytes) {
  std::unique_ptr<Database> database(new Database());
  database->options_ = {.threads = std::max(1, site.threads),
                        .memory_bytes = memory_bytes,
                        .temp_folder = site.job_scratch + "/duckdb",
                        .folders = {site.root, site.job_scratch}};
  database->stock_ = site.instances;
  ASSIGN_OR_RETURN(database->instance_, site.instances == nullptr ? sql::Instance::Open(database->options_)
                                                                  : site.instances->Take(database->options_));
  ASSIGN_OR_RETURN(database->connection_, database->instance_->Connect());
  if (site.cancellation != nullptr) {
    database->scope_ = std::make_unique<Cancellation::Scope>(
        *site.cancellation, [connection = database->connection_.get()] { connection->Interrupt(); });
  }
  return database;
}

Database::~Database() {
  scope_.reset();
  const bool reusable = connection_ != nullptr && !connection_->failed();
  connection_.reset();  // and with it all that the attempt made
  if (reusable && stock_ != nullptr) stock_->GiveBack(options_, std::move(instance_));
}

std::string OneLine(const std::string& error) {
  std::string line;
  for (std::size_t begin = 0; begin < error.size();) {
    const std::size_t end = std::min(error.find('\n', begin), error.size());
    const std::string_view part(error.data() + begin, end - begin);
    // The line that only points at a column says nothing without its neighbours.
    if (part.find_first_not_of(" ^\t\r") != std::string_view::npos) {
      if (!line.empty()) line += "; ";
      line += part;
    }
    begin = end + 1;
  }
  return line;
}

Status CreateView(sql::Connection& connection, const std::string& name, const std::string& select) {
  return connection.Run("CREATE OR REPLACE TEMP VIEW " + sql::QuoteName(name) + " AS\n" + select).status();
}

}  // namespace millrace::mapreduce
