#include "scheduler/store/read_pool.h"

#include <sqlite3.h>

namespace millrace::store {

Query& Query::Where(std::string_view condition) {
  sql_ += has_where_ ? " AND " : " WHERE ";
  sql_ += condition;
  has_where_ = true;
  return *this;
}

Query& Query::WhereIn(std::string_view column, const std::vector<std::int64_t>& values) {
  if (values.empty()) return *this;
  std::string condition = std::string(column) + " IN (";
  for (std::size_t i = 0; i < values.size(); ++i) {
    condition += i == 0 ? "?" : ",?";
    Add(values[i]);
  }
  return Where(condition + ")");
}

Query& Query::Add(std::int64_t value) {
  binds_.emplace_back(value);
  return *this;
}

Query& Query::Add(std::string value) {
  binds_.emplace_back(std::move(value));
  return *this;
}

Query& Query::Tail(std::string_view text) {
  sql_ += ' ';
  sql_ += text;
  return *this;
}

StatusOr<Statement> Query::Prepare(Database& database) const {
  ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql_));
  for (std::size_t i = 0; i < binds_.size(); ++i) {
    const int index = static_cast<int>(i) + 1;
    if (const auto* number = std::get_if<std::int64_t>(&binds_[i])) {
      statement.Bind(index, *number);
    } else {
      statement.Bind(index, std::string_view(std::get<std::string>(binds_[i])));
    }
  }
  return statement;
}

StatusOr<std::unique_ptr<ReadPool>> ReadPool::Open(const std::string& path, const Clock& clock) {
  std::unique_ptr<ReadPool> pool(new ReadPool(clock));
  for (int i = 0; i < kConnections; ++i) {
    auto connection = std::make_unique<Connection>();
    ASSIGN_OR_RETURN(connection->database, Database::Open(path, Database::Mode::kReadOnly));
    RETURN_IF_ERROR(connection->database->Execute("PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA mmap_size=0"));
    connection->clock = &clock;
    sqlite3_progress_handler(
        connection->database->handle(), 10'000,
        [](void* self) {
          const auto* reading = static_cast<const Connection*>(self);
          return reading->clock->now().boot > reading->deadline ? 1 : 0;
        },
        connection.get());
    pool->idle_.push_back(std::move(connection));
  }
  return pool;
}

ReadPool::Loan::Loan(ReadPool& from) : pool(from) {
  std::unique_lock lock(pool.mutex_);
  pool.returned_.wait(lock, [this] { return !pool.idle_.empty(); });
  connection = std::move(pool.idle_.back());
  pool.idle_.pop_back();
  connection->deadline = pool.clock_.now().boot + kDeadline;
}

ReadPool::Loan::~Loan() {
  {
    std::lock_guard lock(pool.mutex_);
    pool.idle_.push_back(std::move(connection));
  }
  pool.returned_.notify_one();
}

}  // namespace millrace::store
