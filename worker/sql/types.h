// DuckDB's types as text and as the shuffle's layouts. For .cc files of this room. Any thread.
#pragma once

#include <duckdb.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/shuffle/block.h"
#include "worker/sql/instance.h"

namespace millrace::sql {

// An owned logical type.
class LogicalType {
 public:
  explicit LogicalType(duckdb_logical_type type) : type_(type) {}
  LogicalType(LogicalType&& other) noexcept : type_(other.type_) { other.type_ = nullptr; }
  LogicalType& operator=(LogicalType&&) = delete;
  ~LogicalType() {
    if (type_ != nullptr) duckdb_destroy_logical_type(&type_);
  }
  duckdb_logical_type get() const { return type_; }

 private:
  duckdb_logical_type type_;
};

// A text that DuckDB allocated.
using OwnedText = std::unique_ptr<char, decltype(&duckdb_free)>;
inline OwnedText Own(char* text) { return {text, &duckdb_free}; }

// As SQL writes it: "DECIMAL(12,2)", "STRUCT(\"a\" INTEGER)". Casting to the text gives the type back.
std::string TypeText(duckdb_logical_type type);

// How the shuffle lays it out. UNIMPLEMENTED says which column and what to cast it to.
StatusOr<shuffle::ColumnType> LayoutOf(duckdb_logical_type type, const std::string& column);

// The types that the texts of `columns` name.
StatusOr<std::vector<LogicalType>> TypesOf(Connection& connection, const std::vector<Column>& columns);
// Their layouts, with every column that has none in the error.
StatusOr<std::vector<shuffle::ColumnType>> LayoutsOf(Connection& connection,
                                                     const std::vector<Column>& columns);

}  // namespace millrace::sql
