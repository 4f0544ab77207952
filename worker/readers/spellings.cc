#include "worker/readers/spellings.h"

#include <algorithm>

namespace millrace::readers {
namespace {

constexpr std::size_t kDateLength = 10;
constexpr int kMostDigits = 38;

bool TwoDigits(const char* text, unsigned& value) {
  const auto tens = static_cast<std::uint8_t>(text[0] - '0');
  const auto ones = static_cast<std::uint8_t>(text[1] - '0');
  value = tens * 10u + ones;
  return tens <= 9 && ones <= 9;
}

__int128 PowerOfTen(int exponent) {
  __int128 power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

}  // namespace

bool ReadDate(const char* text, std::size_t length, std::int32_t& days) {
  unsigned century = 0;
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (length != kDateLength || text[4] != '-' || text[7] != '-') return false;
  if (!TwoDigits(text, century) || !TwoDigits(text + 2, year) || !TwoDigits(text + 5, month) || !TwoDigits(text + 8, day)) return false;
  year += century * 100;
  constexpr unsigned kLengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year == 0 || month < 1 || month > 12 || day < 1) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > kLengths[month - 1] + (leap && month == 2 ? 1 : 0)) return false;
  // Years begin in March here, so that a leap day is a year's last.
  const unsigned y = month <= 2 ? year - 1 : year;
  const unsigned since_march = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  days = static_cast<std::int32_t>(y * 365 + y / 4 - y / 100 + y / 400 + since_march) - 719468;
  return true;
}

bool ReadTimestamp(const char* text, std::size_t length, std::int64_t& micros) {
  constexpr std::size_t kSeconds = 19;
  constexpr std::int64_t kSecond = 1'000'000;
  std::int32_t days = 0;
  if (length < kDateLength || !ReadDate(text, kDateLength, days)) return false;
  micros = days * 86400 * kSecond;
  if (length == kDateLength) return true;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  if (length < kSeconds || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':') return false;
  if (!TwoDigits(text + 11, hour) || !TwoDigits(text + 14, minute) || !TwoDigits(text + 17, second)) return false;
  if (hour > 23 || minute > 59 || second > 59) return false;
  micros += (static_cast<std::int64_t>(hour) * 3600 + minute * 60 + second) * kSecond;
  if (length == kSeconds) return true;
  if (text[kSeconds] != '.' || length > kSeconds + 7 || length == kSeconds + 1) return false;
  std::int64_t worth = kSecond / 10;
  for (std::size_t i = kSeconds + 1; i < length; ++i, worth /= 10) {
    const auto digit = static_cast<std::uint8_t>(text[i] - '0');
    if (digit > 9) return false;
    micros += digit * worth;
  }
  return true;
}

bool ReadDecimal(const char* text, std::size_t length, int width, int scale, __int128& value) {
  std::size_t at = 0;
  const bool negative = length != 0 && *text == '-';
  if (negative || (length != 0 && *text == '+')) ++at;
  __int128 digits = 0;
  int count = 0;   // without leading zeros
  int places = 0;  // behind the point
  bool any = false;
  bool point = false;
  for (; at < length; ++at) {
    if (text[at] == '.' && !point) {
      point = true;
      continue;
    }
    const auto digit = static_cast<std::uint8_t>(text[at] - '0');
    if (digit > 9) break;
    any = true;
    if (count == kMostDigits) return false;
    if (digit != 0 || count != 0) ++count;
    digits = digits * 10 + digit;
    if (point) ++places;
  }
  if (!any) return false;
  if (at < length) {
    std::int16_t exponent = 0;
    if ((text[at] | 0x20) != 'e' || !ReadInteger(text + at + 1, length - at - 1, exponent)) return false;
    if (exponent < -kMostDigits || exponent > kMostDigits) return false;
    places -= exponent;
  }
  const int shift = scale - places;
  if (shift >= 0) {
    if (digits != 0 && count + shift > kMostDigits) return false;
    if (digits != 0) digits *= PowerOfTen(shift);
  } else if (-shift > kMostDigits) {
    digits = 0;
  } else {
    const __int128 divisor = PowerOfTen(-shift);
    const __int128 rest = digits % divisor;
    digits = digits / divisor + (rest >= divisor - rest ? 1 : 0);
  }
  if (digits >= PowerOfTen(width)) return false;
  value = negative ? -digits : digits;
  return true;
}

}  // namespace millrace::readers
