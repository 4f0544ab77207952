#include "worker/sql/shuffle_copy.h"

#include <duckdb.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <utility>

#include "core/model/partition.h"
#include "platform/failpoint/failpoint.h"
#include "worker/sql/duckdb_copy.h"
#include "worker/sql/shuffle_desk.h"
#include "worker/sql/shuffle_scan.h"
#include "worker/sql/types.h"

namespace millrace::sql {

// What one COPY writes to. Its SELECT's first column is the hash of the keys, or what rows are sorted by; the others are the
// writer's.
struct CopyTarget {
  shuffle::MapWriter* writer = nullptr;
  bool scatter = false;
  bool ordered = false;  // the first column is what rows are sorted by
  std::span<const std::string> bounds;
  std::vector<SaltedKey> salts;  // by hash
  std::uint32_t salted_partitions = 0;
  bool replicates = false;
  std::uint64_t seen = 0;    // guarded by mutex: rows so far, of which
  std::uint64_t stride = 1;  // each so-manieth
  std::vector<std::string> sample;  // is here
  std::atomic<std::uint32_t> turns = 0;  // chunks so far
  std::mutex mutex;
  Status failed;  // guarded by mutex: the first error of a lane, with its code
  std::vector<shuffle::Lane*> lanes;  // guarded by mutex: a thread each; of these
  std::size_t taken = 0;              // the first so many are in use by the COPY that runs

  shuffle::Lane* TakeLane() {
    const std::lock_guard lock(mutex);
    if (taken == lanes.size()) lanes.push_back(writer->AddLane());
    return lanes[taken++];
  }
};

namespace {

using shuffle::ColumnInput;
using shuffle::ColumnType;

constexpr char kFormat[] = "millrace_shuffle";
constexpr char kHeavyView[] = "millrace.heavy";
constexpr std::size_t kSampleSize = 200;   // at least, when there are so many rows
constexpr std::size_t kSampleBytes = 64;   // of a value; what is cut off only moves a bound a little

class OwnedVector {
 public:
  explicit OwnedVector(duckdb_vector vector) : vector_(vector) {}
  OwnedVector(OwnedVector&& other) noexcept : vector_(std::exchange(other.vector_, nullptr)) {}
  OwnedVector& operator=(OwnedVector&&) = delete;
  ~OwnedVector() {
    if (vector_ != nullptr) duckdb_destroy_vector(&vector_);
  }
  duckdb_vector get() const { return vector_; }

