#include "worker/sql/file_scan.h"

#include <duckdb.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <limits>
#include <utility>

#include "worker/readers/values.h"
#include "worker/sql/shuffle_desk.h"
#include "worker/sql/table_function.h"
#include "worker/sql/types.h"

namespace millrace::sql {

// What one view reads. Immutable once offered, but for what is counted.
struct FileSource {
  std::vector<Column> columns;
  std::vector<LogicalType> types;  // of what is read: VARCHAR where the view casts
  readers::FileFormat format;
  readers::BadRecords* bad = nullptr;
  std::vector<readers::Piece> pieces;
  std::uint64_t bytes = 0;
  int threads = 1;
  std::atomic<std::uint64_t> rows = 0;    // that statements got so far
  std::atomic<std::uint64_t> values = 0;  // of them
};

namespace {

constexpr char kFileScan[] = "file_scan";
constexpr char kFileProbe[] = "file_probe";
constexpr std::uint64_t kBytesPerField = 8;  // to guess how many rows there are

// Of one thread.
struct FileThread {
  FileThread(const FileSource& source, std::vector<std::uint32_t> wanted)
      : targets(wanted.size()), reader(source.format, std::move(wanted), source.bad) {}
  std::vector<readers::ColumnTarget> targets;
  readers::BatchReader reader;
  bool open = false;
};

// By DuckDB's own cast of one value. Failure is told by the least value of the type, which its usual spelling never brings here.
class DuckDbCast final : public readers::OtherCast {
 public:
  bool Cast(const readers::ValueType& type, std::string_view text, void* to) override {
    using readers::ValueKind;
    if ((type.kind == ValueKind::kDate || type.kind == ValueKind::kTimestamp) && !MayBeIso(text)) return false;
    duckdb_value value = duckdb_create_varchar_length(text.data(), text.size());
    const bool done = CastTo(type.kind, value, to);
    duckdb_destroy_value(&value);
    return done;
  }

 private:
  // This cast, other than SQL's, takes 10-03-2001 for a day of the year 10.
  static bool MayBeIso(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && text[at] == ' ') ++at;
    std::size_t digits = 0;
    while (at + digits < text.size() && text[at + digits] >= '0' && text[at + digits] <= '9') ++digits;
    return digits == 0 || digits >= 4;
  }
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

// The columns that a statement wants; what count(*) asks for, a row's number or nothing, is none.
std::vector<std::uint32_t> Wanted(const FileSource& source, const std::vector<idx_t>& columns) {
  std::vector<std::uint32_t> wanted;
  for (const idx_t column : columns) {
    if (column < source.columns.size()) wanted.push_back(static_cast<std::uint32_t>(column));
  }
  return wanted;
}

// The next rows of the thread's piece, or of the next piece that nobody has; 0 when there are none.
StatusOr<std::size_t> Rows(const FileSource& source, ScanState& state, FileThread& thread) {
  DuckDbCast cast;
  for (;;) {
    if (!thread.open) {
      const std::size_t number = state.next++;
      if (number >= source.pieces.size()) return std::size_t{0};
      RETURN_IF_ERROR(thread.reader.Open(source.pieces[number]));
      thread.open = true;
    }
    ASSIGN_OR_RETURN(const std::size_t rows, thread.reader.Next(cast, thread.targets));
    if (rows != 0) return rows;
    thread.open = false;
  }
}

Status Scan(FileSource& source, ScanState& state, FileThread& thread, duckdb_data_chunk chunk) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < state.columns.size(); ++i) {
    if (state.columns[i] >= source.columns.size()) continue;
    thread.targets[next++].values = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, i));
  }
  ASSIGN_OR_RETURN(const std::size_t rows, Rows(source, state, thread));
  next = 0;
  for (std::size_t i = 0; rows != 0 && i < state.columns.size(); ++i) {
    if (state.columns[i] >= source.columns.size()) continue;
    const readers::ColumnTarget& target = thread.targets[next++];
    if (!target.nulls) continue;
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    duckdb_vector_ensure_validity_writable(vector);
    std::memcpy(duckdb_vector_get_validity(vector), target.valid, (rows + 63) / 64 * 8);
  }
  source.rows += rows;
  source.values += rows * thread.targets.size();
  duckdb_data_chunk_set_size(chunk, rows);
  return OkStatus();
}

void BindFiles(duckdb_bind_info info) {
  auto* desk = static_cast<ShuffleDesk*>(duckdb_bind_get_extra_info(info));
  FileSource* source = desk->File(SourceNumber(info));
  if (source == nullptr) {
    duckdb_bind_set_error(info, "file_scan is for Millrace's own views");
    return;
  }
  OfferColumns(info, source->columns, source->types);
  duckdb_bind_set_bind_data(info, source, nullptr);
  duckdb_bind_set_cardinality(info, source->bytes / (kBytesPerField * source->columns.size()) + 1, false);
}

