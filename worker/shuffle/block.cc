#include "worker/shuffle/block.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::shuffle {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are little-endian and are read in place");

constexpr std::uint32_t kMagic = 0x3142524d;  // "MRB1"
constexpr std::uint16_t kVersion = 1;
constexpr std::uint64_t kHeadBytes = kBlockHeadBytes;
constexpr std::uint64_t kNodeBytes = 16;
constexpr std::uint64_t kChecksumBytes = 8;

struct Head {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t flags;  // none is defined
  std::uint64_t bytes;
  std::uint32_t rows;
  std::uint32_t partition;
  std::uint32_t columns;
  std::uint32_t reserved;
};
static_assert(sizeof(Head) == kHeadBytes);

struct Node {
  std::uint8_t kind;
  std::uint8_t width;
  std::uint8_t has_validity;
  std::uint8_t reserved;
  std::uint32_t children;
  std::uint64_t rows;
};
static_assert(sizeof(Node) == kNodeBytes);

constexpr std::uint64_t Padded(std::uint64_t bytes) { return (bytes + 7) & ~std::uint64_t{7}; }
constexpr std::uint64_t ValidityBytes(std::uint64_t rows) { return (rows + 63) / 64 * 8; }

using Parts = std::vector<const ColumnPart*>;

Parts Children(const Parts& parts, std::size_t child) {
  Parts children;
  children.reserve(parts.size());
  for (const ColumnPart* part : parts) children.push_back(&part->children[child]);
  return children;
}

Parts Column(std::span<const RowsPart* const> parts, std::size_t column) {
  Parts result;
  result.reserve(parts.size());
  for (const RowsPart* part : parts) result.push_back(&(*part)[column]);
  return result;
}

std::uint64_t Rows(const Parts& parts) {
  std::uint64_t rows = 0;
  for (const ColumnPart* part : parts) rows += part->rows;
  return rows;
}

bool HasValidity(const Parts& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [](const ColumnPart* part) { return part->validity != nullptr; });
}

std::uint64_t HeapBytes(const Parts& parts) {
  std::uint64_t bytes = 0;
  for (const ColumnPart* part : parts) {
    for (const auto& piece : part->heap) bytes += piece.size();
  }
  return bytes;
}

// Bytes a row takes in `values`.
std::uint64_t ValueWidth(const ColumnType& type) {
  switch (type.kind) {
    case ColumnKind::kFixed:
      return type.width;
    case ColumnKind::kString:
    case ColumnKind::kList:
      return sizeof(std::uint32_t);
    case ColumnKind::kStruct:
      return 0;
  }
  return 0;
}

std::uint64_t NodeBytes(const ColumnType& type, const Parts& parts) {
  const std::uint64_t rows = Rows(parts);
  std::uint64_t bytes =
      kNodeBytes + (HasValidity(parts) ? ValidityBytes(rows) : 0) + Padded(rows * ValueWidth(type));
  if (type.kind == ColumnKind::kString) bytes += 8 + Padded(HeapBytes(parts));
  for (std::size_t i = 0; i < type.children.size(); ++i)
    bytes += NodeBytes(type.children[i], Children(parts, i));
  return bytes;
}

class Encoder {
 public:
  explicit Encoder(std::byte* out) : begin_(out), out_(out) {}

  void Put(const void* data, std::uint64_t bytes) {
    if (bytes != 0) std::memcpy(out_, data, bytes);
    out_ += bytes;
  }

  void Pad() {
    const std::uint64_t used = static_cast<std::uint64_t>(out_ - begin_);
    const std::uint64_t padding = Padded(used) - used;
    std::memset(out_, 0, padding);
    out_ += padding;
  }

  void PutValidity(const Parts& parts, std::uint64_t rows) {
    std::vector<std::uint64_t> words(ValidityBytes(rows) / 8, 0);
    std::uint64_t at = 0;
    for (const ColumnPart* part : parts) {
      AppendBits(words, at, part->validity, part->rows);
      at += part->rows;
    }
    Put(words.data(), words.size() * 8);
  }

