#include "worker/sql/file_scan.h"

#include <duckdb.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <limits>
#include <utility>

#include "worker/readers/record_reader.h"
#include "worker/readers/values.h"
#include "worker/sql/shuffle_desk.h"
#include "worker/sql/types.h"

namespace millrace::sql {

// What one view reads. Immutable once offered.
struct FileSource {
  std::vector<Column> columns;
  std::vector<LogicalType> types;  // of what is read: VARCHAR where the view casts
  std::vector<readers::ValueType> values;
  std::vector<std::string> labels;  // for messages
  readers::Dialect dialect;
  std::vector<readers::Piece> pieces;
  std::uint64_t bytes = 0;
  int threads = 1;
};

namespace {

constexpr char kFunction[] = "file_scan";
constexpr std::uint64_t kBytesPerField = 8;  // to guess how many rows there are

// Of one statement: which columns it wants, and the next piece to give out.
struct ScanState {
  std::vector<idx_t> columns;
  std::atomic<std::size_t> next = 0;
};

// Of one thread.
struct ScanThread {
  explicit ScanThread(const readers::Dialect& dialect) : reader(dialect) {}
  readers::RecordReader reader;
  readers::Window window;
  std::size_t row = 0;  // of the window
  const readers::Piece* piece = nullptr;
};

// By DuckDB's own cast of one value. Failure is told by the least value of the type, which its usual spelling never brings here.
class DuckDbCast final : public readers::OtherCast {
 public:
  bool Cast(const readers::ValueType& type, std::string_view text, void* to) override {
    using readers::ValueKind;
    duckdb_value value = duckdb_create_varchar_length(text.data(), text.size());
    const bool done = CastTo(type.kind, value, to);
    duckdb_destroy_value(&value);
    return done;
  }

 private:
  template <typename T>
  static bool Keep(T value, void* to) {
    std::memcpy(to, &value, sizeof value);
    return value != std::numeric_limits<T>::lowest();
  }
  // 0 is what unsigned casts fail with; there are few other spellings of it.
  template <typename T>
  static bool KeepUnsigned(T value, void* to) {
    std::memcpy(to, &value, sizeof value);
    return value != 0;
  }

