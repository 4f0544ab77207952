#include "worker/shuffle/block_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/unit/worker/shuffle/sample_output.h"

namespace millrace::shuffle {
namespace {

BlockStoreOptions Options(std::uint64_t memory) {
  return {.memory_bytes = memory, .folder = testing::TempDir()};
}

TEST(BlockStore, GivesBackWhatItWasGiven) {
  BlockStore store(Options(1 << 20));
  ASSERT_TRUE(store.Put(SampleKey(3), {1, 5}, SampleOutput(SampleKey(3), {1, 5}, 4, 100).file).ok());
  auto file = store.Find(SampleKey(3), {1, 5});
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ(ReadMapFileHead(file->get())->key, SampleKey(3));
  EXPECT_EQ(store.usage().outputs, 1u);
  EXPECT_GT(store.usage().memory_bytes, 0u);
}

TEST(BlockStore, WhatIsNotHereIsLost) {
  BlockStore store(Options(1 << 20));
  EXPECT_EQ(store.Find(SampleKey(0), {1, 1}).status().code(), Code::kNotFound);
  ASSERT_TRUE(store.Put(SampleKey(0), {1, 5}, SampleOutput(SampleKey(0), {1, 5}, 1, 10).file).ok());
  EXPECT_EQ(store.Find(SampleKey(0), {1, 4}).status().code(), Code::kNotFound);
  EXPECT_EQ(store.Find(SampleKey(0), {2, 5}).status().code(), Code::kNotFound);
  EXPECT_EQ(store.Find(SampleKey(1), {1, 5}).status().code(), Code::kNotFound);
}

TEST(BlockStore, AYoungerAttemptReplacesAnOlderOneAndNeverTheOtherWay) {
  BlockStore store(Options(1 << 20));
  ASSERT_TRUE(store.Put(SampleKey(0), {1, 5}, SampleOutput(SampleKey(0), {1, 5}, 1, 10).file).ok());
  ASSERT_TRUE(store.Put(SampleKey(0), {1, 5}, SampleOutput(SampleKey(0), {1, 5}, 1, 10).file).ok());
  ASSERT_TRUE(store.Put(SampleKey(0), {2, 1}, SampleOutput(SampleKey(0), {2, 1}, 1, 20).file).ok());
  EXPECT_EQ(store.Put(SampleKey(0), {1, 9}, SampleOutput(SampleKey(0), {1, 9}, 1, 10).file).code(),
            Code::kFailedPrecondition);
  EXPECT_TRUE(store.Find(SampleKey(0), {2, 1}).ok());
  EXPECT_EQ(store.usage().outputs, 1u);
}

TEST(BlockStore, BeyondItsBudgetOutputsMoveToFiles) {
  const FinishedOutput sample = SampleOutput(SampleKey(0), {1, 1}, 4, 1000);
  BlockStore store(Options(sample.bytes * 2));
  for (std::int32_t map = 0; map < 5; ++map) {
    ASSERT_TRUE(store.Put(SampleKey(map), {1, 1}, SampleOutput(SampleKey(map), {1, 1}, 4, 1000).file).ok());
  }
  EXPECT_EQ(store.usage().memory_bytes, sample.bytes * 2);
  EXPECT_EQ(store.usage().file_bytes, sample.bytes * 3);
  for (std::int32_t map = 0; map < 5; ++map) {
    auto file = store.Find(SampleKey(map), {1, 1});
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(ReadMapFileHead(file->get())->file_bytes(), sample.bytes);
  }
}

TEST(BlockStore, AnEndedJobIsFreedAndItsLateOutputsAreRefused) {
  BlockStore store(Options(1 << 20));
  OutputKey other = SampleKey(0);
  other.job.try_number = 2;
  ASSERT_TRUE(store.Put(SampleKey(0), {1, 1}, SampleOutput(SampleKey(0), {1, 1}, 1, 10).file).ok());
  ASSERT_TRUE(store.Put(SampleKey(1), {1, 2}, SampleOutput(SampleKey(1), {1, 2}, 1, 10).file).ok());
  ASSERT_TRUE(store.Put(other, {1, 3}, SampleOutput(other, {1, 3}, 1, 10).file).ok());
  store.DropJob(SampleKey(0).job);
  EXPECT_EQ(store.usage().outputs, 1u);
  EXPECT_FALSE(store.Find(SampleKey(1), {1, 2}).ok());
  EXPECT_TRUE(store.Find(other, {1, 3}).ok());
  EXPECT_EQ(store.Put(SampleKey(2), {1, 4}, SampleOutput(SampleKey(2), {1, 4}, 1, 10).file).code(),
            Code::kAborted);
}

TEST(BlockStore, AFileThatIsNotTheAnnouncedOutputIsRefused) {
  BlockStore store(Options(1 << 20));
  EXPECT_EQ(store.Put(SampleKey(1), {1, 1}, SampleOutput(SampleKey(0), {1, 1}, 1, 10).file).code(),
            Code::kDataLoss);
  EXPECT_EQ(store.Put(SampleKey(0), {1, 2}, SampleOutput(SampleKey(0), {1, 1}, 1, 10).file).code(),
            Code::kDataLoss);
  auto empty = CreateOutput(true, "");
  EXPECT_EQ(store.Put(SampleKey(0), {1, 1}, std::move(*empty)).code(), Code::kDataLoss);
  // The right bytes, but their writer could still change them.
  const FinishedOutput sample = SampleOutput(SampleKey(0), {1, 1}, 1, 10);
  std::vector<std::byte> bytes(sample.bytes);
  ASSERT_TRUE(ReadAt(sample.file.get(), bytes, 0).ok());
  auto unsealed = CreateOutput(true, "");
  ASSERT_TRUE(WriteAt(unsealed->get(), bytes, 0).ok());
  EXPECT_EQ(store.Put(SampleKey(0), {1, 1}, std::move(*unsealed)).code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace millrace::shuffle
