#include "worker/readers/separators.h"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace millrace::readers {
namespace {

constexpr std::size_t kBlock = 64;

// One bit a byte of a block.
struct Masks {
  std::uint64_t delimiter = 0;
  std::uint64_t newline = 0;
  std::uint64_t quote = 0;
  std::uint64_t carriage = 0;
  std::uint64_t high = 0;  // not ASCII
};

// Bit i: whether the bits 0 to i are odd in number.
inline std::uint64_t Parity(std::uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

class Walk {
 public:
  explicit Walk(std::uint32_t* positions) : out_(positions), first_(positions) {}

  [[gnu::always_inline]] inline void Take(const Masks& masks, std::uint32_t base) {
    const std::uint64_t either = masks.delimiter | masks.newline;
    std::uint64_t separators = either;
    std::uint64_t outside = ~std::uint64_t{0};
    if ((masks.quote | inside_ | after_close_) != 0) {
      const std::uint64_t inside = Parity(masks.quote) ^ inside_;  // from an opening quote to before its closing one
      const std::uint64_t opens = masks.quote & inside;
      const std::uint64_t closes = masks.quote & ~inside;
      separators = either & ~inside;
      const std::uint64_t after_close = closes << 1 | after_close_;
      const std::uint64_t after_separator = separators << 1 | after_separator_;
      odd_ |= opens & ~(after_separator | after_close);
      odd_ |= after_close & ~(either | masks.quote | masks.carriage);
      after_close_ = closes >> 63;
      inside_ = std::uint64_t{0} - (inside >> 63);
      outside = ~inside;
    }
    after_separator_ = separators >> 63;
    const std::uint64_t carriage = masks.carriage & outside;
    odd_ |= (carriage << 1 | after_carriage_) & ~masks.newline;
    after_carriage_ = carriage >> 63;
    high_ |= masks.high;
    newlines_ += static_cast<std::size_t>(std::popcount(separators & masks.newline));
    Write(separators, base);
  }

  Separators End() const {
    return {.count = static_cast<std::size_t>(out_ - first_), .newlines = newlines_, .plain = odd_ == 0, .ascii = high_ == 0};
  }

 private:
  // Eight at a time without looking, as a block has five to twenty: what is too much is overwritten.
  [[gnu::always_inline]] inline void Write(std::uint64_t bits, std::uint32_t base) {
    const int count = std::popcount(bits);
    std::uint32_t* out = out_;
    for (int done = 0; done < count; done += 8) {
      for (int i = 0; i < 8; ++i) {
        out[i] = base + static_cast<std::uint32_t>(std::countr_zero(bits));
        bits &= bits - 1;
      }
      out += 8;
    }
    out_ += count;
  }

  std::uint32_t* out_;
  std::uint32_t* first_;
  std::size_t newlines_ = 0;
  std::uint64_t inside_ = 0;           // all bits: the block begins within quotes
  std::uint64_t after_separator_ = 1;  // one bit: the byte before the block
  std::uint64_t after_close_ = 0;
  std::uint64_t after_carriage_ = 0;
  std::uint64_t odd_ = 0;
  std::uint64_t high_ = 0;
};

std::uint64_t Repeat(char c) { return 0x0101010101010101u * static_cast<std::uint8_t>(c); }

// The bytes of `word` that equal the pattern's, as eight bits.
std::uint64_t EqualBytes(std::uint64_t word, std::uint64_t pattern) {
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7fu;
  const std::uint64_t x = word ^ pattern;
  const std::uint64_t zero = ~(((x & kLow) + kLow) | x | kLow);  // 0x80 where x has a zero byte
  return (zero >> 7) * 0x0102040810204080u >> 56;
}

Masks MasksPortably(const Dialect& dialect, const char* block) {
  Masks masks;
  for (std::size_t i = 0; i < kBlock; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, block + i, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    masks.delimiter |= EqualBytes(word, Repeat(dialect.delimiter)) << i;
    masks.newline |= EqualBytes(word, Repeat('\n')) << i;
    if (dialect.quoted()) masks.quote |= EqualBytes(word, Repeat(dialect.quote)) << i;
    if (!dialect.lines()) masks.carriage |= EqualBytes(word, Repeat('\r')) << i;
    masks.high |= word & 0x8080808080808080u;
  }
  return masks;
}

#if defined(__x86_64__)
struct Patterns {
  __m256i delimiter;
  __m256i newline;
  __m256i quote;
  __m256i carriage;
};

#define MILLRACE_AVX2 gnu::target("avx2,bmi,bmi2,popcnt")

[[MILLRACE_AVX2, gnu::always_inline]] inline std::uint64_t Equal(__m256i low, __m256i high, __m256i pattern) {
  const auto a = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, pattern)));
  const auto b = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, pattern)));
  return a | static_cast<std::uint64_t>(b) << 32;
}

[[MILLRACE_AVX2, gnu::always_inline]] inline Masks MasksByAvx2(const Patterns& patterns, bool quoted, bool lines, const char* block) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32));
  Masks masks;
  masks.delimiter = Equal(low, high, patterns.delimiter);
  masks.newline = Equal(low, high, patterns.newline);
  masks.quote = quoted ? Equal(low, high, patterns.quote) : 0;
  masks.carriage = lines ? 0 : Equal(low, high, patterns.carriage);
  masks.high = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(low, high)));
  return masks;
}

[[MILLRACE_AVX2]] Separators FindByAvx2(const Dialect& dialect, const char* data, std::size_t size, std::uint32_t* positions) {
  const Patterns patterns{_mm256_set1_epi8(dialect.delimiter), _mm256_set1_epi8('\n'), _mm256_set1_epi8(dialect.quote),
                          _mm256_set1_epi8('\r')};
  const bool quoted = dialect.quoted();
  const bool lines = dialect.lines();
  Walk walk(positions);
  std::size_t at = 0;
  for (; at + kBlock <= size; at += kBlock) {
    walk.Take(MasksByAvx2(patterns, quoted, lines, data + at), static_cast<std::uint32_t>(at));
  }
  if (at < size) {
    char rest[kBlock] = {};
    std::memcpy(rest, data + at, size - at);
    walk.Take(MasksByAvx2(patterns, quoted, lines, rest), static_cast<std::uint32_t>(at));
  }
  return walk.End();
}
#endif

}  // namespace

// A last block that is not full is filled with zero bytes, which are no separators. A quote or carriage return as the very last
// byte then looks out of place; that costs the caller a slower look, and no more.
Separators FindSeparatorsPortably(const Dialect& dialect, const char* data, std::size_t size, std::uint32_t* positions) {
  Walk walk(positions);
  std::size_t at = 0;
  for (; at + kBlock <= size; at += kBlock) walk.Take(MasksPortably(dialect, data + at), static_cast<std::uint32_t>(at));
  if (at < size) {
    char rest[kBlock] = {};
    std::memcpy(rest, data + at, size - at);
    walk.Take(MasksPortably(dialect, rest), static_cast<std::uint32_t>(at));
  }
  return walk.End();
}

Separators FindSeparators(const Dialect& dialect, const char* data, std::size_t size, std::uint32_t* positions) {
#if defined(__x86_64__)
  static const bool kHasAvx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  if (kHasAvx2) return FindByAvx2(dialect, data, size, positions);
#endif
  return FindSeparatorsPortably(dialect, data, size, positions);
}

}  // namespace millrace::readers