 private:
  duckdb_vector vector_;
};

// One thread's end of a COPY.
struct ThreadState {
  CopyTarget* target = nullptr;
  shuffle::Lane* lane = nullptr;
  std::vector<std::uint32_t> partitions;
  std::vector<const SaltedKey*> salts;  // of the chunk's rows; empty: of none
  std::uint32_t turn = 0;               // of salted rows
  std::vector<ColumnInput> inputs;
  // Of one chunk: string views, and copies of nested columns. In lists, as inputs point into them.
  std::vector<std::unique_ptr<std::vector<std::string_view>>> strings;
  std::vector<OwnedVector> copies;
};

std::string_view ViewOf(const duckdb_string_t& text) {
  const bool inlined = text.value.inlined.length <= sizeof text.value.inlined.inlined;
  return {inlined ? text.value.inlined.inlined : text.value.pointer.ptr, text.value.inlined.length};
}

ColumnInput InputOf(ThreadState& state, const ColumnType& type, duckdb_vector vector, idx_t rows) {
  ColumnInput input;
  input.validity = duckdb_vector_get_validity(vector);
  void* data = duckdb_vector_get_data(vector);
  switch (type.kind) {
    case shuffle::ColumnKind::kFixed:
      input.values = static_cast<const std::byte*>(data);
      break;
    case shuffle::ColumnKind::kString: {
      auto views = std::make_unique<std::vector<std::string_view>>(rows);
      auto* texts = static_cast<duckdb_string_t*>(data);
      for (idx_t row = 0; row < rows; ++row) {
        // What stands at NULL rows may be anything.
        if (!shuffle::IsValid(input, row)) continue;
        (*views)[row] = ViewOf(texts[row]);
      }
      input.strings = views->data();
      state.strings.push_back(std::move(views));
      break;
    }
    case shuffle::ColumnKind::kList: {
      static_assert(sizeof(shuffle::ListEntry) == sizeof(duckdb_list_entry));
      input.lists = static_cast<const shuffle::ListEntry*>(data);
      input.children.push_back(InputOf(state, type.children[0], duckdb_list_vector_get_child(vector),
                                       duckdb_list_vector_get_size(vector)));
      break;
    }
    case shuffle::ColumnKind::kStruct:
      for (idx_t i = 0; i < type.children.size(); ++i) {
        input.children.push_back(
            InputOf(state, type.children[i], duckdb_struct_vector_get_child(vector, i), rows));
      }
      break;
  }
  return input;
}

// DuckDB flattens a chunk's own vectors for us, but not what lies below them; a copy is flat all the way
// down.
duckdb_vector FlatCopy(ThreadState& state, duckdb_vector vector, idx_t rows) {
  const LogicalType type(duckdb_vector_get_column_type(vector));
  duckdb_selection_vector all = duckdb_create_selection_vector(rows);
  sel_t* indexes = duckdb_selection_vector_get_data_ptr(all);
  for (idx_t row = 0; row < rows; ++row) indexes[row] = static_cast<sel_t>(row);
  state.copies.emplace_back(duckdb_create_vector(type.get(), rows));
  const duckdb_vector copy = state.copies.back().get();
  duckdb_vector_copy_sel(vector, copy, all, rows, 0, 0);
  duckdb_destroy_selection_vector(all);
  return copy;
}

// Every so-manieth of the rows, thinned out when there are too many.
void AddSample(CopyTarget& target, const duckdb_string_t* keys, idx_t rows) {
  const std::lock_guard lock(target.mutex);
  for (idx_t row = (target.stride - target.seen % target.stride) % target.stride; row < rows; row += target.stride) {
    target.sample.emplace_back(ViewOf(keys[row]).substr(0, kSampleBytes));
    if (target.sample.size() < 2 * kSampleSize) continue;
    for (std::size_t i = 0; i < kSampleSize; ++i) target.sample[i] = std::move(target.sample[2 * i]);
    target.sample.resize(kSampleSize);
    target.stride *= 2;
    break;  // the rest of this chunk is not missed
  }
  target.seen += rows;
}

// Rows whose keys are salted go elsewhere.
void Salt(ThreadState& state, std::span<const std::uint64_t> hashes) {
  const CopyTarget& target = *state.target;
  state.salts.clear();
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    const auto salt = std::lower_bound(target.salts.begin(), target.salts.end(), hashes[row],
                                       [](const SaltedKey& key, std::uint64_t hash) { return key.hash < hash; });
    if (salt == target.salts.end() || salt->hash != hashes[row]) continue;
    state.salts.resize(hashes.size());
    state.salts[row] = &*salt;
    const auto count = static_cast<std::uint32_t>(salt->count);
    state.partitions[row] = static_cast<std::uint32_t>(salt->first) + (target.replicates ? 0 : state.turn++ % count);
  }
}

// Of the chunk's rows, from its first column.
void SetPartitions(ThreadState& state, duckdb_vector first, idx_t rows) {
  CopyTarget& target = *state.target;
  const std::uint32_t partitions = target.writer->options().partitions;
  state.partitions.resize(rows);
  const void* data = duckdb_vector_get_data(first);
  if (target.ordered && target.scatter) AddSample(target, static_cast<const duckdb_string_t*>(data), rows);
  if (target.scatter) {
    std::fill(state.partitions.begin(), state.partitions.end(), target.turns++ % partitions);
  } else if (target.ordered) {
    const auto* keys = static_cast<const duckdb_string_t*>(data);
    for (idx_t row = 0; row < rows; ++row) {
      const auto bound = std::upper_bound(target.bounds.begin(), target.bounds.end(), ViewOf(keys[row]),
                                          [](std::string_view key, const std::string& least) { return key < least; });
      state.partitions[row] = std::min(static_cast<std::uint32_t>(bound - target.bounds.begin()), partitions - 1);
    }
  } else {
    const auto* hash = static_cast<const std::uint64_t*>(data);
    const std::uint32_t plain = partitions - target.salted_partitions;
    for (idx_t row = 0; row < rows; ++row) state.partitions[row] = PartitionOf(hash[row], plain);
    if (!target.salts.empty()) Salt(state, {hash, rows});
  }
}

// The rows of a replicated key to the second of its partitions, to the third, and so on.
Status Replicate(ThreadState& state) {
  for (std::int32_t copy = 1;; ++copy) {
    bool any = false;
    for (std::size_t row = 0; row < state.salts.size(); ++row) {
      const SaltedKey* salt = state.salts[row];
      const bool wanted = salt != nullptr && copy < salt->count;
      state.partitions[row] = wanted ? static_cast<std::uint32_t>(salt->first + copy) : shuffle::kNoPartition;
      any = any || wanted;
    }
    if (!any) return OkStatus();
    RETURN_IF_ERROR(state.lane->Append(state.partitions, state.inputs));
  }
}

Status Take(ThreadState& state, duckdb_data_chunk chunk) {
  const idx_t rows = duckdb_data_chunk_get_size(chunk);
  const shuffle::MapWriterOptions& options = state.target->writer->options();
  SetPartitions(state, duckdb_data_chunk_get_vector(chunk, 0), rows);
  state.inputs.clear();
  state.strings.clear();
  state.copies.clear();
  for (idx_t i = 0; i < options.types.size(); ++i) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i + 1);
    if (options.types[i].nested()) vector = FlatCopy(state, vector, rows);
    state.inputs.push_back(InputOf(state, options.types[i], vector, rows));
  }
  if (!options.keys.empty()) {
    const void* hashes = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    state.lane->Watch({static_cast<const std::uint64_t*>(hashes), rows}, state.inputs);
  }
  RETURN_IF_ERROR(state.lane->Append(state.partitions, state.inputs));
  return state.target->replicates ? Replicate(state) : OkStatus();
}

