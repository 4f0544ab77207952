#include "worker/sql/result.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "worker/sql/result_rows.h"
#include "worker/sql/types.h"

namespace millrace::sql {
namespace {

struct Cell {
  const void* data = nullptr;  // of the column's vector; null: the value is NULL
  duckdb_type type = DUCKDB_TYPE_INVALID;
  std::uint8_t scale = 0;  // of a DECIMAL
  std::uint64_t row = 0;   // in the vector
};

Cell Find(const Result::Rows& rows, std::size_t column, std::uint64_t row) {
  const auto after = std::upper_bound(rows.starts.begin(), rows.starts.end(), row);
  if (after == rows.starts.begin()) return {};
  const auto number = static_cast<std::size_t>(after - rows.starts.begin()) - 1;
  row -= rows.starts[number];
  if (row >= duckdb_data_chunk_get_size(rows.chunks[number])) return {};
  const duckdb_vector vector = duckdb_data_chunk_get_vector(rows.chunks[number], column);
  if (vector == nullptr) return {};
  std::uint64_t* validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return {};
  const LogicalType type(duckdb_vector_get_column_type(vector));
  Cell cell{duckdb_vector_get_data(vector), duckdb_get_type_id(type.get()), 0, row};
  if (cell.type == DUCKDB_TYPE_DECIMAL) {
    cell.scale = duckdb_decimal_scale(type.get());
    cell.type = duckdb_decimal_internal_type(type.get());
  }
  return cell;
}

template <typename T>
T At(const Cell& cell) {
  return static_cast<const T*>(cell.data)[cell.row];
}

std::int64_t IntegerOf(const Cell& cell) {
  switch (cell.type) {
    case DUCKDB_TYPE_BOOLEAN:
      return At<bool>(cell) ? 1 : 0;
    case DUCKDB_TYPE_TINYINT:
      return At<std::int8_t>(cell);
    case DUCKDB_TYPE_SMALLINT:
      return At<std::int16_t>(cell);
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
      return At<std::int32_t>(cell);
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_TIME:
      return At<std::int64_t>(cell);
    case DUCKDB_TYPE_UTINYINT:
      return At<std::uint8_t>(cell);
    case DUCKDB_TYPE_USMALLINT:
      return At<std::uint16_t>(cell);
    case DUCKDB_TYPE_UINTEGER:
      return At<std::uint32_t>(cell);
    case DUCKDB_TYPE_UBIGINT:
      return static_cast<std::int64_t>(
          std::min<std::uint64_t>(At<std::uint64_t>(cell), std::numeric_limits<std::int64_t>::max()));
    case DUCKDB_TYPE_HUGEINT: {
      const auto value = At<duckdb_hugeint>(cell);
      const auto low = static_cast<std::int64_t>(value.lower);
      if (value.upper == (low < 0 ? -1 : 0)) return low;
      return value.upper < 0 ? std::numeric_limits<std::int64_t>::min()
                             : std::numeric_limits<std::int64_t>::max();
    }
    case DUCKDB_TYPE_UHUGEINT: {
      const auto value = At<duckdb_uhugeint>(cell);
      const auto low = static_cast<std::int64_t>(value.lower);
      return value.upper == 0 && low >= 0 ? low : std::numeric_limits<std::int64_t>::max();
    }
    default:
      return 0;
  }
}

double WideOf(const Cell& cell) {
  switch (cell.type) {
    case DUCKDB_TYPE_FLOAT:
      return static_cast<double>(At<float>(cell));
    case DUCKDB_TYPE_DOUBLE:
      return At<double>(cell);
    case DUCKDB_TYPE_UBIGINT:
      return static_cast<double>(At<std::uint64_t>(cell));
    case DUCKDB_TYPE_HUGEINT:
      return duckdb_hugeint_to_double(At<duckdb_hugeint>(cell));
    case DUCKDB_TYPE_UHUGEINT:
      return duckdb_uhugeint_to_double(At<duckdb_uhugeint>(cell));
    default:
      return static_cast<double>(IntegerOf(cell));
  }
}

}  // namespace

Result::Result(std::unique_ptr<Rows> rows) : rows_(std::move(rows)) {
  const idx_t columns = duckdb_column_count(&rows_->result);
  for (idx_t i = 0; i < columns; ++i) {
    const LogicalType type(duckdb_column_logical_type(&rows_->result, i));
    columns_.push_back({duckdb_column_name(&rows_->result, i), TypeText(type.get())});
  }
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(rows_->result)) {
    rows_->chunks.push_back(chunk);
    rows_->starts.push_back(row_count_);
    row_count_ += duckdb_data_chunk_get_size(chunk);
  }
}
Result::Result(Result&&) noexcept = default;
Result& Result::operator=(Result&&) noexcept = default;
Result::~Result() = default;

std::uint64_t Result::rows_changed() const {
  // DuckDB answers such statements with one row, "Count".
  if (duckdb_result_return_type(rows_->result) == DUCKDB_RESULT_TYPE_CHANGED_ROWS && row_count_ == 1) {
    return static_cast<std::uint64_t>(Integer(0, 0));
  }
  return duckdb_rows_changed(&rows_->result);
}

bool Result::IsNull(std::size_t column, std::uint64_t row) const {
  return Find(*rows_, column, row).data == nullptr;
}

std::int64_t Result::Integer(std::size_t column, std::uint64_t row) const {
  const Cell cell = Find(*rows_, column, row);
  return cell.data == nullptr || cell.scale != 0 ? 0 : IntegerOf(cell);
}

double Result::Real(std::size_t column, std::uint64_t row) const {
  const Cell cell = Find(*rows_, column, row);
  return cell.data == nullptr ? 0 : WideOf(cell) / std::pow(10.0, cell.scale);
}

std::string_view Result::Text(std::size_t column, std::uint64_t row) const {
  const Cell cell = Find(*rows_, column, row);
  if (cell.data == nullptr || (cell.type != DUCKDB_TYPE_VARCHAR && cell.type != DUCKDB_TYPE_BLOB)) return {};
  // Not a copy: short strings lie within the cell itself.
  auto* text = const_cast<duckdb_string_t*>(static_cast<const duckdb_string_t*>(cell.data) + cell.row);
  return {duckdb_string_t_data(text), duckdb_string_t_length(*text)};
}

}  // namespace millrace::sql
