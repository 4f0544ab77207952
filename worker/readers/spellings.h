// The usual spellings of values, read fast. Each function says false for what it does not know, which need not be wrong. Reads up
// to 8 bytes behind a text: where that may be, the caller has seen to padding. Pure; any thread.
#pragma once

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

namespace millrace::readers {

// Up to eight digits at once.
inline bool ReadDigits(const char* text, std::size_t length, std::uint64_t& value) {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  // The first digit is the lowest byte; zeros come in below it, which count as leading zeros.
  word = (word ^ 0x3030303030303030u) << (64 - 8 * length);
  if (((word + 0x7676767676767676u) | word) & 0x8080808080808080u) return false;
  word = word * 10 + (word >> 8);
  value = (((word & 0x000000ff000000ffu) * 0x000f424000000064u) + (((word >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u)) >> 32;
  return true;
}

template <typename T>
inline bool ReadInteger(const char* text, std::size_t length, T& value) {
  bool negative = false;
  if (length != 0 && (*text == '-' || *text == '+')) {
    negative = *text == '-';
    ++text;
    --length;
  }
  std::uint64_t magnitude = 0;
  if (length == 0) return false;
  if (length <= 8) {
    if (!ReadDigits(text, length, magnitude)) return false;
  } else {
    if (length > 19) return false;
    std::uint64_t head = 0;
    while (length > 8) {
      const auto digit = static_cast<std::uint8_t>(*text++ - '0');
      if (digit > 9) return false;
      head = head * 10 + digit;
      --length;
    }
    if (!ReadDigits(text, length, magnitude)) return false;
    magnitude += head * 100'000'000;  // at most 19 nines
  }
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  if (magnitude > most + (std::is_signed_v<T> && negative ? 1 : 0)) return false;
  if (std::is_unsigned_v<T> && negative && magnitude != 0) return false;
  value = static_cast<T>(negative ? std::uint64_t{0} - magnitude : magnitude);
  return true;
}

template <typename T>
inline bool ReadReal(const char* text, std::size_t length, T& value) {
  if (length == 0) return false;
  const char first = *text == '-' && length > 1 ? text[1] : *text;
  if ((first < '0' || first > '9') && first != '.') return false;  // nan, inf, +1
  const auto [end, error] = std::from_chars(text, text + length, value);
  return error == std::errc() && end == text + length;
}

inline bool ReadBoolean(const char* text, std::size_t length, bool& value) {
  const auto is = [&](std::string_view word) {
    if (word.size() != length) return false;
    for (std::size_t i = 0; i < length; ++i) {
      if ((text[i] | 0x20) != word[i]) return false;
    }
    return true;
  };
  if (length == 1 && (*text == '0' || *text == '1')) {
    value = *text == '1';
    return true;
  }
  value = is("true") || is("t") || is("yes") || is("y");
  return value || is("false") || is("f") || is("no") || is("n");
}

// 2001-02-28, as days since 1970.
bool ReadDate(const char* text, std::size_t length, std::int32_t& days);
// 2001-02-28 23:59:59, 2001-02-28T23:59:59.123456, as microseconds since 1970.
bool ReadTimestamp(const char* text, std::size_t length, std::int64_t& micros);
// 12.345, -1.5e3: rounded to `scale` places, half away from zero; false beyond `width` digits.
bool ReadDecimal(const char* text, std::size_t length, int width, int scale, __int128& value);

}  // namespace millrace::readers