  void PutNode(const ColumnType& type, const Parts& parts) {
    const std::uint64_t rows = Rows(parts);
    const bool has_validity = HasValidity(parts);
    const Node node{static_cast<std::uint8_t>(type.kind),
                    type.width,
                    has_validity,
                    0,
                    static_cast<std::uint32_t>(type.children.size()),
                    rows};
    Put(&node, sizeof node);
    if (has_validity) PutValidity(parts, rows);
    for (const ColumnPart* part : parts) Put(part->values, part->rows * ValueWidth(type));
    Pad();
    if (type.kind == ColumnKind::kString) {
      const std::uint64_t heap = HeapBytes(parts);
      Put(&heap, sizeof heap);
      for (const ColumnPart* part : parts) {
        for (const auto& piece : part->heap) Put(piece.data(), piece.size());
      }
      Pad();
    }
    for (std::size_t i = 0; i < type.children.size(); ++i) PutNode(type.children[i], Children(parts, i));
  }

  std::byte* position() const { return out_; }

 private:
  // Bits [0, rows) of `source` (null: ones) to bit `at` of `words`, which are zero from there on.
  static void AppendBits(std::vector<std::uint64_t>& words, std::uint64_t at, const std::uint64_t* source,
                         std::uint64_t rows) {
    for (std::uint64_t done = 0; done < rows; done += 64) {
      const std::uint64_t count = std::min<std::uint64_t>(64, rows - done);
      std::uint64_t bits = source == nullptr ? ~std::uint64_t{0} : source[done / 64];
      if (count < 64) bits &= (std::uint64_t{1} << count) - 1;
      const std::uint64_t shift = (at + done) % 64;
      words[(at + done) / 64] |= bits << shift;
      if (shift != 0 && shift + count > 64) words[(at + done) / 64 + 1] |= bits >> (64 - shift);
    }
  }

  std::byte* begin_;
  std::byte* out_;
};

Status Corrupt(std::string_view what) {
  return DataLoss("Shuffle block is corrupt (" + std::string(what) + "); its map output must be made again");
}

// Takes bytes from the front of a span, never past its end.
class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> bytes) : rest_(bytes) {}

  // Null when fewer bytes are left.
  const std::byte* Take(std::uint64_t bytes) {
    if (bytes > rest_.size()) return nullptr;
    const std::byte* taken = rest_.data();
    rest_ = rest_.subspan(bytes);
    return taken;
  }
  // `count` values of `width` bytes and their padding. Null when they do not fit.
  const std::byte* TakeArray(std::uint64_t count, std::uint64_t width) {
    if (width != 0 && count > rest_.size() / width) return nullptr;
    return Take(Padded(count * width));
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

// The sum of u32 lengths; 64 bits cannot overflow, as there are fewer than 2^32 of them in a block's bytes.
std::uint64_t SumLengths(const std::byte* lengths, std::uint64_t rows) {
  std::uint64_t sum = 0;
  for (std::uint64_t row = 0; row < rows; ++row) {
    std::uint32_t length;
    std::memcpy(&length, lengths + row * sizeof length, sizeof length);
    sum += length;
  }
  return sum;
}

Status ReadNode(Decoder& decoder, const ColumnType& type, std::uint64_t rows, ColumnView& view) {
  const std::byte* raw = decoder.Take(kNodeBytes);
  if (raw == nullptr) return Corrupt("it ends within a column");
  Node node;
  std::memcpy(&node, raw, sizeof node);
  if (node.kind != static_cast<std::uint8_t>(type.kind) || node.width != type.width ||
      node.children != type.children.size() || node.has_validity > 1 || node.reserved != 0) {
    return Corrupt("a column is not of the expected type");
  }
  if (node.rows != rows) return Corrupt("a column has the wrong number of rows");
  view.rows = rows;
  if (node.has_validity != 0) {
    view.validity = decoder.TakeArray((rows + 63) / 64, 8);
    if (view.validity == nullptr) return Corrupt("it ends within a validity mask");
  }
  const std::uint64_t width = ValueWidth(type);
  view.values = decoder.TakeArray(rows, width);
  if (view.values == nullptr) return Corrupt("it ends within a column's values");
  std::uint64_t child_rows = rows;
  if (type.kind == ColumnKind::kList) child_rows = SumLengths(view.values, rows);
  if (type.kind == ColumnKind::kString) {
    const std::byte* size = decoder.Take(8);
    if (size == nullptr) return Corrupt("it ends before a column's strings");
    std::uint64_t heap;
    std::memcpy(&heap, size, sizeof heap);
    if (heap != SumLengths(view.values, rows)) return Corrupt("the lengths of strings do not add up");
    const std::byte* bytes = decoder.TakeArray(heap, 1);
    if (bytes == nullptr) return Corrupt("it ends within a column's strings");
    view.heap = {bytes, heap};
  }
  view.children.resize(type.children.size());
  for (std::size_t i = 0; i < type.children.size(); ++i) {
    RETURN_IF_ERROR(ReadNode(decoder, type.children[i], child_rows, view.children[i]));
  }
  return OkStatus();
}

}  // namespace

