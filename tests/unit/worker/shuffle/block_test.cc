#include "worker/shuffle/block.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/shuffle/column_values.h"

namespace millrace::shuffle {
namespace {

template <typename T>
const std::byte* Bytes(const std::vector<T>& values) {
  return reinterpret_cast<const std::byte*>(values.data());
}

std::span<const std::byte> Bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// Two runs of 70 and 3 rows: a BIGINT without NULLs, a VARCHAR with NULLs in the second run only, a LIST of
// STRUCT(i16).
struct Sample {
  std::vector<ColumnType> types = {ColumnType::Fixed(8), ColumnType::String(),
                                   ColumnType::List(ColumnType::Struct({ColumnType::Fixed(2)}))};
  std::vector<std::int64_t> numbers1, numbers2 = {-1, -2, -3};
  std::vector<std::uint32_t> lengths1, lengths2 = {2, 0, 1};
  std::string text1, text2 = "xyz";
  std::vector<std::uint64_t> mask2 = {0b101};
  std::vector<std::uint32_t> list1, list2 = {0, 2, 1};
  std::vector<std::int16_t> items1, items2 = {7, 8, 9};
  RowsPart part1, part2;

  Sample() {
    for (std::uint32_t i = 0; i < 70; ++i) {
      numbers1.push_back(i * 1000003LL);
      lengths1.push_back(i % 4);
      text1.append(i % 4, static_cast<char>('a' + i % 26));
      list1.push_back(i % 2);
      if (i % 2 == 1) items1.push_back(static_cast<std::int16_t>(i));
    }
    part1 = Part(70, numbers1, lengths1, text1, nullptr, list1, items1);
    part2 = Part(3, numbers2, lengths2, text2, mask2.data(), list2, items2);
  }

  static RowsPart Part(std::uint64_t rows, const std::vector<std::int64_t>& numbers,
                       const std::vector<std::uint32_t>& lengths, const std::string& text,
                       const std::uint64_t* mask, const std::vector<std::uint32_t>& list,
                       const std::vector<std::int16_t>& items) {
    RowsPart part(3);
    part[0] = {rows, Bytes(numbers), nullptr, {}, {}};
    part[1] = {rows, Bytes(lengths), mask, {Bytes(text)}, {}};
    ColumnPart item{items.size(), Bytes(items), nullptr, {}, {}};
    ColumnPart record{items.size(), nullptr, nullptr, {}, {item}};
    part[2] = {rows, Bytes(list), nullptr, {}, {record}};
    return part;
  }

  std::vector<std::byte> Encode() const {
    const std::vector<const RowsPart*> parts = {&part1, &part2};
    std::vector<std::byte> out(EncodedBytes(types, parts));
    EncodeBlock(5, types, parts, out.data());
    return out;
  }
};

TEST(Block, GivesBackTheRowsOfAllRunsInOrder) {
  const Sample sample;
  const std::vector<std::byte> bytes = sample.Encode();
  EXPECT_EQ(bytes.size() % 8, 0u);
  auto block = BlockView::Open(bytes, sample.types);
  ASSERT_TRUE(block.ok()) << block.status().ToString();
  EXPECT_EQ(block->rows(), 73u);
  EXPECT_EQ(block->partition(), 5u);
  EXPECT_EQ(block->bytes(), bytes.size());
  EXPECT_EQ(At<std::int64_t>(block->column(0).values, 69), 69 * 1000003LL);
  EXPECT_EQ(At<std::int64_t>(block->column(0).values, 72), -3);
  EXPECT_EQ(block->column(0).validity, nullptr);
  const ColumnView& text = block->column(1);
  EXPECT_TRUE(Valid(text, 0));
  EXPECT_TRUE(Valid(text, 70));
  EXPECT_FALSE(Valid(text, 71));
  EXPECT_TRUE(Valid(text, 72));
  EXPECT_EQ(text.heap.size(), sample.text1.size() + 3);
  EXPECT_EQ(static_cast<char>(text.heap.back()), 'z');
  const ColumnView& list = block->column(2);
  ASSERT_EQ(list.children.size(), 1u);
  EXPECT_EQ(list.children[0].rows, 38u);
  EXPECT_EQ(At<std::int16_t>(list.children[0].children[0].values, 37), 9);
}

TEST(Block, EverySingleBitFlipIsDetected) {
  const Sample sample;
  std::vector<std::byte> bytes = sample.Encode();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const std::byte mask{static_cast<unsigned char>(1u << (bit % 8))};
    bytes[bit / 8] ^= mask;
    const auto block = BlockView::Open(bytes, sample.types);
    ASSERT_FALSE(block.ok()) << "bit " << bit;
    ASSERT_EQ(block.status().code(), Code::kDataLoss);
    bytes[bit / 8] ^= mask;
  }
  EXPECT_TRUE(BlockView::Open(bytes, sample.types).ok());
}

TEST(Block, TruncationAtEveryByteIsDetected) {
  const Sample sample;
  const std::vector<std::byte> whole = sample.Encode();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto block = BlockView::Open(bytes, sample.types);
    ASSERT_FALSE(block.ok()) << size;
    ASSERT_EQ(block.status().code(), Code::kDataLoss);
  }
}

// What a peer with a matching checksum but hostile counts could send: the checksum is made right again after
// each change.
TEST(Block, LengthsThatLieAreRefusedEvenWithAValidChecksum) {
  Sample sample;
  sample.lengths2 = {2, 0, 4000};  // more than the string bytes there are
  EXPECT_FALSE(BlockView::Open(sample.Encode(), sample.types).ok());
  Sample lists;
  lists.list2 = {0, 2, 4000000000u};
  EXPECT_FALSE(BlockView::Open(lists.Encode(), lists.types).ok());
  Sample rows;
  rows.part2[0].rows = 2;  // one column shorter than the others
  EXPECT_FALSE(BlockView::Open(rows.Encode(), rows.types).ok());
}

TEST(Block, ABlockOfOtherTypesIsRefused) {
  const Sample sample;
  const std::vector<std::byte> bytes = sample.Encode();
  std::vector<ColumnType> types = sample.types;
  types[0] = ColumnType::Fixed(4);
  EXPECT_EQ(BlockView::Open(bytes, types).status().code(), Code::kDataLoss);
  types = sample.types;
  types.pop_back();
  EXPECT_EQ(BlockView::Open(bytes, types).status().code(), Code::kDataLoss);
  types = sample.types;
  types[2].children[0] = ColumnType::String();
  EXPECT_EQ(BlockView::Open(bytes, types).status().code(), Code::kDataLoss);
}

TEST(Block, ABlockMayBeReadAtAnyAddress) {
  const Sample sample;
  const std::vector<std::byte> bytes = sample.Encode();
  std::vector<std::byte> shifted(bytes.size() + 3);
  std::copy(bytes.begin(), bytes.end(), shifted.begin() + 3);
  EXPECT_TRUE(BlockView::Open(std::span(shifted).subspan(3), sample.types).ok());
}

}  // namespace
}  // namespace millrace::shuffle
