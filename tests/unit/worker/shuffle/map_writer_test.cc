#include "worker/shuffle/map_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "worker/shuffle/partition.h"

namespace millrace::shuffle {
namespace {

const OutputKey kKey{{{RunKey{7}, 2}, 1}, 0, 3};
const Fence kFence{4, 99};

struct Row {
  std::int64_t key = 0;
  std::string text;
  bool text_null = false;
  std::vector<std::int32_t> list;
  friend auto operator<=>(const Row&, const Row&) = default;
};

const std::vector<ColumnType> kTypes = {ColumnType::Fixed(8), ColumnType::String(),
                                        ColumnType::List(ColumnType::Fixed(4))};

std::vector<Row> RandomRows(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Row> rows(count);
  for (Row& row : rows) {
    row.key = static_cast<std::int64_t>(random() % 5000);
    row.text_null = random() % 5 == 0;
    if (!row.text_null) row.text = std::string(random() % 40, static_cast<char>('a' + random() % 26));
    row.list.assign(random() % 4, static_cast<std::int32_t>(random()));
  }
  return rows;
}

Status AppendRows(Lane& lane, std::span<const Row> rows, std::uint32_t partitions) {
  std::vector<std::uint32_t> partition;
  std::vector<std::int64_t> keys;
  std::vector<std::string_view> texts;
  std::vector<std::uint64_t> mask((rows.size() + 63) / 64, ~std::uint64_t{0});
  std::vector<ListEntry> lists;
  std::vector<std::int32_t> items;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    partition.push_back(PartitionOf(static_cast<std::uint64_t>(rows[i].key), partitions));
    keys.push_back(rows[i].key);
    texts.push_back(rows[i].text);
    if (rows[i].text_null) mask[i / 64] &= ~(std::uint64_t{1} << (i % 64));
    lists.push_back({items.size(), rows[i].list.size()});
    items.insert(items.end(), rows[i].list.begin(), rows[i].list.end());
  }
  std::vector<ColumnInput> columns(3);
  columns[0].values = reinterpret_cast<const std::byte*>(keys.data());
  columns[1].strings = texts.data();
  columns[1].validity = mask.data();
  columns[2].lists = lists.data();
  columns[2].children.resize(1);
  columns[2].children[0].values = reinterpret_cast<const std::byte*>(items.data());
  return lane.Append(partition, columns);
}

template <typename T>
T At(const std::byte* values, std::size_t row) {
  T value;
  std::memcpy(&value, values + row * sizeof(T), sizeof(T));
  return value;
}

// The rows of one partition; fails the test when a block is wrong.
std::vector<Row> ReadPartition(const FinishedOutput& output, std::uint32_t partition) {
  std::vector<Row> rows;
  auto head = ReadMapFileHead(output.file.get());
  EXPECT_TRUE(head.ok()) << head.status().ToString();
  auto bytes = BlockBytes::Map(output.file.get(), *head, {partition, partition + 1});
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  std::span<const std::byte> rest = bytes->bytes();
  std::uint32_t blocks = 0;
  while (!rest.empty()) {
    auto block = BlockView::Open(rest, kTypes);
    EXPECT_TRUE(block.ok()) << block.status().ToString();
    EXPECT_EQ(block->partition(), partition);
    std::uint64_t text_at = 0;
    std::uint64_t item_at = 0;
    for (std::uint64_t i = 0; i < block->rows(); ++i) {
      Row row;
      row.key = At<std::int64_t>(block->column(0).values, i);
      const ColumnView& text = block->column(1);
      const std::uint32_t length = At<std::uint32_t>(text.values, i);
      row.text.assign(reinterpret_cast<const char*>(text.heap.data()) + text_at, length);
      text_at += length;
      row.text_null =
          text.validity != nullptr && (At<std::uint64_t>(text.validity, i / 64) >> (i % 64) & 1) == 0;
      const std::uint32_t items = At<std::uint32_t>(block->column(2).values, i);
      for (std::uint32_t k = 0; k < items; ++k) {
        row.list.push_back(At<std::int32_t>(block->column(2).children[0].values, item_at++));
      }
      rows.push_back(std::move(row));
    }
    rest = rest.subspan(block->bytes());
    ++blocks;
  }
  EXPECT_EQ(blocks, output.partitions[partition].blocks);
  EXPECT_EQ(bytes->bytes().size(), output.partitions[partition].bytes);
  EXPECT_EQ(rows.size(), output.partitions[partition].rows);
  return rows;
}

void ExpectSameRows(const std::vector<Row>& wrote, const FinishedOutput& output, std::uint32_t partitions) {
  std::map<std::uint32_t, std::vector<Row>> expected;
  for (const Row& row : wrote) {
    expected[PartitionOf(static_cast<std::uint64_t>(row.key), partitions)].push_back(row);
  }
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    std::vector<Row> got = ReadPartition(output, partition);
    std::vector<Row>& want = expected[partition];
    std::sort(got.begin(), got.end());
    std::sort(want.begin(), want.end());
    ASSERT_EQ(got, want) << "partition " << partition;
  }
}

class MapWriterWithPartitions : public testing::TestWithParam<std::uint32_t> {};