std::uint64_t EncodedBytes(std::span<const ColumnType> types, std::span<const RowsPart* const> parts) {
  std::uint64_t bytes = kHeadBytes + kChecksumBytes;
  for (std::size_t i = 0; i < types.size(); ++i) bytes += NodeBytes(types[i], Column(parts, i));
  return bytes;
}

void EncodeBlock(std::uint32_t partition, std::span<const ColumnType> types,
                 std::span<const RowsPart* const> parts, std::byte* out) {
  MILLRACE_CHECK(!types.empty());
  const std::uint64_t rows = Rows(Column(parts, 0));
  MILLRACE_CHECK(rows <= UINT32_MAX);
  Head head{kMagic,
            kVersion,
            0,
            0,
            static_cast<std::uint32_t>(rows),
            partition,
            static_cast<std::uint32_t>(types.size()),
            0};
  Encoder encoder(out);
  encoder.Put(&head, sizeof head);
  for (std::size_t i = 0; i < types.size(); ++i) encoder.PutNode(types[i], Column(parts, i));
  const std::uint64_t body = static_cast<std::uint64_t>(encoder.position() - out);
  head.bytes = body + kChecksumBytes;
  std::memcpy(out, &head, sizeof head);
  const std::uint64_t checksum = XXH3_64bits(out, body);
  encoder.Put(&checksum, sizeof checksum);
}

StatusOr<BlockHead> ReadBlockHead(std::span<const std::byte> bytes) {
  return ReadBlockHead(bytes, bytes.size());
}

StatusOr<BlockHead> ReadBlockHead(std::span<const std::byte> bytes, std::uint64_t available) {
  if (available < kHeadBytes + kChecksumBytes || bytes.size() < kHeadBytes)
    return Corrupt("it is shorter than a header");
  Head head;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.magic != kMagic) return Corrupt("it does not start with MRB1");
  if (head.version != kVersion) return Corrupt("version " + std::to_string(head.version) + " is unknown");
  if (head.bytes < kHeadBytes + kChecksumBytes || head.bytes % 8 != 0 || head.bytes > available) {
    return Corrupt("its length is not that of its bytes");
  }
  return BlockHead{head.bytes, head.rows, head.partition};
}

StatusOr<BlockView> BlockView::Open(std::span<const std::byte> bytes, std::span<const ColumnType> expected) {
  BlockView view;
  ASSIGN_OR_RETURN(view.head_, ReadBlockHead(bytes));
  const std::uint64_t body = view.head_.bytes - kChecksumBytes;
  view.checksum_ = BlockChecksum(bytes.first(view.head_.bytes));
  if (XXH3_64bits(bytes.data(), body) != view.checksum_) return Corrupt("its checksum does not match");
  Head head;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.flags != 0 || head.reserved != 0) return Corrupt("it has unknown flags");
  if (head.columns != expected.size()) return Corrupt("it has the wrong number of columns");
  Decoder decoder(bytes.subspan(kHeadBytes, body - kHeadBytes));
  view.columns_.resize(expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    RETURN_IF_ERROR(ReadNode(decoder, expected[i], head.rows, view.columns_[i]));
  }
  if (!decoder.empty()) return Corrupt("it has bytes after its last column");
  return view;
}

std::uint64_t BlockChecksum(std::span<const std::byte> block) {
  std::uint64_t checksum;
  std::memcpy(&checksum, block.data() + block.size() - kChecksumBytes, sizeof checksum);
  return checksum;
}

}  // namespace millrace::shuffle
