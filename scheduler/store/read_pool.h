// The readers' connections. A call borrows one, reads one snapshot and gives it back. Any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "scheduler/store/sqlite.h"

namespace millrace::store {

// A SELECT being put together: conditions in bind order.
class Query {
 public:
  explicit Query(std::string select) : sql_(std::move(select)) {}
  Query& Where(std::string_view condition);
  Query& WhereIn(std::string_view column, const std::vector<std::int64_t>& values);  // empty: no condition
  Query& Add(std::int64_t value);
  Query& Add(std::string value);
  Query& Tail(std::string_view text);

  StatusOr<Statement> Prepare(Database& database) const;

 private:
  std::string sql_;
  bool has_where_ = false;
  std::vector<std::variant<std::int64_t, std::string>> binds_;
};

class ReadPool {
 public:
  static constexpr int kConnections = 2;
  static constexpr Duration kDeadline = std::chrono::seconds(1);

  static StatusOr<std::unique_ptr<ReadPool>> Open(const std::string& path, const Clock& clock);

  // Runs `read` inside one snapshot. UNAVAILABLE when it takes longer than kDeadline.
  template <typename T>
  StatusOr<T> Read(const std::function<StatusOr<T>(Database&)>& read) {
    Loan loan(*this);
    RETURN_IF_ERROR(loan.connection->database->Execute("BEGIN"));
    StatusOr<T> result = read(*loan.connection->database);
    (void)loan.connection->database->Execute("COMMIT");
    return result;
  }

 private:
  struct Connection {
    std::unique_ptr<Database> database;
    const Clock* clock = nullptr;
    BootTime deadline{};
  };
  struct Loan {
    explicit Loan(ReadPool& from);
    ~Loan();
    ReadPool& pool;
    std::unique_ptr<Connection> connection;
  };

  explicit ReadPool(const Clock& clock) : clock_(clock) {}

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace millrace::store