void BeginFiles(duckdb_init_info info) {
  const auto* source = static_cast<const FileSource*>(duckdb_init_get_bind_data(info));
  BeginScan(info, source->pieces.size(), source->threads);
}

void BeginFileThread(duckdb_init_info info) {
  const auto* source = static_cast<const FileSource*>(duckdb_init_get_bind_data(info));
  auto thread = std::make_unique<FileThread>(*source, Wanted(*source, WantedColumns(info)));
  duckdb_init_set_init_data(info, thread.release(), [](void* raw) { delete static_cast<FileThread*>(raw); });
}

void ScanFiles(duckdb_function_info info, duckdb_data_chunk chunk) {
  auto* source = static_cast<FileSource*>(duckdb_function_get_bind_data(info));
  auto* state = static_cast<ScanState*>(duckdb_function_get_init_data(info));
  auto* thread = static_cast<FileThread*>(duckdb_function_get_local_init_data(info));
  Status status;
  try {
    status = Scan(*source, *state, *thread, chunk);
  } catch (const std::exception& error) {  // of allocation; must not run through DuckDB's C frames
    status = ResourceExhausted(std::string("Reading files failed: ") + error.what());
  }
  if (!status.ok()) duckdb_function_set_error(info, status.message().c_str());
}

// The columns as they are, but for those that are read as texts of another type.
std::string ViewSelect(const FileSource& source, const std::vector<Column>& read, std::uint64_t handle, const char* function) {
  std::string list;
  for (std::size_t i = 0; i < read.size(); ++i) {
    const std::string name = QuoteName(read[i].name);
    if (!list.empty()) list += ", ";
    const bool as_read = source.columns[i].type == read[i].type;
    const std::string json = source.format.columns[i].json ? "CAST(" + name + " AS JSON)" : name;
    if (as_read) {
      list += name;
    } else if (source.columns[i].type == "JSON") {
      list += json + " AS " + name;
    } else {
      list += "CAST(" + json + " AS " + source.columns[i].type + ") AS " + name;
    }
  }
  return "SELECT " + list + " FROM " + function + "(" + std::to_string(handle) + "::UBIGINT)";
}

}  // namespace

Status RegisterFileScan(duckdb_connection connection, ShuffleDesk& desk) {
  const ScanCalls calls{&BindFiles, &BeginFiles, &BeginFileThread, &ScanFiles};
  RETURN_IF_ERROR(RegisterScan(connection, desk, kFileScan, calls));
  return RegisterScan(connection, desk, kFileProbe, calls);
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

std::uint64_t FileInput::rows() const { return source_->rows; }
std::uint64_t FileInput::values() const { return source_->values; }

StatusOr<std::unique_ptr<FileInput>> OpenFileInput(Connection& connection, const std::string& view, const std::vector<Column>& columns,
                                                   const FileReading& how, std::vector<readers::Piece> pieces) {
  if (columns.empty()) return InvalidArgument(view + " has no columns");
  auto source = std::make_unique<FileSource>();
  source->columns = columns;
  source->format.dialect = how.dialect;
  source->format.dialect.columns = how.json ? 1 : static_cast<std::uint32_t>(columns.size() - how.path_columns.size());
  source->format.json = how.json;
  source->bad = how.bad;
  std::vector<Column> read = columns;
  for (Column& column : read) {
    const bool from_path = std::find(how.path_columns.begin(), how.path_columns.end(), column.name) != how.path_columns.end();
    const std::optional<readers::ValueType> type = readers::ValueTypeOf(column.type);
    source->format.columns.push_back({.name = column.name,
                                      .type = type.value_or(readers::ValueType{}),
                                      .json = how.json && !type && !from_path,
                                      .from_path = from_path,
                                      .called = "column " + QuoteName(column.name) + " (" + column.type + ")"});
    if (!type) column.type = "VARCHAR";
  }
  ASSIGN_OR_RETURN(source->types, TypesOf(connection, read));
  source->pieces = std::move(pieces);
  for (const readers::Piece& piece : source->pieces) source->bytes += piece.end - piece.begin;
  source->threads = connection.instance().threads();
  const FileSource& offered = *source;
  std::unique_ptr<FileInput> input(new FileInput(connection, view, std::move(source)));
  const std::string select = ViewSelect(offered, read, input->handle_, how.probe ? kFileProbe : kFileScan);
  RETURN_IF_ERROR(connection.Run("CREATE OR REPLACE TEMP VIEW " + QuoteName(view) + " AS " + select).status());
  return input;
}

}  // namespace millrace::sql
