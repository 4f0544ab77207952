#include "worker/shuffle/lane.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "worker/shuffle/row_digest.h"

namespace millrace::shuffle {
namespace {

constexpr std::uint32_t kFirstRun = 128;
constexpr std::uint32_t kLargestRun = 16384;
constexpr std::uint64_t kHeapPiece = std::uint64_t{16} << 10;

bool AllValid(const std::uint64_t* validity, std::uint64_t rows) {
  for (std::uint64_t word = 0; word < rows / 64; ++word) {
    if (validity[word] != ~std::uint64_t{0}) return false;
  }
  const std::uint64_t rest = (std::uint64_t{1} << (rows % 64)) - 1;
  return rest == 0 || (validity[rows / 64] & rest) == rest;
}

void PutBytes(std::vector<std::byte>& out, const void* data, std::uint64_t bytes) {
  const auto* first = static_cast<const std::byte*>(data);
  out.insert(out.end(), first, first + bytes);
}

}  // namespace

NestedBuffer::NestedBuffer(const ColumnType& type) : type_(&type) {
  for (const ColumnType& child : type.children) children_.emplace_back(child);
}

void NestedBuffer::Append(const ColumnInput& input, std::uint64_t row) {
  if (!IsValid(input, row)) {
    AppendNull();
    return;
  }
  if (rows_ % 64 == 0) validity_.push_back(0);
  validity_.back() |= std::uint64_t{1} << (rows_ % 64);
  ++rows_;
  switch (type_->kind) {
    case ColumnKind::kFixed:
      PutBytes(values_, input.values + row * type_->width, type_->width);
      return;
    case ColumnKind::kString: {
      const std::string_view text = input.strings[row];
      const auto length = static_cast<std::uint32_t>(text.size());
      PutBytes(values_, &length, sizeof length);
      PutBytes(heap_, text.data(), text.size());
      return;
    }
    case ColumnKind::kList: {
      const ListEntry list = input.lists[row];
      const auto length = static_cast<std::uint32_t>(list.length);
      PutBytes(values_, &length, sizeof length);
      for (std::uint64_t i = 0; i < list.length; ++i) children_[0].Append(input.children[0], list.offset + i);
      return;
    }
    case ColumnKind::kStruct:
      for (std::size_t i = 0; i < children_.size(); ++i) children_[i].Append(input.children[i], row);
      return;
  }
}

void NestedBuffer::AppendNull() {
  if (rows_ % 64 == 0) validity_.push_back(0);
  ++rows_;
  has_nulls_ = true;
  const std::size_t width = type_->kind == ColumnKind::kFixed    ? type_->width
                            : type_->kind == ColumnKind::kStruct ? 0
                                                                 : sizeof(std::uint32_t);
  values_.insert(values_.end(), width, std::byte{0});
  if (type_->kind != ColumnKind::kStruct) return;
  for (NestedBuffer& child : children_) child.AppendNull();
}

std::uint64_t NestedBuffer::bytes() const {
  std::uint64_t bytes = values_.size() + heap_.size() + validity_.size() * 8;
  for (const NestedBuffer& child : children_) bytes += child.bytes();
  return bytes;
}

ColumnPart NestedBuffer::part() const {
  ColumnPart part{rows_, values_.data(), has_nulls_ ? validity_.data() : nullptr, {}, {}};
  if (!heap_.empty()) part.heap.emplace_back(heap_);
  for (const NestedBuffer& child : children_) part.children.push_back(child.part());
  return part;
}

Lane::Buffers::Buffers(const MapWriterOptions& options, std::atomic<std::uint64_t>& used)
    : options_(options),
      used_(used),
      partitions_(options.partitions),
      fill_(options.partitions),
      next_(options.partitions * options.types.size()),
      open_(options.partitions * options.types.size()),
      counts_(options.partitions),
      first_(options.partitions) {
  for (const ColumnType& type : options.types) variable_ = variable_ || type.kind != ColumnKind::kFixed;
}

Status Lane::Buffers::Append(std::span<const std::uint32_t> partition_of,
                             std::span<const ColumnInput> columns) {
  MILLRACE_CHECK(columns.size() == options_.types.size());
  if (partition_of.empty()) return OkStatus();
  digests_.resize(partition_of.size());
  std::vector<ColumnInput> inputs(columns.begin(), columns.end());
  for (ColumnInput& input : inputs) {
    if (input.validity != nullptr && AllValid(input.validity, partition_of.size())) input.validity = nullptr;
  }
  DigestRows(options_.types, inputs, digests_);
  all_rows_ = partition_of.size();
  Group(partition_of);
  for (const std::uint32_t partition : touched_) {
    Reserve(partition, counts_[partition]);
    Digest& sum = fill_[partition].digest;
    for (const std::uint32_t row : RowsOf(partition)) {
      sum.low += digests_[row].low;
      sum.high += digests_[row].high;
    }
  }
  for (std::size_t column = 0; column < inputs.size(); ++column) AppendColumn(column, inputs[column]);
  for (const std::uint32_t partition : touched_) {
    fill_[partition].rows += counts_[partition];
    fill_[partition].total_rows += counts_[partition];
    counts_[partition] = 0;
  }
  touched_.clear();
  return CountBytes() ? Spill() : OkStatus();
}

bool Lane::Buffers::CountBytes() {
  const std::uint64_t now = arena_.used() + nested_bytes_;
  const std::uint64_t total = used_ += now - counted_;  // may shrink: unsigned numbers wrap
  counted_ = now;
  // A lane with little to give would only make small blocks; those with more are on their way here too.
  return total > options_.buffer_bytes &&
         now > options_.buffer_bytes / (8 * static_cast<std::uint64_t>(std::max(1, options_.lanes)));
}

void Lane::Buffers::Group(std::span<const std::uint32_t> partition_of) {
  std::size_t left_out = 0;
  for (const std::uint32_t partition : partition_of) {
    if (partition == kNoPartition) {
      ++left_out;
    } else if (counts_[partition]++ == 0) {
      touched_.push_back(partition);
    }
  }
  std::uint32_t next = 0;
  for (const std::uint32_t partition : touched_) {
    first_[partition] = next;
    next += counts_[partition];
  }
  rows_.resize(partition_of.size() - left_out);
  for (std::uint32_t row = 0; row < partition_of.size(); ++row) {
    if (partition_of[row] != kNoPartition) rows_[first_[partition_of[row]]++] = row;
  }
  for (const std::uint32_t partition : touched_) first_[partition] -= counts_[partition];
}

void Lane::Buffers::Reserve(std::uint32_t partition, std::uint32_t rows) {
  Fill& state = fill_[partition];
  if (state.rows + rows <= state.capacity) {
    if (!variable_) return;
    // Long strings and lists end a run early, so that no block grows far beyond its size.
    bool large = false;
    for (std::size_t i = 0; i < options_.types.size(); ++i) {
      const Open& column = open(partition, i);
      large =
          large || column.heap_bytes > kBlockBytes || (column.nested && column.nested->bytes() > kBlockBytes);
    }
    if (!large) return;
  }
  const std::uint32_t previous = state.capacity;
  CloseRun(partition);
  state.capacity = std::max(rows, std::clamp(previous * 4, kFirstRun, kLargestRun));
  for (std::size_t i = 0; i < options_.types.size(); ++i) {
    const ColumnType& type = options_.types[i];
    Open& column = open(partition, i);
    if (type.nested()) {
      column.nested = std::make_unique<NestedBuffer>(type);
    } else {
      const std::uint64_t width = type.kind == ColumnKind::kString ? sizeof(std::uint32_t) : type.width;
      column.values = arena_.Allocate(state.capacity * width);
      next(partition, i) = column.values;
    }
  }
}

void Lane::Buffers::CloseRun(std::uint32_t partition) {
  Fill& state = fill_[partition];
  if (state.rows != 0) {
    Run run;
    run.rows = state.rows;
    for (std::size_t i = 0; i < options_.types.size(); ++i) {
      Open& column = open(partition, i);
      if (column.nested) {
        run.bytes += column.nested->bytes();
        run.columns.push_back(column.nested->part());
        if (nested_.empty()) nested_.resize(options_.partitions);
        nested_[partition].push_back(std::move(column.nested));
        continue;
      }
      const std::uint64_t width =
          options_.types[i].kind == ColumnKind::kString ? sizeof(std::uint32_t) : options_.types[i].width;
      run.bytes += run.rows * width + column.heap_bytes;
      if (!column.pieces.empty()) {
        // The last piece was opened at its full size; it ends where writing stopped.
        auto& last = column.pieces.back();
        last = {last.data(), static_cast<std::size_t>(column.heap - last.data())};
      }
      run.columns.push_back({run.rows, column.values, column.validity, std::move(column.pieces), {}});
    }
    partitions_[partition].runs.push_back(std::move(run));
  }
  for (std::size_t i = 0; i < options_.types.size(); ++i) open(partition, i) = Open{};
  state.rows = 0;
  state.capacity = 0;
}

void Lane::Buffers::AppendColumn(std::size_t column, const ColumnInput& input) {
  const ColumnType& type = options_.types[column];
  if (type.kind == ColumnKind::kString) {
    AppendStrings(column, input);
  } else if (type.nested()) {
    for (const std::uint32_t partition : touched_) {
      NestedBuffer& nested = *open(partition, column).nested;
      const std::uint64_t before = nested.bytes();
      for (const std::uint32_t row : RowsOf(partition)) nested.Append(input, row);
      nested_bytes_ += nested.bytes() - before;
    }
  } else if (type.width == 8) {
    AppendFixed<std::uint64_t>(column, input);
  } else if (type.width == 4) {
    AppendFixed<std::uint32_t>(column, input);
  } else if (type.width == 2) {
    AppendFixed<std::uint16_t>(column, input);
  } else if (type.width == 1) {
    AppendFixed<std::uint8_t>(column, input);
  } else {
    struct Wide {
      std::uint64_t words[2];
    };
    AppendFixed<Wide>(column, input);
  }
}

template <typename T>
void Lane::Buffers::AppendFixed(std::size_t column, const ColumnInput& input) {
  const std::byte* source = input.values;
  for (const std::uint32_t partition : touched_) {
    const std::span<const std::uint32_t> rows = RowsOf(partition);
    std::byte*& out = next(partition, column);
    if (input.validity != nullptr) {
      for (const std::uint32_t row : rows) {
        if (IsValid(input, row)) {
          std::memcpy(out, source + std::uint64_t{row} * sizeof(T), sizeof(T));
        } else {
          std::memset(out, 0, sizeof(T));
        }
        out += sizeof(T);
      }
      AppendValidity(open(partition, column), fill_[partition], input, rows);
    } else if (rows.size() == all_rows_) {  // in order
      std::memcpy(out, source, rows.size() * sizeof(T));
      out += rows.size() * sizeof(T);
    } else {
      std::byte* at = out;
      for (const std::uint32_t row : rows) {
        std::memcpy(at, source + std::uint64_t{row} * sizeof(T), sizeof(T));
        at += sizeof(T);
      }
      out = at;
    }
  }
}

void Lane::Buffers::AppendStrings(std::size_t column, const ColumnInput& input) {
  for (const std::uint32_t partition : touched_) {
    Open& target = open(partition, column);
    std::byte*& lengths = next(partition, column);
    const std::span<const std::uint32_t> rows = RowsOf(partition);
    for (const std::uint32_t row : rows) {
      const std::string_view text = IsValid(input, row) ? input.strings[row] : std::string_view();
      const auto length = static_cast<std::uint32_t>(text.size());
      std::memcpy(lengths, &length, sizeof length);
      lengths += sizeof length;
      if (length == 0) continue;
      std::memcpy(Heap(target, length), text.data(), length);
    }
    if (input.validity != nullptr) AppendValidity(target, fill_[partition], input, rows);
  }
}

void Lane::Buffers::AppendValidity(Open& open, const Fill& fill, const ColumnInput& input,
                                   std::span<const std::uint32_t> rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (IsValid(input, rows[i])) continue;
    if (open.validity == nullptr) {
      const std::uint64_t bytes = (std::uint64_t{fill.capacity} + 63) / 64 * 8;
      open.validity = reinterpret_cast<std::uint64_t*>(arena_.Allocate(bytes));
      std::memset(open.validity, 0xff, bytes);
    }
    const std::uint64_t at = fill.rows + i;
    open.validity[at / 64] &= ~(std::uint64_t{1} << (at % 64));
  }
}

