// What DuckDB 1.5 added to its C API and this room needs, for builds against the 1.4 header that is to be
// had: the copy functions. A test links every one of them. For .cc files of this room.
#pragma once

#include <duckdb.h>

extern "C" {

struct MillraceCopyOpaque;
using MillraceCopyFunction = MillraceCopyOpaque*;
using MillraceCopyInfo = MillraceCopyOpaque*;  // of bind, global init, sink and finalize alike

MillraceCopyFunction duckdb_create_copy_function();
void duckdb_copy_function_set_name(MillraceCopyFunction function, const char* name);
void duckdb_copy_function_set_extra_info(MillraceCopyFunction function, void* extra,
                                         duckdb_delete_callback_t destroy);
duckdb_state duckdb_register_copy_function(duckdb_connection connection, MillraceCopyFunction function);
void duckdb_destroy_copy_function(MillraceCopyFunction* function);

void duckdb_copy_function_set_bind(MillraceCopyFunction function, void (*bind)(MillraceCopyInfo));
void duckdb_copy_function_bind_set_error(MillraceCopyInfo info, const char* error);
void* duckdb_copy_function_bind_get_extra_info(MillraceCopyInfo info);
idx_t duckdb_copy_function_bind_get_column_count(MillraceCopyInfo info);
duckdb_logical_type duckdb_copy_function_bind_get_column_type(MillraceCopyInfo info, idx_t column);
duckdb_value duckdb_copy_function_bind_get_options(MillraceCopyInfo info);
void duckdb_copy_function_bind_set_bind_data(MillraceCopyInfo info, void* data,
                                             duckdb_delete_callback_t destroy);

void duckdb_copy_function_set_global_init(MillraceCopyFunction function, void (*init)(MillraceCopyInfo));
void* duckdb_copy_function_global_init_get_bind_data(MillraceCopyInfo info);
void duckdb_copy_function_global_init_set_error(MillraceCopyInfo info, const char* error);
void duckdb_copy_function_global_init_set_global_state(MillraceCopyInfo info, void* state,
                                                       duckdb_delete_callback_t destroy);

void duckdb_copy_function_set_sink(MillraceCopyFunction function,
                                   void (*sink)(MillraceCopyInfo, duckdb_data_chunk));
void duckdb_copy_function_sink_set_error(MillraceCopyInfo info, const char* error);
void* duckdb_copy_function_sink_get_global_state(MillraceCopyInfo info);

}  // extern "C"
