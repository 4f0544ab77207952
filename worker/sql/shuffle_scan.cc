#include "worker/sql/shuffle_scan.h"

#include <duckdb.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <set>
#include <span>
#include <utility>

#include "worker/shuffle/block.h"
#include "worker/sql/shuffle_desk.h"
#include "worker/sql/table_function.h"
#include "worker/sql/types.h"

namespace millrace::sql {

// What one view reads. Immutable once offered, but for what was found corrupt.
struct ScanSource {
  struct Block {
    std::span<const std::byte> bytes;
    std::int32_t map_index = 0;
  };
  std::vector<Column> columns;
  std::vector<LogicalType> types;
  std::vector<shuffle::ColumnType> layouts;
  std::vector<MapBlocks> owned;
  std::vector<Block> blocks;
  std::uint64_t rows = 0;
  int threads = 1;
  mutable std::mutex mutex;
  std::set<std::int32_t> corrupt;  // guarded by mutex
};

namespace {

using shuffle::BlockView;
using shuffle::ColumnType;
using shuffle::ColumnView;

constexpr char kShuffleScan[] = "shuffle_scan";

// Where reading stands within a column, as strings and lists have no fixed place.
struct Cursor {
  std::uint64_t row = 0;
  std::uint64_t heap = 0;
  std::vector<Cursor> children;
};

Cursor StartOf(const ColumnType& type) {
  Cursor cursor;
  for (const ColumnType& child : type.children) cursor.children.push_back(StartOf(child));
  return cursor;
}

// Of one thread: the block it reads.
struct BlockThread {
  BlockView block;
  std::uint64_t row = 0;
  std::vector<Cursor> cursors;
};

std::uint32_t LengthAt(const ColumnView& column, std::uint64_t row) {
  std::uint32_t length;
  std::memcpy(&length, column.values + row * sizeof length, sizeof length);
  return length;
}

bool ValidAt(const ColumnView& column, std::uint64_t row) {
  std::uint64_t word;
  std::memcpy(&word, column.validity + row / 64 * sizeof word, sizeof word);
  return (word >> (row % 64) & 1) != 0;
}

void FillValidity(const ColumnView& column, std::uint64_t from, duckdb_vector out, std::uint64_t rows) {
  if (column.validity == nullptr) return;
  duckdb_vector_ensure_validity_writable(out);
  std::uint64_t* mask = duckdb_vector_get_validity(out);
  if (from % 64 == 0) {
    std::memcpy(mask, column.validity + from / 8, (rows + 63) / 64 * 8);
    return;
  }
  for (std::uint64_t i = 0; i < rows; ++i)
    duckdb_validity_set_row_validity(mask, i, ValidAt(column, from + i));
}

// Long strings stay where they are: the mapping outlives the statement. A view of a block was checked,
// lengths too.
void FillStrings(const ColumnView& column, Cursor& cursor, duckdb_vector out, std::uint64_t rows) {
  auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(out));
  const char* heap = reinterpret_cast<const char*>(column.heap.data());
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::uint32_t length = LengthAt(column, cursor.row + i);
    const char* text = heap + cursor.heap;
    duckdb_string_t& target = texts[i];
    target.value.inlined.length = length;
    if (length <= sizeof target.value.inlined.inlined) {
      std::memset(target.value.inlined.inlined, 0, sizeof target.value.inlined.inlined);
      if (length != 0) std::memcpy(target.value.inlined.inlined, text, length);
    } else {
      std::memcpy(target.value.pointer.prefix, text, sizeof target.value.pointer.prefix);
      target.value.pointer.ptr = const_cast<char*>(text);
    }
    cursor.heap += length;
  }
}

