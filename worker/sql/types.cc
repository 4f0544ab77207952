#include "worker/sql/types.h"

#include <utility>

#include "worker/sql/result_rows.h"

namespace millrace::sql {
namespace {

std::string EnumText(duckdb_logical_type type) {
  std::string text = "ENUM(";
  const std::uint32_t size = duckdb_enum_dictionary_size(type);
  for (std::uint32_t i = 0; i < size; ++i) {
    if (i != 0) text += ", ";
    text += QuoteText(Own(duckdb_enum_dictionary_value(type, i)).get());
  }
  return text + ")";
}

std::string StructText(duckdb_logical_type type) {
  std::string text = "STRUCT(";
  const idx_t size = duckdb_struct_type_child_count(type);
  for (idx_t i = 0; i < size; ++i) {
    if (i != 0) text += ", ";
    text += QuoteName(Own(duckdb_struct_type_child_name(type, i)).get()) + " " +
            TypeText(LogicalType(duckdb_struct_type_child_type(type, i)).get());
  }
  return text + ")";
}

std::string UnionText(duckdb_logical_type type) {
  std::string text = "UNION(";
  const idx_t size = duckdb_union_type_member_count(type);
  for (idx_t i = 0; i < size; ++i) {
    if (i != 0) text += ", ";
    text += QuoteName(Own(duckdb_union_type_member_name(type, i)).get()) + " " +
            TypeText(LogicalType(duckdb_union_type_member_type(type, i)).get());
  }
  return text + ")";
}

const char* PlainText(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN:
      return "BOOLEAN";
    case DUCKDB_TYPE_TINYINT:
      return "TINYINT";
    case DUCKDB_TYPE_SMALLINT:
      return "SMALLINT";
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_SQLNULL:  // as CREATE TABLE AS does
      return "INTEGER";
    case DUCKDB_TYPE_BIGINT:
      return "BIGINT";
    case DUCKDB_TYPE_UTINYINT:
      return "UTINYINT";
    case DUCKDB_TYPE_USMALLINT:
      return "USMALLINT";
    case DUCKDB_TYPE_UINTEGER:
      return "UINTEGER";
    case DUCKDB_TYPE_UBIGINT:
      return "UBIGINT";
    case DUCKDB_TYPE_HUGEINT:
      return "HUGEINT";
    case DUCKDB_TYPE_UHUGEINT:
      return "UHUGEINT";
    case DUCKDB_TYPE_FLOAT:
      return "FLOAT";
    case DUCKDB_TYPE_DOUBLE:
      return "DOUBLE";
    case DUCKDB_TYPE_DATE:
      return "DATE";
    case DUCKDB_TYPE_TIME:
      return "TIME";
    case DUCKDB_TYPE_TIME_TZ:
      return "TIME WITH TIME ZONE";
    case DUCKDB_TYPE_TIME_NS:
      return "TIME_NS";
    case DUCKDB_TYPE_TIMESTAMP:
      return "TIMESTAMP";
    case DUCKDB_TYPE_TIMESTAMP_S:
      return "TIMESTAMP_S";
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return "TIMESTAMP_MS";
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return "TIMESTAMP_NS";
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return "TIMESTAMP WITH TIME ZONE";
    case DUCKDB_TYPE_INTERVAL:
      return "INTERVAL";
    case DUCKDB_TYPE_UUID:
      return "UUID";
    case DUCKDB_TYPE_VARCHAR:
      return "VARCHAR";
    case DUCKDB_TYPE_BLOB:
      return "BLOB";
    case DUCKDB_TYPE_BIT:
      return "BIT";
    case DUCKDB_TYPE_BIGNUM:
      return "BIGNUM";
    default:
      return "UNKNOWN";
  }
}

// 0: not of fixed width.
std::uint8_t FixedWidth(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_UTINYINT:
      return 1;
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_USMALLINT:
      return 2;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_SQLNULL:
      return 4;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIME_TZ:
    case DUCKDB_TYPE_TIME_NS:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return 8;
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_INTERVAL:
    case DUCKDB_TYPE_UUID:
      return 16;
    case DUCKDB_TYPE_DECIMAL: {
      const duckdb_type inner = duckdb_decimal_internal_type(type);
      return inner == DUCKDB_TYPE_SMALLINT  ? 2
             : inner == DUCKDB_TYPE_INTEGER ? 4
             : inner == DUCKDB_TYPE_BIGINT  ? 8
                                            : 16;
    }
    case DUCKDB_TYPE_ENUM: {
      const duckdb_type inner = duckdb_enum_internal_type(type);
      return inner == DUCKDB_TYPE_UTINYINT ? 1 : inner == DUCKDB_TYPE_USMALLINT ? 2 : 4;
    }
    default:
      return 0;
  }
}

}  // namespace

