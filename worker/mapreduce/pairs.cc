#include "worker/mapreduce/pairs.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "worker/readers/values.h"
#include "worker/shuffle/block.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::mapreduce {
namespace {

constexpr std::size_t kBatchPairs = 2048;
constexpr std::size_t kBatchBytes = std::size_t{1} << 20;

// Strings of a block's column, one after the other.
class StringCursor {
 public:
  explicit StringCursor(const shuffle::ColumnView& column) : column_(column) {}
  std::string_view Next() {
    std::uint32_t length = 0;
    std::memcpy(&length, column_.values + row_++ * sizeof length, sizeof length);
    const char* text = reinterpret_cast<const char*>(column_.heap.data()) + offset_;
    offset_ += length;
    return {text, length};
  }

 private:
  const shuffle::ColumnView& column_;
  std::uint64_t row_ = 0;
  std::uint64_t offset_ = 0;
};

Status AppendPairs(std::span<const std::byte> bytes, std::vector<Pair>& pairs) {
  const std::vector<shuffle::ColumnType> types = PairTypes();
  while (!bytes.empty()) {
    ASSIGN_OR_RETURN(const shuffle::BlockHead head, shuffle::ReadBlockHead(bytes));
    ASSIGN_OR_RETURN(const shuffle::BlockView block, shuffle::BlockView::Open(bytes.first(head.bytes), types));
    StringCursor keys(block.column(0));
    StringCursor values(block.column(1));
    for (std::uint32_t row = 0; row < block.rows(); ++row) {
      const std::string_view key = keys.Next();
      pairs.push_back(MakePair(key, values.Next()));
    }
    bytes = bytes.subspan(head.bytes);
  }
  return OkStatus();
}

}  // namespace

std::vector<shuffle::ColumnType> PairTypes() { return {shuffle::ColumnType::String(), shuffle::ColumnType::String()}; }

std::uint64_t HashOf(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

bool LaneSink::Put(std::string_view key, std::string_view value) {
  constexpr std::size_t kMaxBytes = UINT32_MAX;
  if (key.size() > kMaxBytes || value.size() > kMaxBytes) return Check(InvalidArgument("a key or a value is longer than 4 GiB"));
  partitions_.push_back(partition_(key));
  bytes_ += key;
  bytes_ += value;
  lengths_.push_back(static_cast<std::uint32_t>(key.size()));
  lengths_.push_back(static_cast<std::uint32_t>(value.size()));
  return (partitions_.size() < kBatchPairs && bytes_.size() < kBatchBytes) || Check(Append());
}

Status LaneSink::Finish() {
  if (failed_.ok()) Check(Append());
  return failed_;
}

Status LaneSink::Append() {
  std::vector<std::string_view> columns[2];
  std::size_t offset = 0;
  for (std::size_t i = 0; i < lengths_.size(); ++i) {
    columns[i % 2].emplace_back(bytes_.data() + offset, lengths_[i]);
    offset += lengths_[i];
  }
  std::vector<shuffle::ColumnInput> inputs(2);
  for (std::size_t i = 0; i < 2; ++i) inputs[i].strings = columns[i].data();
  if (!partitions_.empty()) {
    hashes_.clear();
    for (const std::string_view key : columns[0]) hashes_.push_back(HashOf(key));
    lane_.Watch(hashes_, inputs);
    RETURN_IF_ERROR(lane_.Append(partitions_, inputs));
  }
  bytes_.clear();
  lengths_.clear();
  partitions_.clear();
  return OkStatus();
}

StatusOr<std::vector<HeavyKey>> HeavyPairs(const shuffle::HeavyRows& rows) {
  std::vector<HeavyKey> heavy;
  if (rows.keys.empty()) return heavy;
  const std::vector<shuffle::ColumnType> types = PairTypes();
  ASSIGN_OR_RETURN(const shuffle::BlockView block, shuffle::BlockView::Open(rows.block, std::span(types).first(1)));
  StringCursor keys(block.column(0));
  for (const shuffle::HeavyKeys::Key& key : rows.keys) {
    heavy.push_back({.hash = key.hash, .bytes = static_cast<std::int64_t>(key.bytes), .text = "key=" + readers::Readable(keys.Next())});
  }
  return heavy;
}

Pair MakePair(std::string_view key, std::string_view value) {
  std::uint64_t prefix = 0;
  if (!key.empty()) std::memcpy(&prefix, key.data(), std::min(key.size(), sizeof prefix));
  if constexpr (std::endian::native == std::endian::little) prefix = __builtin_bswap64(prefix);
  return {prefix, key, value};
}

void SortByKey(std::vector<Pair>& pairs) {
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.key < b.key;
  });
}

std::vector<Pair> PairsOf(const StageTaskWork& work, const Gathered& gathered, std::vector<LostOutput>& corrupt) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < gathered.reads.size(); ++i) {
    for (const sql::MapBlocks& map : gathered.reads[i]) {
      if (AppendPairs(map.blocks.bytes(), pairs).ok()) continue;
      corrupt.push_back({work.reads[i].sources.front().stage, map.map_index});
    }
  }
  return pairs;
}

}  // namespace millrace::mapreduce