// HANDLE of the COPY's options, which come as a struct; 0 when it is not there.
std::uint64_t HandleOf(MillraceCopyInfo info) {
  duckdb_value options = duckdb_copy_function_bind_get_options(info);
  if (options == nullptr) return 0;
  std::uint64_t handle = 0;
  const duckdb_logical_type type = duckdb_get_value_type(options);  // the value's own
  if (duckdb_get_type_id(type) == DUCKDB_TYPE_STRUCT) {
    for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
      if (std::string_view(Own(duckdb_struct_type_child_name(type, i)).get()) != "HANDLE") continue;
      duckdb_value value = duckdb_get_struct_child(options, i);
      handle = duckdb_get_uint64(value);
      duckdb_destroy_value(&value);
    }
  }
  duckdb_destroy_value(&options);
  return handle;
}

// Exceptions (of allocation) must not run through DuckDB's C frames.
template <typename Call>
Status Guarded(const Call& call) {
  try {
    return call();
  } catch (const std::exception& error) {
    return ResourceExhausted(std::string("Shuffle failed: ") + error.what());
  }
}

Status CheckColumns(MillraceCopyInfo info, const CopyTarget& target) {
  const std::vector<ColumnType>& types = target.writer->options().types;
  if (duckdb_copy_function_bind_get_column_count(info) != types.size() + 1) {
    return Internal("The shuffle's COPY has other columns than were described");
  }
  for (idx_t i = 0; i < types.size(); ++i) {
    const LogicalType type(duckdb_copy_function_bind_get_column_type(info, i + 1));
    ASSIGN_OR_RETURN(const ColumnType layout, LayoutOf(type.get(), std::to_string(i + 1)));
    if (layout != types[i]) return Internal("The shuffle's COPY has other types than were described");
  }
  return OkStatus();
}

void Bind(MillraceCopyInfo info) {
  const Status status = Guarded([&]() -> Status {
    auto* desk = static_cast<ShuffleDesk*>(duckdb_copy_function_bind_get_extra_info(info));
    CopyTarget* target = desk->Target(HandleOf(info));
    if (target == nullptr) return InvalidArgument("FORMAT millrace_shuffle is for Millrace's own statements");
    RETURN_IF_ERROR(CheckColumns(info, *target));
    duckdb_copy_function_bind_set_bind_data(info, target, nullptr);
    return OkStatus();
  });
  if (!status.ok()) duckdb_copy_function_bind_set_error(info, status.message().c_str());
}