// The next `rows` rows to the start of `out`; the cursor moves on.
Status Fill(const ColumnType& type, const ColumnView& column, Cursor& cursor, duckdb_vector out,
            std::uint64_t rows) {
  if (rows == 0) return OkStatus();
  FillValidity(column, cursor.row, out, rows);
  switch (type.kind) {
    case shuffle::ColumnKind::kFixed:
      std::memcpy(duckdb_vector_get_data(out), column.values + cursor.row * type.width, rows * type.width);
      break;
    case shuffle::ColumnKind::kString:
      FillStrings(column, cursor, out, rows);
      break;
    case shuffle::ColumnKind::kList: {
      auto* lists = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(out));
      std::uint64_t total = 0;
      for (std::uint64_t i = 0; i < rows; ++i) {
        lists[i] = {total, LengthAt(column, cursor.row + i)};
        total += lists[i].length;
      }
      if (duckdb_list_vector_reserve(out, total) != DuckDBSuccess ||
          duckdb_list_vector_set_size(out, total) != DuckDBSuccess) {
        return ResourceExhausted("Out of memory for the lists of a shuffle block");
      }
      RETURN_IF_ERROR(Fill(type.children[0], column.children[0], cursor.children[0],
                           duckdb_list_vector_get_child(out), total));
      break;
    }
    case shuffle::ColumnKind::kStruct:
      for (idx_t i = 0; i < type.children.size(); ++i) {
        RETURN_IF_ERROR(Fill(type.children[i], column.children[i], cursor.children[i],
                             duckdb_struct_vector_get_child(out, i), rows));
      }
      break;
  }
  cursor.row += rows;
  return OkStatus();
}

// The thread's next block with rows left; false when there is none.
StatusOr<bool> Advance(ScanSource& source, ScanState& state, BlockThread& thread) {
  while (thread.row == thread.block.rows()) {
    const std::size_t number = state.next++;
    if (number >= source.blocks.size()) return false;
    const ScanSource::Block& block = source.blocks[number];
    auto view = BlockView::Open(block.bytes, source.layouts);
    if (!view.ok()) {
      const std::lock_guard lock(source.mutex);
      source.corrupt.insert(block.map_index);
      return view.status().WithContext("Map " + std::to_string(block.map_index));
    }
    thread.block = std::move(*view);
    thread.row = 0;
    thread.cursors.clear();
    for (const idx_t column : state.columns) thread.cursors.push_back(StartOf(source.layouts[column]));
  }
  return true;
}

Status Scan(ScanSource& source, ScanState& state, BlockThread& thread, duckdb_data_chunk chunk) {
  ASSIGN_OR_RETURN(const bool more, Advance(source, state, thread));
  if (!more) {
    duckdb_data_chunk_set_size(chunk, 0);
    return OkStatus();
  }
  const std::uint64_t rows = std::min<std::uint64_t>(thread.block.rows() - thread.row, duckdb_vector_size());
  for (std::size_t i = 0; i < state.columns.size(); ++i) {
    const idx_t column = state.columns[i];
    RETURN_IF_ERROR(Fill(source.layouts[column], thread.block.column(column), thread.cursors[i],
                         duckdb_data_chunk_get_vector(chunk, i), rows));
  }
  thread.row += rows;
  duckdb_data_chunk_set_size(chunk, rows);
  return OkStatus();
}

void BindBlocks(duckdb_bind_info info) {
  auto* desk = static_cast<ShuffleDesk*>(duckdb_bind_get_extra_info(info));
  ScanSource* source = desk->Source(SourceNumber(info));
  if (source == nullptr) {
    duckdb_bind_set_error(info, "shuffle_scan is for Millrace's own views");
    return;
  }
  OfferColumns(info, source->columns, source->types);
  duckdb_bind_set_bind_data(info, source, nullptr);
  duckdb_bind_set_cardinality(info, source->rows, true);
}

void BeginBlocks(duckdb_init_info info) {
  const auto* source = static_cast<const ScanSource*>(duckdb_init_get_bind_data(info));
  BeginScan(info, source->blocks.size(), source->threads);
}

void BeginBlockThread(duckdb_init_info info) {
  duckdb_init_set_init_data(info, new BlockThread(), [](void* raw) { delete static_cast<BlockThread*>(raw); });
}