  static bool CastTo(readers::ValueKind kind, duckdb_value value, void* to) {
    using readers::ValueKind;
    switch (kind) {
      case ValueKind::kInt8:
        return Keep(duckdb_get_int8(value), to);
      case ValueKind::kInt16:
        return Keep(duckdb_get_int16(value), to);
      case ValueKind::kInt32:
        return Keep(duckdb_get_int32(value), to);
      case ValueKind::kInt64:
        return Keep(duckdb_get_int64(value), to);
      case ValueKind::kUint8:
        return KeepUnsigned(duckdb_get_uint8(value), to);
      case ValueKind::kUint16:
        return KeepUnsigned(duckdb_get_uint16(value), to);
      case ValueKind::kUint32:
        return KeepUnsigned(duckdb_get_uint32(value), to);
      case ValueKind::kUint64:
        return KeepUnsigned(duckdb_get_uint64(value), to);
      case ValueKind::kFloat:
        return Keep(duckdb_get_float(value), to);
      case ValueKind::kDouble:
        return Keep(duckdb_get_double(value), to);
      case ValueKind::kDate:
        return Keep(duckdb_get_date(value).days, to);
      case ValueKind::kTimestamp:
        return Keep(duckdb_get_timestamp(value).micros, to);
      default:
        return false;  // every spelling of a BOOLEAN is known; decimals have no such cast
    }
  }
};

// Makes the next window with rows the thread's; false when there is none.
StatusOr<bool> Advance(const FileSource& source, ScanState& state, ScanThread& thread) {
  while (thread.row == thread.window.rows) {
    if (thread.piece == nullptr) {
      const std::size_t number = state.next++;
      if (number >= source.pieces.size()) return false;
      thread.piece = &source.pieces[number];
      RETURN_IF_ERROR(thread.reader.Open(*thread.piece));
    }
    thread.row = 0;
    ASSIGN_OR_RETURN(const bool more, thread.reader.Next(thread.window));
    if (!more) {
      thread.piece = nullptr;
      thread.window = {};
    }
  }
  return true;
}

Status Scan(const FileSource& source, ScanState& state, ScanThread& thread, duckdb_data_chunk chunk) {
  ASSIGN_OR_RETURN(const bool more, Advance(source, state, thread));
  const std::size_t rows = more ? std::min(thread.window.rows - thread.row, readers::kMaxBatch) : 0;
  DuckDbCast cast;
  for (std::size_t i = 0; rows != 0 && i < state.columns.size(); ++i) {
    const idx_t column = state.columns[i];
    if (column >= source.columns.size()) continue;  // count(*) wants a row's number or nothing
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    readers::ColumnTarget target;
    target.values = duckdb_vector_get_data(vector);
    RETURN_IF_ERROR(readers::ReadColumn(source.dialect, thread.window, static_cast<std::uint32_t>(column), source.values[column],
                                            source.labels[column], thread.row, rows, cast, target));
    if (!target.nulls) continue;
    duckdb_vector_ensure_validity_writable(vector);
    std::memcpy(duckdb_vector_get_validity(vector), target.valid, (rows + 63) / 64 * 8);
  }
  thread.row += rows;
  duckdb_data_chunk_set_size(chunk, rows);
  return OkStatus();
}

void Bind(duckdb_bind_info info) {
  auto* desk = static_cast<ShuffleDesk*>(duckdb_bind_get_extra_info(info));
  duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
  FileSource* source = desk->File(duckdb_get_uint64(parameter));
  duckdb_destroy_value(&parameter);
  if (source == nullptr) {
    duckdb_bind_set_error(info, "file_scan is for Millrace's own views");
    return;
  }
  for (std::size_t i = 0; i < source->columns.size(); ++i) {
    duckdb_bind_add_result_column(info, source->columns[i].name.c_str(), source->types[i].get());
  }
  duckdb_bind_set_bind_data(info, source, nullptr);
  duckdb_bind_set_cardinality(info, source->bytes / (kBytesPerField * source->columns.size()) + 1, false);
}

void Init(duckdb_init_info info) {
  const auto* source = static_cast<const FileSource*>(duckdb_init_get_bind_data(info));
  auto state = std::make_unique<ScanState>();
  for (idx_t i = 0; i < duckdb_init_get_column_count(info); ++i) {
    state->columns.push_back(duckdb_init_get_column_index(info, i));
  }
  const auto threads = std::min(source->pieces.size(), static_cast<std::size_t>(source->threads));
  duckdb_init_set_max_threads(info, std::max<std::size_t>(1, threads));
  duckdb_init_set_init_data(info, state.release(), [](void* raw) { delete static_cast<ScanState*>(raw); });
}

void LocalInit(duckdb_init_info info) {
  const auto* source = static_cast<const FileSource*>(duckdb_init_get_bind_data(info));
  auto thread = std::make_unique<ScanThread>(source->dialect);
  duckdb_init_set_init_data(info, thread.release(), [](void* raw) { delete static_cast<ScanThread*>(raw); });
}

void Function(duckdb_function_info info, duckdb_data_chunk chunk) {
  const auto* source = static_cast<const FileSource*>(duckdb_function_get_bind_data(info));
  auto* state = static_cast<ScanState*>(duckdb_function_get_init_data(info));
  auto* thread = static_cast<ScanThread*>(duckdb_function_get_local_init_data(info));
  Status status;
  try {
    status = Scan(*source, *state, *thread, chunk);
  } catch (const std::exception& error) {  // of allocation; must not run through DuckDB's C frames
    status = ResourceExhausted(std::string("Reading files failed: ") + error.what());
  }
  if (!status.ok()) duckdb_function_set_error(info, status.message().c_str());
}

// The columns as they are, but for those that are read as texts of another type.
std::string ViewSelect(const FileSource& source, const std::vector<Column>& read, std::uint64_t handle) {
  std::string list;
  for (std::size_t i = 0; i < read.size(); ++i) {
    const std::string name = QuoteName(read[i].name);
    if (!list.empty()) list += ", ";
    list += source.columns[i].type == read[i].type ? name : "CAST(" + name + " AS " + source.columns[i].type + ") AS " + name;
  }
  return "SELECT " + list + " FROM " + kFunction + "(" + std::to_string(handle) + "::UBIGINT)";
}

}  // namespace

Status RegisterFileScan(duckdb_connection connection, ShuffleDesk& desk) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, kFunction);
  const LogicalType number(duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT));
  duckdb_table_function_add_parameter(function, number.get());
  duckdb_table_function_set_extra_info(function, &desk, nullptr);
  duckdb_table_function_set_bind(function, &Bind);
  duckdb_table_function_set_init(function, &Init);
  duckdb_table_function_set_local_init(function, &LocalInit);
  duckdb_table_function_set_function(function, &Function);
  duckdb_table_function_supports_projection_pushdown(function, true);
  const duckdb_state state = duckdb_register_table_function(connection, function);
  duckdb_destroy_table_function(&function);
  return state == DuckDBSuccess ? OkStatus() : Internal("DuckDB refused the files' table function");
}

FileInput::FileInput(Connection& connection, std::string view, std::unique_ptr<FileSource> source)
    : connection_(connection),
      view_(std::move(view)),
      source_(std::move(source)),
      handle_(connection.instance().shuffle_desk().Offer(source_.get())) {}

FileInput::~FileInput() {
  // After an interrupt the view stays until the connection ends; what it names is gone, and it says so when read.
  const Status dropped = connection_.Run("DROP VIEW IF EXISTS temp.main." + QuoteName(view_)).status();
  static_cast<void>(dropped);
  connection_.instance().shuffle_desk().Withdraw(handle_);
}

StatusOr<std::unique_ptr<FileInput>> OpenFileInput(Connection& connection, const std::string& view, const std::vector<Column>& columns,
                                                   const readers::Dialect& dialect, std::vector<readers::Piece> pieces) {
  if (columns.empty()) return InvalidArgument(view + " has no columns");
  auto source = std::make_unique<FileSource>();
  source->columns = columns;
  source->dialect = dialect;
  source->dialect.columns = static_cast<std::uint32_t>(columns.size());
  std::vector<Column> read = columns;
  for (Column& column : read) {
    source->labels.push_back("column " + QuoteName(column.name) + " (" + column.type + ")");
    const std::optional<readers::ValueType> type = readers::ValueTypeOf(column.type);
    if (!type) column.type = "VARCHAR";
    source->values.push_back(type.value_or(readers::ValueType{}));
  }
  ASSIGN_OR_RETURN(source->types, TypesOf(connection, read));
  source->pieces = std::move(pieces);
  for (const readers::Piece& piece : source->pieces) source->bytes += piece.end - piece.begin;
  source->threads = connection.instance().threads();
  const FileSource& offered = *source;
  std::unique_ptr<FileInput> input(new FileInput(connection, view, std::move(source)));
  RETURN_IF_ERROR(
      connection.Run("CREATE OR REPLACE TEMP VIEW " + QuoteName(view) + " AS " + ViewSelect(offered, read, input->handle_)).status());
  return input;
}

}  // namespace millrace::sql