void GlobalInit(MillraceCopyInfo info) {
  const Status status = Guarded([&]() -> Status {
    auto state = std::make_unique<ThreadState>();
    state->target = static_cast<CopyTarget*>(duckdb_copy_function_global_init_get_bind_data(info));
    state->lane = state->target->TakeLane();
    duckdb_copy_function_global_init_set_global_state(
        info, state.release(), [](void* raw) { delete static_cast<ThreadState*>(raw); });
    return OkStatus();
  });
  if (!status.ok()) duckdb_copy_function_global_init_set_error(info, status.message().c_str());
}

void Sink(MillraceCopyInfo info, duckdb_data_chunk chunk) {
  auto* state = static_cast<ThreadState*>(duckdb_copy_function_sink_get_global_state(info));
  const Status status = Guarded([&] { return Take(*state, chunk); });
  Failpoint("map.rows");
  if (status.ok()) return;
  {
    const std::lock_guard lock(state->target->mutex);
    if (state->target->failed.ok()) state->target->failed = status;
  }
  duckdb_copy_function_sink_set_error(info, status.message().c_str());
}

// Reduce SQL goes by names, and those of SQL ignore case.
Status CheckNames(const std::vector<Column>& columns) {
  std::set<std::string> seen;
  for (const Column& column : columns) {
    if (seen.insert(FoldCase(column.name)).second) continue;
    return InvalidArgument("Two columns of the map SQL are named " + QuoteName(column.name) +
                           "; give one another name (AS)");
  }
  return OkStatus();
}

// Those that the hash of a fragment is made of, when somebody wants to know which keys are heavy.
std::vector<std::size_t> KeyColumns(const MapFragment& fragment, const std::vector<Column>& columns) {
  std::vector<std::size_t> keys;
  if (fragment.heavy == nullptr || fragment.scatter || !fragment.order.empty()) return keys;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (std::find(fragment.keys.begin(), fragment.keys.end(), columns[i].name) != fragment.keys.end()) keys.push_back(i);
  }
  return keys;
}

// "day=2001-03-01, state=CA", as DuckDB writes them.
StatusOr<std::vector<HeavyKey>> TextsOf(Connection& connection, const std::vector<Column>& columns,
                                        shuffle::HeavyRows rows) {
  std::vector<HeavyKey> heavy;
  for (const shuffle::HeavyKeys::Key& key : rows.keys)
    heavy.push_back({.hash = key.hash, .bytes = static_cast<std::int64_t>(key.bytes), .text = ""});
  if (heavy.empty()) return heavy;
  std::vector<MapBlocks> blocks;
  blocks.push_back({0, shuffle::BlockBytes::Own(std::move(rows.block))});
  ASSIGN_OR_RETURN(const auto input, OpenShuffleInput(connection, kHeavyView, columns, std::move(blocks)));
  std::string text;
  for (const Column& column : columns) {
    text += (text.empty() ? "" : " || ', ' || ") + QuoteText(column.name + "=") + " || coalesce(CAST(" + QuoteName(column.name) +
            " AS VARCHAR), 'NULL')";
  }
  ASSIGN_OR_RETURN(const Result texts, connection.Run("SELECT " + text + " FROM " + QuoteName(kHeavyView)));
  // One block is one chunk, in its order.
  for (std::size_t i = 0; i < heavy.size() && i < texts.row_count(); ++i) heavy[i].text = std::string(texts.Text(0, i));
  return heavy;
}

std::string CopySql(const MapFragment& fragment, const std::string& path, std::uint64_t handle) {
  std::string hash;
  for (const std::string& key : fragment.hash.empty() ? fragment.keys : std::vector<std::string>{})
    hash += (hash.empty() ? "hash(" : ", ") + ("millrace." + QuoteName(key));
  if (!fragment.order.empty()) hash = fragment.order;
  else hash = !fragment.hash.empty() ? fragment.hash : hash.empty() ? "0::UBIGINT" : hash + ")";
  return "COPY (SELECT " + hash + ", millrace.* FROM (\n" + fragment.select + "\n) AS millrace) TO " +
         QuoteText(path) + " (FORMAT " + kFormat + ", PER_THREAD_OUTPUT true, HANDLE " +
         std::to_string(handle) + ")";
}

