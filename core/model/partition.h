// Which partition a row belongs to. Writers of shuffles go by it, and who decides about partitions from what is known of keys.
// Any thread. A job never mixes programs that disagree about this (docs/formats.md).
#pragma once

#include <cstdint>

namespace millrace {

constexpr std::uint64_t Mix64(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Mixed first: the bits of DuckDB's hash are also those of the reduce side's hash tables, which would then
// hold the keys of one partition in a fraction of their slots.
constexpr std::uint32_t PartitionOf(std::uint64_t hash, std::uint32_t partitions) {
  return static_cast<std::uint32_t>((Mix64(hash) >> 32) * partitions >> 32);
}

}  // namespace millrace
