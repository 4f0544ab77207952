#include "worker/sql/duckdb_copy.h"

#include <gtest/gtest.h>

namespace {

// Declarations of ours that the library must export; a change of name would be a link error here.
TEST(DuckDbCopyApi, EveryFunctionWeDeclareIsInTheLibrary) {
  const void* functions[] = {
      reinterpret_cast<const void*>(&duckdb_create_copy_function),
      reinterpret_cast<const void*>(&duckdb_copy_function_set_name),
      reinterpret_cast<const void*>(&duckdb_copy_function_set_extra_info),
      reinterpret_cast<const void*>(&duckdb_register_copy_function),
      reinterpret_cast<const void*>(&duckdb_destroy_copy_function),
      reinterpret_cast<const void*>(&duckdb_copy_function_set_bind),
      reinterpret_cast<const void*>(&duckdb_copy_function_bind_set_error),
      reinterpret_cast<const void*>(&duckdb_copy_function_bind_get_extra_info),
      reinterpret_cast<const void*>(&duckdb_copy_function_bind_get_column_count),
      reinterpret_cast<const void*>(&duckdb_copy_function_bind_get_column_type),
      reinterpret_cast<const void*>(&duckdb_copy_function_bind_get_options),
      reinterpret_cast<const void*>(&duckdb_copy_function_bind_set_bind_data),
      reinterpret_cast<const void*>(&duckdb_copy_function_set_global_init),
      reinterpret_cast<const void*>(&duckdb_copy_function_global_init_get_bind_data),
      reinterpret_cast<const void*>(&duckdb_copy_function_global_init_set_error),
      reinterpret_cast<const void*>(&duckdb_copy_function_global_init_set_global_state),
      reinterpret_cast<const void*>(&duckdb_copy_function_set_sink),
      reinterpret_cast<const void*>(&duckdb_copy_function_sink_set_error),
      reinterpret_cast<const void*>(&duckdb_copy_function_sink_get_global_state),
  };
  for (const void* function : functions) EXPECT_NE(function, nullptr);
}

}  // namespace
