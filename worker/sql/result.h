// The rows of a statement, complete and in memory, read column by column. One thread; lives no longer than
// its instance. For small results; large ones go to files by COPY, or to the shuffle.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/job.h"

namespace millrace::sql {

class Result {
 public:
  struct Rows;  // DuckDB's
  explicit Result(std::unique_ptr<Rows> rows);
  Result(Result&&) noexcept;
  Result& operator=(Result&&) noexcept;
  ~Result();

  const std::vector<Column>& columns() const { return columns_; }
  std::uint64_t row_count() const { return row_count_; }
  // Of INSERT, UPDATE, DELETE and COPY.
  std::uint64_t rows_changed() const;

  bool IsNull(std::size_t column, std::uint64_t row) const;
  // BOOLEAN and the integers; unsigned 64 bits and wider that do not fit are the nearest. 0 for NULL and
  // other types.
  std::int64_t Integer(std::size_t column, std::uint64_t row) const;
  // FLOAT, DOUBLE, DECIMAL and what Integer takes. 0 for NULL and other types.
  double Real(std::size_t column, std::uint64_t row) const;
  // VARCHAR, JSON and BLOB, valid as long as the result; what Integer and Real take has no text here: cast in
  // SQL.
  std::string_view Text(std::size_t column, std::uint64_t row) const;

 private:
  std::unique_ptr<Rows> rows_;
  std::vector<Column> columns_;
  std::uint64_t row_count_ = 0;
};

}  // namespace millrace::sql
