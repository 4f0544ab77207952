#include "worker/shuffle/row_digest.h"

#include <cstring>

#include "core/model/partition.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::shuffle {
namespace {

// Odd constants (of SplitMix64 and of XXH64); two lanes that never meet.
constexpr std::uint64_t kLow = 0x9e3779b97f4a7c15;
constexpr std::uint64_t kHigh = 0xc2b2ae3d27d4eb4f;
constexpr std::uint64_t kNull = 0x5851f42d4c957f2d;

inline void Add(Digest& digest, std::uint64_t value) {
  digest.low = (digest.low ^ value) * kLow;
  digest.low ^= digest.low >> 32;
  digest.high = (digest.high + value) * kHigh;
  digest.high ^= digest.high >> 29;
}

template <typename T>
inline std::uint64_t Load(const std::byte* values, std::uint64_t row) {
  T value;
  std::memcpy(&value, values + row * sizeof(T), sizeof(T));
  return value;
}

void AddString(Digest& digest, std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  Add(digest, hash.low64);
  digest.high += hash.high64;
}

// One value of any type; for the rows of nested columns, and for the rare widths.
void AddValue(const ColumnType& type, const ColumnInput& column, std::uint64_t row, Digest& digest) {
  if (!IsValid(column, row)) {
    Add(digest, kNull);
    return;
  }
  switch (type.kind) {
    case ColumnKind::kFixed: {
      std::uint64_t words[2] = {0, 0};
      std::memcpy(words, column.values + row * type.width, type.width);
      Add(digest, words[0]);
      if (type.width > 8) Add(digest, words[1]);
      return;
    }
    case ColumnKind::kString:
      AddString(digest, column.strings[row]);
      return;
    case ColumnKind::kList: {
      const ListEntry list = column.lists[row];
      Add(digest, list.length);
      for (std::uint64_t i = 0; i < list.length; ++i) {
        AddValue(type.children[0], column.children[0], list.offset + i, digest);
      }
      return;
    }
    case ColumnKind::kStruct:
      for (std::size_t i = 0; i < type.children.size(); ++i) {
        AddValue(type.children[i], column.children[i], row, digest);
      }
      return;
  }
}

template <typename T>
void AddColumn(const ColumnInput& column, std::span<Digest> digests) {
  for (std::uint64_t row = 0; row < digests.size(); ++row) Add(digests[row], Load<T>(column.values, row));
}

}  // namespace

void DigestRows(std::span<const ColumnType> types, std::span<const ColumnInput> columns,
                std::span<Digest> digests) {
  for (Digest& digest : digests) digest = {kHigh, kLow};
  for (std::size_t i = 0; i < types.size(); ++i) {
    const ColumnType& type = types[i];
    const bool plain = type.kind == ColumnKind::kFixed && columns[i].validity == nullptr;
    if (plain && type.width == 8) {
      AddColumn<std::uint64_t>(columns[i], digests);
    } else if (plain && type.width == 4) {
      AddColumn<std::uint32_t>(columns[i], digests);
    } else if (plain && type.width == 2) {
      AddColumn<std::uint16_t>(columns[i], digests);
    } else if (plain && type.width == 1) {
      AddColumn<std::uint8_t>(columns[i], digests);
    } else {
      for (std::uint64_t row = 0; row < digests.size(); ++row) AddValue(type, columns[i], row, digests[row]);
    }
  }
  // Sums of digests are compared: a last mix keeps simple relations between rows out of the sums.
  for (Digest& digest : digests) digest = {Mix64(digest.low), Mix64(digest.high)};
}

}  // namespace millrace::shuffle