void ScanBlocks(duckdb_function_info info, duckdb_data_chunk chunk) {
  auto* source = static_cast<ScanSource*>(duckdb_function_get_bind_data(info));
  auto* state = static_cast<ScanState*>(duckdb_function_get_init_data(info));
  auto* thread = static_cast<BlockThread*>(duckdb_function_get_local_init_data(info));
  Status status;
  try {
    status = Scan(*source, *state, *thread, chunk);
  } catch (const std::exception& error) {  // of allocation; must not run through DuckDB's C frames
    status = ResourceExhausted(std::string("Shuffle failed: ") + error.what());
  }
  if (!status.ok()) duckdb_function_set_error(info, status.message().c_str());
}

}  // namespace

Status RegisterShuffleScan(duckdb_connection connection, ShuffleDesk& desk) {
  return RegisterScan(connection, desk, kShuffleScan, {&BindBlocks, &BeginBlocks, &BeginBlockThread, &ScanBlocks});
}

ShuffleInput::ShuffleInput(Connection& connection, std::string view, std::unique_ptr<ScanSource> source,
                           std::uint64_t handle)
    : connection_(connection), view_(std::move(view)), source_(std::move(source)), handle_(handle) {}

ShuffleInput::~ShuffleInput() {
  // After an interrupt the view stays until the connection ends; what it names is gone, and it says so when
  // read.
  const Status dropped = connection_.Run("DROP VIEW IF EXISTS " + view_).status();
  static_cast<void>(dropped);
  connection_.instance().shuffle_desk().Withdraw(handle_);
}

std::uint64_t ShuffleInput::rows() const { return source_->rows; }

Status ShuffleInput::Narrow(const std::string& condition) {
  return connection_
      .Run("CREATE OR REPLACE TEMP VIEW " + view_ + " AS SELECT * FROM " + kShuffleScan + "(" +
           std::to_string(handle_) + "::UBIGINT)" + (condition.empty() ? "" : " WHERE " + condition))
      .status();
}

std::vector<std::int32_t> ShuffleInput::corrupt_maps() const {
  const std::lock_guard lock(source_->mutex);
  return {source_->corrupt.begin(), source_->corrupt.end()};
}

StatusOr<std::unique_ptr<ShuffleInput>> OpenShuffleInput(Connection& connection, const std::string& view,
                                                         const std::vector<Column>& columns,
                                                         std::vector<MapBlocks> blocks,
                                                         std::vector<std::int32_t>* corrupt) {
  auto source = std::make_unique<ScanSource>();
  source->columns = columns;
  ASSIGN_OR_RETURN(source->types, TypesOf(connection, columns));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    ASSIGN_OR_RETURN(shuffle::ColumnType layout, LayoutOf(source->types[i].get(), columns[i].name));
    source->layouts.push_back(std::move(layout));
  }
  source->owned = std::move(blocks);
  Status damaged;
  for (const MapBlocks& map : source->owned) {
    std::span<const std::byte> rest = map.blocks.bytes();
    while (!rest.empty()) {
      const auto head = shuffle::ReadBlockHead(rest);
      if (!head.ok()) {
        damaged = head.status().WithContext("Map " + std::to_string(map.map_index));
        if (corrupt != nullptr) corrupt->push_back(map.map_index);
        break;
      }
      source->blocks.push_back({rest.first(head->bytes), map.map_index});
      source->rows += head->rows;
      rest = rest.subspan(head->bytes);
    }
  }
  RETURN_IF_ERROR(damaged);
  source->threads = connection.instance().threads();
  const std::string name = "temp.main." + QuoteName(view);
  const std::uint64_t handle = connection.instance().shuffle_desk().Offer(source.get());
  std::unique_ptr<ShuffleInput> input(new ShuffleInput(connection, name, std::move(source), handle));
  RETURN_IF_ERROR(input->Narrow(""));
  return input;
}

}  // namespace millrace::sql