std::byte* Lane::Buffers::Heap(Open& open, std::uint64_t bytes) {
  if (static_cast<std::uint64_t>(open.heap_end - open.heap) < bytes) {
    if (!open.pieces.empty()) {
      auto& last = open.pieces.back();
      last = {last.data(), static_cast<std::size_t>(open.heap - last.data())};
    }
    // Pieces grow with the column, so that small partitions stay small.
    const std::uint64_t size = std::max(bytes, std::clamp<std::uint64_t>(open.heap_bytes, 512, kHeapPiece));
    open.heap = arena_.Allocate(size);
    open.heap_end = open.heap + size;
    open.pieces.emplace_back(open.heap, size);
  }
  std::byte* result = open.heap;
  open.heap += bytes;
  open.heap_bytes += bytes;
  return result;
}

void Lane::Buffers::Close() {
  for (std::uint32_t partition = 0; partition < options_.partitions; ++partition) CloseRun(partition);
}

Status Lane::Buffers::Spill() {
  if (!spill_.valid()) {
    ASSIGN_OR_RETURN(spill_, CreateOutput(false, options_.folder));
  }
  Close();
  std::vector<std::byte> out;
  const auto flush = [&]() -> Status {
    RETURN_IF_ERROR(WriteAt(spill_.get(), out, spill_end_));
    spill_end_ += out.size();
    out.clear();
    return OkStatus();
  };
  std::vector<std::uint64_t> sizes(options_.partitions);
  for (std::uint32_t partition = 0; partition < options_.partitions; ++partition) {
    for (const Run& run : partitions_[partition].runs) sizes[partition] += run.bytes;
    // Where rows come in the order of their keys, a spill alone would not show what is hot.
    for (const SpilledBlock& block : partitions_[partition].spilled) sizes[partition] += block.bytes;
  }
  sizes = BlockSizes(sizes);
  for (std::uint32_t partition = 0; partition < options_.partitions; ++partition) {
    Partition& state = partitions_[partition];
    std::vector<const Run*> runs;
    for (const Run& run : state.runs) runs.push_back(&run);
    std::deque<RowsPart> divided;
    for (const auto& parts : PlanBlocks(options_.types, runs, sizes[partition], divided)) {
      const std::uint64_t bytes = EncodedBytes(options_.types, parts);
      state.spilled.push_back({spill_end_ + out.size(), bytes});
      const std::size_t at = out.size();
      out.resize(at + bytes);
      EncodeBlock(partition, options_.types, parts, out.data() + at);
      if (out.size() > 4 * kBlockBytes) RETURN_IF_ERROR(flush());
    }
    state.runs.clear();
  }
  RETURN_IF_ERROR(flush());
  nested_.clear();
  nested_bytes_ = 0;
  arena_.Reset();
  CountBytes();
  return OkStatus();
}

}  // namespace millrace::shuffle
