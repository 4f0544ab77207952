#include "worker/sql/table_function.h"

#include <algorithm>
#include <memory>
#include <string>

namespace millrace::sql {

Status RegisterScan(duckdb_connection connection, ShuffleDesk& desk, const char* name, const ScanCalls& calls) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, name);
  const LogicalType number(duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT));
  duckdb_table_function_add_parameter(function, number.get());
  duckdb_table_function_set_extra_info(function, &desk, nullptr);
  duckdb_table_function_set_bind(function, calls.bind);
  duckdb_table_function_set_init(function, calls.begin);
  duckdb_table_function_set_local_init(function, calls.begin_thread);
  duckdb_table_function_set_function(function, calls.scan);
  duckdb_table_function_supports_projection_pushdown(function, true);
  const duckdb_state state = duckdb_register_table_function(connection, function);
  duckdb_destroy_table_function(&function);
  return state == DuckDBSuccess ? OkStatus() : Internal(std::string("DuckDB refused the table function ") + name);
}

std::uint64_t SourceNumber(duckdb_bind_info info) {
  duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
  const std::uint64_t number = duckdb_get_uint64(parameter);
  duckdb_destroy_value(&parameter);
  return number;
}

void OfferColumns(duckdb_bind_info info, const std::vector<Column>& columns, const std::vector<LogicalType>& types) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    duckdb_bind_add_result_column(info, columns[i].name.c_str(), types[i].get());
  }
}

std::vector<idx_t> WantedColumns(duckdb_init_info info) {
  std::vector<idx_t> columns;
  for (idx_t i = 0; i < duckdb_init_get_column_count(info); ++i) columns.push_back(duckdb_init_get_column_index(info, i));
  return columns;
}

void BeginScan(duckdb_init_info info, std::size_t parts, int threads) {
  auto state = std::make_unique<ScanState>();
  state->columns = WantedColumns(info);
  duckdb_init_set_max_threads(info, std::clamp<std::size_t>(parts, 1, static_cast<std::size_t>(std::max(threads, 1))));
  duckdb_init_set_init_data(info, state.release(), [](void* raw) { delete static_cast<ScanState*>(raw); });
}

}  // namespace millrace::sql
