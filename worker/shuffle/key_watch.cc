#include "worker/shuffle/key_watch.h"

#include <algorithm>

namespace millrace::shuffle {
namespace {

// So many rows of a thread are all looked at; of those after them one in thirty-two, picked at random, for as many: keys that
// stand for much are found all the same, and a row costs next to nothing (one in eight took a tenth of a map's time).
constexpr std::uint64_t kAllRows = 32'768;
constexpr std::uint64_t kOneIn = 32;
constexpr std::uint64_t kMostText = 200;       // bytes of a text among the values; what has more is not shown
constexpr std::uint64_t kWorthKeeping = 1000;  // one in so many bytes
constexpr std::size_t kMostKept = 4096;
constexpr std::size_t kTop = 64;

}  // namespace

std::uint64_t KeyWatch::RowBytes(std::span<const ColumnInput> columns, std::uint64_t row) const {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ColumnType& type = options_.types[i];
    if (type.kind == ColumnKind::kFixed) {
      bytes += type.width;
      continue;
    }
    bytes += sizeof(std::uint32_t);
    const ColumnInput& input = columns[i];
    const bool valid = IsValid(input, row);
    if (type.kind == ColumnKind::kString && valid) bytes += input.strings[row].size();
  }
  return bytes;
}

void KeyWatch::Add(std::span<const std::uint64_t> hashes, std::span<const ColumnInput> columns) {
  const bool all = rows_ < kAllRows;
  rows_ += hashes.size();
  for (std::uint64_t row = 0; row < hashes.size(); ++row) {
    if (!all) {
      // The next row is 1 to 63 further on, 32 on average.
      state_ = state_ * 6364136223846793005 + 1442695040888963407;
      row += (state_ >> 33) % (2 * kOneIn - 1);
      if (row >= hashes.size()) break;
    }
    const std::uint64_t bytes = RowBytes(columns, row) * (all ? 1 : kOneIn);
    const std::uint64_t known = heavy_.Add(hashes[row], bytes);
    if (known > heavy_.total() / kWorthKeeping) Keep(hashes[row], columns, row);
  }
}

void KeyWatch::Keep(std::uint64_t hash, std::span<const ColumnInput> columns, std::uint64_t row) {
  if (kept_.size() >= kMostKept || kept_.contains(hash)) return;
  std::vector<NestedBuffer> values;
  for (const std::size_t key : options_.keys) {
    const ColumnInput& input = columns[key];
    const bool valid = IsValid(input, row);
    if (options_.types[key].kind == ColumnKind::kString && valid && input.strings[row].size() > kMostText) return;
    values.emplace_back(options_.types[key]).Append(input, row);
  }
  kept_.emplace(hash, std::move(values));
}

HeavyRows Heaviest(std::span<KeyWatch* const> watches) {
  HeavyRows rows;
  if (watches.empty()) return rows;
  HeavyKeys all;
  for (const KeyWatch* watch : watches) all.Merge(watch->heavy_);
  std::vector<RowsPart> parts;
  for (const HeavyKeys::Key& key : all.Top(kTop)) {
    if (key.bytes < all.total() / kWorthKeeping) break;
    for (const KeyWatch* watch : watches) {
      const auto kept = watch->kept_.find(key.hash);
      if (kept == watch->kept_.end()) continue;
      RowsPart& part = parts.emplace_back();
      for (const NestedBuffer& value : kept->second) part.push_back(value.part());
      rows.keys.push_back(key);
      break;
    }
  }
  if (parts.empty()) return rows;
  std::vector<ColumnType> types;
  for (const std::size_t key : watches.front()->options_.keys) types.push_back(watches.front()->options_.types[key]);
  std::vector<const RowsPart*> borrowed;
  for (const RowsPart& part : parts) borrowed.push_back(&part);
  rows.block.resize(EncodedBytes(types, borrowed));
  EncodeBlock(0, types, borrowed, rows.block.data());
  return rows;
}

}  // namespace millrace::shuffle