Status Copy(Connection& connection, const MapFragment& fragment, CopyTarget& target) {
  ShuffleDesk& desk = connection.instance().shuffle_desk();
  target.taken = 0;  // those of the COPY before go on
  const std::uint64_t handle = desk.Offer(&target);
  // With a file a thread, DuckDB wants a folder for them; it stays empty.
  const std::string path = fragment.folder + "/shuffle-" + std::to_string(handle);
  const Status copied = connection.Run(CopySql(fragment, path, handle)).status();
  desk.Withdraw(handle);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return copied.ok() || target.failed.ok() ? copied : target.failed;
}

}  // namespace

Status RegisterShuffleCopy(duckdb_connection connection, ShuffleDesk& desk) {
  MillraceCopyFunction function = duckdb_create_copy_function();
  duckdb_copy_function_set_name(function, kFormat);
  duckdb_copy_function_set_extra_info(function, &desk, nullptr);
  duckdb_copy_function_set_bind(function, &Bind);
  duckdb_copy_function_set_global_init(function, &GlobalInit);
  duckdb_copy_function_set_sink(function, &Sink);
  const duckdb_state state = duckdb_register_copy_function(connection, function);
  duckdb_destroy_copy_function(&function);
  return state == DuckDBSuccess ? OkStatus() : Internal("DuckDB refused the shuffle's COPY format");
}

StatusOr<shuffle::FinishedOutput> RunMapFragment(Connection& connection, const MapFragment& fragment,
                                                 const shuffle::OutputKey& key, Fence fence) {
  ASSIGN_OR_RETURN(const std::vector<Column> columns, connection.Describe(fragment.select));
  RETURN_IF_ERROR(CheckNames(columns));
  ASSIGN_OR_RETURN(std::vector<ColumnType> types, LayoutsOf(connection, columns));
  for (const SaltedKey& salt : fragment.salts) {
    const bool fits = salt.first >= 0 && salt.count > 0 && static_cast<std::uint32_t>(salt.first + salt.count) <= fragment.partitions;
    if (!fits || fragment.salted_partitions >= fragment.partitions) return Internal("A salted key has no partitions");
  }
  const int threads = connection.instance().threads();
  const std::vector<std::size_t> keys = KeyColumns(fragment, columns);
  shuffle::MapWriter writer({.partitions = fragment.partitions,
                             .types = std::move(types),
                             .buffer_bytes = fragment.buffer_bytes,
                             .memory_bytes = fragment.memory_bytes,
                             .lanes = threads,
                             .folder = fragment.folder,
                             .keys = keys});
  CopyTarget target;
  target.writer = &writer;
  target.scatter = fragment.scatter;
  target.ordered = !fragment.order.empty();
  target.bounds = fragment.bounds;
  target.salts = fragment.salts;
  std::sort(target.salts.begin(), target.salts.end(), [](const SaltedKey& a, const SaltedKey& b) { return a.hash < b.hash; });
  target.salted_partitions = fragment.salted_partitions;
  target.replicates = fragment.replicates;
  for (bool more = true; more;) {
    RETURN_IF_ERROR(Copy(connection, fragment, target));
    more = false;
    if (fragment.again) {
      ASSIGN_OR_RETURN(more, fragment.again(writer.Bytes()));
    }
  }
  if (fragment.sample != nullptr) *fragment.sample = std::move(target.sample);
  ASSIGN_OR_RETURN(shuffle::FinishedOutput output, writer.Finish(key, fence, threads));
  if (fragment.heavy != nullptr) {
    std::vector<Column> shown;
    for (const std::size_t i : keys) shown.push_back(columns[i]);
    ASSIGN_OR_RETURN(*fragment.heavy, TextsOf(connection, shown, std::move(output.heavy)));
  }
  return output;
}

}  // namespace millrace::sql