TEST_P(MapWriterWithPartitions, EveryRowArrivesInItsPartitionFromTwoThreads) {
  const std::vector<Row> rows = RandomRows(50000, 1);
  MapWriter writer({.partitions = GetParam(), .types = kTypes, .lanes = 2, .folder = testing::TempDir()});
  const auto half = [&](std::size_t begin, std::size_t end) {
    Lane* lane = writer.AddLane();
    for (std::size_t at = begin; at < end; at += 2000) {
      EXPECT_TRUE(
          AppendRows(*lane, std::span(rows).subspan(at, std::min<std::size_t>(2000, end - at)), GetParam())
              .ok());
    }
  };
  {
    std::jthread other([&] { half(0, 25000); });
    half(25000, rows.size());
  }
  auto output = writer.Finish(kKey, kFence, 2);
  ASSERT_TRUE(output.ok()) << output.status().ToString();
  EXPECT_TRUE(output->in_memory);
  EXPECT_EQ(output->spilled_bytes, 0u);
  ExpectSameRows(rows, *output, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Counts, MapWriterWithPartitions, testing::Values(1, 8, 200, 2000));

TEST(MapWriter, BuffersBeyondTheirLimitSpillAndLoseNothing) {
  const std::vector<Row> rows = RandomRows(40000, 2);
  MapWriter writer({.partitions = 8,
                    .types = kTypes,
                    .buffer_bytes = 200'000,
                    .memory_bytes = 0,
                    .lanes = 1,
                    .folder = testing::TempDir()});
  Lane* lane = writer.AddLane();
  for (std::size_t at = 0; at < rows.size(); at += 2000) {
    ASSERT_TRUE(AppendRows(*lane, std::span(rows).subspan(at, 2000), 8).ok());
  }
  auto output = writer.Finish(kKey, kFence, 2);
  ASSERT_TRUE(output.ok()) << output.status().ToString();
  EXPECT_FALSE(output->in_memory);
  EXPECT_GT(output->spilled_bytes, 0u);
  ExpectSameRows(rows, *output, 8);
}

TEST(MapWriter, LanesShareOneLimitHoweverManyThereAre) {
  const std::vector<Row> rows = RandomRows(40000, 4);
  MapWriter writer({.partitions = 4, .types = kTypes, .buffer_bytes = 400'000, .folder = testing::TempDir()});
  for (std::size_t at = 0; at < rows.size();
       at += 2000) {  // as under a UNION ALL: each lane small, together too much
    ASSERT_TRUE(AppendRows(*writer.AddLane(), std::span(rows).subspan(at, 2000), 4).ok());
  }
  auto output = writer.Finish(kKey, kFence, 1);
  ASSERT_TRUE(output.ok()) << output.status().ToString();
  EXPECT_GT(output->spilled_bytes, 0u);
  ExpectSameRows(rows, *output, 4);
}

TEST(MapWriter, TheDigestIsThatOfTheRowsAndNotOfTheirOrder) {
  std::vector<Row> rows = RandomRows(3000, 3);
  const auto digest = [&](const std::vector<Row>& order, std::size_t step) {
    MapWriter writer({.partitions = 4, .types = kTypes, .folder = testing::TempDir()});
    Lane* lane = writer.AddLane();
    for (std::size_t at = 0; at < order.size(); at += step) {
      EXPECT_TRUE(AppendRows(*lane, std::span(order).subspan(at, std::min(step, order.size() - at)), 4).ok());
    }
    auto output = writer.Finish(kKey, kFence, 1);
    EXPECT_TRUE(output.ok());
    return FoldedDigest(output->partitions);
  };
  const std::string first = digest(rows, 2000);
  EXPECT_EQ(first.size(), 32u);
  std::shuffle(rows.begin(), rows.end(), std::mt19937(5));
  EXPECT_EQ(digest(rows, 700), first);
  rows[0].text_null = !rows[0].text_null;
  rows[0].text.clear();
  EXPECT_NE(digest(rows, 700), first);
}

TEST(MapWriter, AnOutputWithoutRowsHasEmptyPartitions) {
  MapWriter writer({.partitions = 3, .types = kTypes, .folder = testing::TempDir()});
  auto output = writer.Finish(kKey, kFence, 2);
  ASSERT_TRUE(output.ok()) << output.status().ToString();
  EXPECT_EQ(output->bytes, MapFileHeadBytes(3));
  ExpectSameRows({}, *output, 3);
  auto head = ReadMapFileHead(output->file.get());
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->key, kKey);
  EXPECT_EQ(head->fence, kFence);
}

TEST(MapWriter, AStringOfOneMegabyteIsABlockLikeAnyOther) {
  std::vector<Row> rows(5);
  for (Row& row : rows) row.text = std::string(1 << 20, 'x');
  MapWriter writer({.partitions = 2, .types = kTypes, .folder = testing::TempDir()});
  ASSERT_TRUE(AppendRows(*writer.AddLane(), rows, 2).ok());
  auto output = writer.Finish(kKey, kFence, 1);
  ASSERT_TRUE(output.ok());
  ExpectSameRows(rows, *output, 2);
}

TEST(MapWriter, AMissingSpillFolderIsAnErrorThatNamesIt) {
  MapWriter writer({.partitions = 1, .types = kTypes, .memory_bytes = 0, .folder = "/nonexistent/spill"});
  const auto output = writer.Finish(kKey, kFence, 1);
  ASSERT_FALSE(output.ok());
  EXPECT_EQ(output.status().code(), Code::kNotFound);
  EXPECT_NE(output.status().message().find("/nonexistent/spill"), std::string::npos);
}

TEST(MapFile, AFlippedBitInHeaderOrIndexIsDetected) {
  const MapFileHead head{kKey, kFence, {88, 88, 96}};
  const std::vector<std::byte> good = EncodeMapFileHead(head);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::vector<std::byte> bytes = good;
    bytes[bit / 8] ^= std::byte{static_cast<unsigned char>(1u << (bit % 8))};
    bytes.resize(96);
    auto file = CreateOutput(true, "");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(WriteAt(file->get(), bytes, 0).ok());
    ASSERT_EQ(ReadMapFileHead(file->get()).status().code(), Code::kDataLoss) << "bit " << bit;
  }
}

}  // namespace
}  // namespace millrace::shuffle