std::string TypeText(duckdb_logical_type type) {
  if (const OwnedText alias = Own(duckdb_logical_type_get_alias(type)); alias != nullptr && *alias != '\0') {
    return alias.get();  // JSON
  }
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_DECIMAL:
      return "DECIMAL(" + std::to_string(duckdb_decimal_width(type)) + "," +
             std::to_string(duckdb_decimal_scale(type)) + ")";
    case DUCKDB_TYPE_ENUM:
      return EnumText(type);
    case DUCKDB_TYPE_LIST:
      return TypeText(LogicalType(duckdb_list_type_child_type(type)).get()) + "[]";
    case DUCKDB_TYPE_ARRAY:
      return TypeText(LogicalType(duckdb_array_type_child_type(type)).get()) + "[" +
             std::to_string(duckdb_array_type_array_size(type)) + "]";
    case DUCKDB_TYPE_MAP:
      return "MAP(" + TypeText(LogicalType(duckdb_map_type_key_type(type)).get()) + ", " +
             TypeText(LogicalType(duckdb_map_type_value_type(type)).get()) + ")";
    case DUCKDB_TYPE_STRUCT:
      return StructText(type);
    case DUCKDB_TYPE_UNION:
      return UnionText(type);
    default:
      return PlainText(duckdb_get_type_id(type));
  }
}

StatusOr<shuffle::ColumnType> LayoutOf(duckdb_logical_type type, const std::string& column) {
  if (const std::uint8_t width = FixedWidth(type); width != 0) return shuffle::ColumnType::Fixed(width);
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
    case DUCKDB_TYPE_BIT:
    case DUCKDB_TYPE_BIGNUM:
      return shuffle::ColumnType::String();
    case DUCKDB_TYPE_LIST: {
      ASSIGN_OR_RETURN(shuffle::ColumnType child,
                       LayoutOf(LogicalType(duckdb_list_type_child_type(type)).get(), column));
      return shuffle::ColumnType::List(std::move(child));
    }
    case DUCKDB_TYPE_MAP: {
      ASSIGN_OR_RETURN(shuffle::ColumnType key,
                       LayoutOf(LogicalType(duckdb_map_type_key_type(type)).get(), column));
      ASSIGN_OR_RETURN(shuffle::ColumnType value,
                       LayoutOf(LogicalType(duckdb_map_type_value_type(type)).get(), column));
      return shuffle::ColumnType::List(shuffle::ColumnType::Struct({std::move(key), std::move(value)}));
    }
    case DUCKDB_TYPE_STRUCT: {
      std::vector<shuffle::ColumnType> fields;
      for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
        ASSIGN_OR_RETURN(shuffle::ColumnType field,
                         LayoutOf(LogicalType(duckdb_struct_type_child_type(type, i)).get(), column));
        fields.push_back(std::move(field));
      }
      return shuffle::ColumnType::Struct(std::move(fields));
    }
    default:
      return Unimplemented(
          "Column " + QuoteName(column) + " is of type " + TypeText(type) +
          ", which cannot be shuffled; cast it to VARCHAR or JSON (an ARRAY to a LIST) in the map SQL");
  }
}

StatusOr<std::vector<LogicalType>> TypesOf(Connection& connection, const std::vector<Column>& columns) {
  // The C API cannot parse a type, but a statement can.
  std::string sql = "SELECT ";
  for (std::size_t i = 0; i < columns.size(); ++i)
    sql += (i == 0 ? "CAST(NULL AS " : ", CAST(NULL AS ") + columns[i].type + ")";
  Result::Rows rows;
  if (duckdb_query(connection.handle(), sql.c_str(), &rows.result) != DuckDBSuccess) {
    if (duckdb_result_error_type(&rows.result) == DUCKDB_ERROR_INTERRUPT) {
      return Cancelled("Column types were not looked up, as their attempt was cancelled");
    }
    return InvalidArgument(std::string("Column types are not DuckDB's: ") +
                           duckdb_result_error(&rows.result));
  }
  std::vector<LogicalType> types;
  for (idx_t i = 0; i < columns.size(); ++i) types.emplace_back(duckdb_column_logical_type(&rows.result, i));
  return types;
}

StatusOr<std::vector<shuffle::ColumnType>> LayoutsOf(Connection& connection,
                                                     const std::vector<Column>& columns) {
  ASSIGN_OR_RETURN(const std::vector<LogicalType> types, TypesOf(connection, columns));
  std::vector<shuffle::ColumnType> layouts;
  std::string problems;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto layout = LayoutOf(types[i].get(), columns[i].name);
    if (layout.ok()) {
      layouts.push_back(std::move(*layout));
    } else {
      problems += (problems.empty() ? "" : "; ") + layout.status().message();
    }
  }
  if (!problems.empty()) return Unimplemented(problems);
  return layouts;
}

}  // namespace millrace::sql
