#include "worker/mapreduce/site.h"

#include <algorithm>

namespace millrace::mapreduce {

StatusOr<std::unique_ptr<Database>> Database::Open(const Site& site) {
  std::unique_ptr<Database> database(new Database());
  ASSIGN_OR_RETURN(database->instance_,
                   sql::Instance::Open({.threads = std::max(1, site.threads),
                                        .memory_bytes = site.memory_bytes,
                                        .temp_folder = site.scratch + "/duckdb",
                                        .folders = {site.root, site.scratch}}));
  ASSIGN_OR_RETURN(database->connection_, database->instance_->Connect());
  if (site.cancellation != nullptr) {
    database->scope_ = std::make_unique<Cancellation::Scope>(
        *site.cancellation, [connection = database->connection_.get()] { connection->Interrupt(); });
  }
  return database;
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
