// A shuffle block whose checksum is right and whose content need not be: refused, or every value lies within it.
#include "worker/shuffle/block.h"

#include <xxhash.h>

#include <cstring>

#include "tests/fuzz/fuzz.h"

namespace millrace::shuffle {
namespace {

std::uint64_t Touch(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<std::uint8_t>(byte);
  return sum;
}

// Reads all that a reader of the block would.
std::uint64_t Walk(const ColumnType& type, const ColumnView& view) {
  std::uint64_t sum = 0;
  if (view.validity != nullptr) sum += Touch({view.validity, (view.rows + 63) / 64 * 8});
  if (type.kind == ColumnKind::kStruct) {
    for (std::size_t i = 0; i < type.children.size(); ++i) {
      fuzz::Check(view.children[i].rows == view.rows, "a struct's fields have its rows");
      sum += Walk(type.children[i], view.children[i]);
    }
    return sum;
  }
  const std::uint64_t width = type.kind == ColumnKind::kFixed ? type.width : 4;
  sum += Touch({view.values, view.rows * width});
  if (type.kind == ColumnKind::kFixed) return sum;
  std::uint64_t items = 0;
  for (std::uint64_t row = 0; row < view.rows; ++row) {
    std::uint32_t length = 0;
    std::memcpy(&length, view.values + row * 4, sizeof length);
    items += length;
  }
  if (type.kind == ColumnKind::kString) {
    fuzz::Check(items <= view.heap.size(), "texts lie within their bytes");
    return sum + Touch(view.heap);
  }
  fuzz::Check(view.children[0].rows == items, "a list has as many items as its lengths say");
  return sum + Walk(type.children[0], view.children[0]);
}

std::vector<ColumnType> TypesOf(unsigned number) {
  switch (number) {
    case 0: return {ColumnType::Fixed(8)};
    case 1: return {ColumnType::Fixed(1), ColumnType::String()};
    case 2: return {ColumnType::List(ColumnType::Struct({ColumnType::Fixed(2), ColumnType::String()}))};
    default: return {ColumnType::Struct({ColumnType::Fixed(16), ColumnType::List(ColumnType::List(ColumnType::Fixed(4)))})};
  }
}

// A block of so many rows, values from `text`, to start from.
std::vector<std::byte> Sample(const std::vector<ColumnType>& types, std::string_view text) {
  constexpr std::uint64_t kRows = 5;
  static const std::vector<std::byte> zeros(1024);
  const auto part = [&](const auto& self, const ColumnType& type) -> ColumnPart {
    ColumnPart made{.rows = kRows, .values = zeros.data()};
    if (type.kind == ColumnKind::kStruct) made.values = nullptr;
    for (const ColumnType& child : type.children) made.children.push_back(self(self, child));
    if (type.kind == ColumnKind::kList) made.children[0].rows = 0;
    if (type.kind == ColumnKind::kList) made.children[0].children.clear();
    if (type.kind == ColumnKind::kList) {
      for (const ColumnType& child : type.children[0].children) {
        made.children[0].children.push_back(self(self, child));
        made.children[0].children.back().rows = 0;
      }
    }
    return made;
  };
  RowsPart rows;
  for (const ColumnType& type : types) rows.push_back(part(part, type));
  const RowsPart* const parts[] = {&rows};
  std::vector<std::byte> block(EncodedBytes(types, parts));
  EncodeBlock(0, types, parts, block.data());
  // The text's bytes in pairs: where, and what.
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    block[static_cast<std::uint8_t>(text[i]) % block.size()] ^= static_cast<std::byte>(text[i + 1]);
  }
  return block;
}

void Sign(std::vector<std::byte>& block) {
  const auto head = ReadBlockHead(block);
  if (!head.ok() || head->bytes > block.size() || head->bytes < 16) return;
  const std::size_t body = head->bytes - sizeof(std::uint64_t);
  const std::uint64_t checksum = XXH3_64bits(block.data(), body);
  std::memcpy(block.data() + body, &checksum, sizeof checksum);
}

}  // namespace
}  // namespace millrace::shuffle

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace::shuffle;
  millrace::fuzz::Choices choices(data, size);
  const std::vector<ColumnType> types = TypesOf(choices.Below(4));
  const bool raw = choices.Below(4) == 0;
  const std::string_view text = choices.rest();
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  std::vector<std::byte> block = raw ? std::vector<std::byte>(bytes, bytes + text.size()) : Sample(types, text);
  Sign(block);
  const auto view = BlockView::Open(block, types);
  if (!view.ok()) return 0;
  volatile std::uint64_t sum = 0;
  for (std::size_t i = 0; i < types.size(); ++i) sum = sum + Walk(types[i], view->column(i));
  return 0;
}
