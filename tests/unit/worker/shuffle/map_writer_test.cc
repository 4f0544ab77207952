#include "worker/shuffle/map_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "core/model/partition.h"
#include "tests/unit/worker/shuffle/column_values.h"

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
      row.text_null = !Valid(text, i);
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

// 8 partitions with 1,000 rows each, and one of them with 40,000.
std::vector<Row> SkewedRows(bool lists) {
  std::vector<Row> rows;
  std::int64_t hot = -1;
  std::vector<std::uint64_t> counts(8);
  for (std::int64_t key = 0; rows.size() < 47'000; ++key) {
    const std::uint32_t partition = PartitionOf(static_cast<std::uint64_t>(key), 8);
    if (hot < 0) hot = partition;
    const std::uint64_t most = partition == hot ? 40'000 : 1'000;
    for (int i = 0; i < 50 && counts[partition] < most; ++i, ++counts[partition]) {
      Row& row = rows.emplace_back();
      row.key = key;
      row.text_null = counts[partition] % 7 == 0;
      if (!row.text_null) row.text = std::string(counts[partition] % 40, 'x') + std::to_string(key);
      if (lists) row.list = {1, 2};
    }
  }
  return rows;
}

class SkewedOutput : public testing::TestWithParam<std::uint64_t> {};  // bytes of buffers: little ones spill

TEST_P(SkewedOutput, AHotPartitionHasSmallBlocksAndItsCutsHoldEachOnce) {
  std::vector<ColumnType> types = kTypes;
  types[2] = ColumnType::String();
  const std::vector<Row> rows = SkewedRows(false);
  MapWriter writer({.partitions = 8, .types = types, .buffer_bytes = GetParam(), .folder = testing::TempDir()});
  Lane* lane = writer.AddLane();
  for (std::size_t at = 0; at < rows.size(); at += 2000) {
    std::vector<std::uint32_t> partition;
    std::vector<std::int64_t> keys;
    std::vector<std::string_view> texts;
    std::vector<std::uint64_t> mask(32, ~std::uint64_t{0});
    for (std::size_t i = at; i < std::min(at + 2000, rows.size()); ++i) {
      partition.push_back(PartitionOf(static_cast<std::uint64_t>(rows[i].key), 8));
      keys.push_back(rows[i].key);
      texts.push_back(rows[i].text);
      if (rows[i].text_null) mask[(i - at) / 64] &= ~(std::uint64_t{1} << ((i - at) % 64));
    }
    std::vector<ColumnInput> columns(3);
    columns[0].values = reinterpret_cast<const std::byte*>(keys.data());
    columns[1].strings = texts.data();
    columns[1].validity = mask.data();
    columns[2].strings = texts.data();
    ASSERT_TRUE(lane->Append(partition, columns).ok());
  }
  auto output = writer.Finish(kKey, kFence, 1);
  ASSERT_TRUE(output.ok()) << output.status().ToString();
  std::uint64_t median = 0;
  std::uint32_t hot = 0;
  for (std::uint32_t p = 0; p < 8; ++p) {
    if (output->partitions[p].bytes > output->partitions[hot].bytes) hot = p;
    if (output->partitions[p].rows == 1000) median = output->partitions[p].bytes;
  }
  ASSERT_GT(median, 0u);
  EXPECT_EQ(output->partitions[hot].rows, 40'000u);
  const auto head = ReadMapFileHead(output->file.get());
  ASSERT_TRUE(head.ok());
  const auto end = static_cast<std::int64_t>(output->partitions[hot].bytes);
  std::multiset<std::pair<std::int64_t, std::string>> got;
  std::uint64_t blocks = 0;
  const std::int64_t cuts = 20;
  for (std::int64_t cut = 0; cut < cuts; ++cut) {
    const auto bytes =
        BlockBytes::Map(output->file.get(), *head, {hot, hot + 1, end * cut / cuts, end * (cut + 1) / cuts});
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    EXPECT_LE(bytes->bytes().size(), static_cast<std::uint64_t>(end / cuts) + std::max<std::uint64_t>(median / 2, 8192));
    std::span<const std::byte> rest = bytes->bytes();
    for (; !rest.empty(); ++blocks) {
      auto block = BlockView::Open(rest, types);
      ASSERT_TRUE(block.ok()) << block.status().ToString();
      std::uint64_t at = 0;
      for (std::uint64_t i = 0; i < block->rows(); ++i) {
        const ColumnView& text = block->column(1);
        const std::uint32_t length = At<std::uint32_t>(text.values, i);
        got.emplace(At<std::int64_t>(block->column(0).values, i),
                    !Valid(text, i) ? "NULL" : std::string(reinterpret_cast<const char*>(text.heap.data()) + at, length));
        at += length;
      }
      rest = rest.subspan(block->bytes());
    }
  }
  EXPECT_EQ(blocks, output->partitions[hot].blocks) << "each block in one cut";
  EXPECT_GT(blocks, 40u);
  std::multiset<std::pair<std::int64_t, std::string>> wanted;
  for (const Row& row : rows) {
    if (PartitionOf(static_cast<std::uint64_t>(row.key), 8) == hot) wanted.emplace(row.key, row.text_null ? "NULL" : row.text);
  }
  EXPECT_EQ(got, wanted);
}
INSTANTIATE_TEST_SUITE_P(Buffers, SkewedOutput, testing::Values(std::uint64_t{1} << 30, 600'000));

TEST(MapWriter, RowsWithListsThatAreHotAreAllThere) {
  const std::vector<Row> rows = SkewedRows(true);
  MapWriter writer({.partitions = 8, .types = kTypes, .folder = testing::TempDir()});
  Lane* lane = writer.AddLane();
  for (std::size_t at = 0; at < rows.size(); at += 2000) {
    ASSERT_TRUE(AppendRows(*lane, std::span(rows).subspan(at, std::min<std::size_t>(2000, rows.size() - at)), 8).ok());
  }
  auto output = writer.Finish(kKey, kFence, 2);
  ASSERT_TRUE(output.ok()) << output.status().ToString();
  ExpectSameRows(rows, *output, 8);
}

TEST(MapWriter, TheOrderedDigestTellsOtherBlocksOfTheSameRows) {
  std::vector<Row> rows = RandomRows(3000, 5);
  const auto digests = [&] {
    MapWriter writer({.partitions = 4, .types = kTypes, .folder = testing::TempDir()});
    Lane* lane = writer.AddLane();
    EXPECT_TRUE(AppendRows(*lane, rows, 4).ok());
    auto output = writer.Finish(kKey, kFence, 1);
    return std::pair(FoldedDigest(output->partitions), FoldedOrderDigest(output->partitions));
  };
  const auto first = digests();
  EXPECT_EQ(digests(), first);
  std::reverse(rows.begin(), rows.end());
  const auto second = digests();
  EXPECT_EQ(second.first, first.first);
  EXPECT_NE(second.second, first.second);
}

}  // namespace
}  // namespace millrace::shuffle
