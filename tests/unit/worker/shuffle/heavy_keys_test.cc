#include "worker/shuffle/heavy_keys.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

namespace millrace::shuffle {
namespace {

// Keys of which the k-th has a share of about k^-1.3, `rows` of them, 1 to 40 bytes each.
std::map<std::uint64_t, std::uint64_t> AddZipf(HeavyKeys& heavy, int rows, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(1e-9, 1);
  std::map<std::uint64_t, std::uint64_t> exact;
  for (int i = 0; i < rows; ++i) {
    const auto key = static_cast<std::uint64_t>(std::pow(uniform(random), -1 / 0.3)) * 0x9e3779b97f4a7c15;
    const std::uint64_t bytes = random() % 40 + 1;
    heavy.Add(key, bytes);
    exact[key] += bytes;
  }
  return exact;
}

void ExpectWithinBounds(const HeavyKeys& heavy, const std::map<std::uint64_t, std::uint64_t>& exact) {
  std::uint64_t total = 0;
  for (const auto& [key, bytes] : exact) total += bytes;
  EXPECT_EQ(heavy.total(), total);
  const std::uint64_t error = total / HeavyKeys::kCounters;
  std::map<std::uint64_t, std::uint64_t> said;
  for (const HeavyKeys::Key& key : heavy.Top(64)) {
    ASSERT_TRUE(exact.contains(key.hash));
    EXPECT_LE(key.bytes, exact.at(key.hash)) << "never more than there is";
    EXPECT_GE(key.bytes + 2 * error, exact.at(key.hash));
    said[key.hash] = key.bytes;
  }
  EXPECT_EQ(said.size(), 64u);
  for (const auto& [key, bytes] : exact) {
    if (bytes > total / 100) {
      EXPECT_TRUE(said.contains(key)) << bytes;
    }
  }
}

TEST(HeavyKeysTest, WhatManyRowsHaveIsFoundAmongFarMoreKeysThanCounters) {
  HeavyKeys heavy;
  const auto exact = AddZipf(heavy, 300'000, 1);
  ASSERT_GT(exact.size(), 4 * HeavyKeys::kCounters);
  ExpectWithinBounds(heavy, exact);
}

TEST(HeavyKeysTest, SketchesOfSeveralThreadsAreOneWhenMerged) {
  HeavyKeys heavy;
  std::map<std::uint64_t, std::uint64_t> exact;
  for (unsigned seed = 0; seed < 3; ++seed) {
    HeavyKeys other;
    for (const auto& [key, bytes] : AddZipf(other, 100'000, seed)) exact[key] += bytes;
    heavy.Merge(other);
  }
  ExpectWithinBounds(heavy, exact);
}

TEST(HeavyKeysTest, FewKeysAreExact) {
  HeavyKeys heavy;
  for (std::uint64_t i = 0; i < 4000; ++i) heavy.Add(i, i + 1);
  heavy.Add(7, 100'000);
  EXPECT_EQ(heavy.Top(2)[0].hash, 7u);
  EXPECT_EQ(heavy.Top(2)[0].bytes, 100'008u);
  EXPECT_EQ(heavy.Top(2)[1].hash, 3999u);
  EXPECT_EQ(heavy.Top(10'000).size(), 4000u);
}

}  // namespace
}  // namespace millrace::shuffle
