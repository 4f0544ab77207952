#include "core/template/letters.h"

#include <algorithm>
#include <array>

namespace millrace::jinja {
namespace {

// Small letters from `first` to `last`, with their capitals `distance` before them.
struct Shifted {
  char32_t first;
  char32_t last;
  int distance;
};
constexpr std::array kShifted = {
    Shifted{0x61, 0x7a, 0x20},   Shifted{0xe0, 0xf6, 0x20},   Shifted{0xf8, 0xfe, 0x20},
    Shifted{0xff, 0xff, -0x79},  Shifted{0x3ac, 0x3ac, 38},   Shifted{0x3ad, 0x3af, 37},
    Shifted{0x3b1, 0x3c1, 0x20}, Shifted{0x3c3, 0x3cb, 0x20}, Shifted{0x3cc, 0x3cc, 64},
    Shifted{0x3cd, 0x3ce, 63},   Shifted{0x430, 0x44f, 0x20}, Shifted{0x450, 0x45f, 0x50},
    Shifted{0x4cf, 0x4cf, 15},   Shifted{0x561, 0x586, 0x30}, Shifted{0xff41, 0xff5a, 0x20},
};

// Capital, small, capital, small, ... from a capital on.
struct Alternating {
  char32_t first;
  char32_t last;
};
constexpr std::array kAlternating = {
    Alternating{0x100, 0x12f}, Alternating{0x132, 0x137},   Alternating{0x139, 0x148},
    Alternating{0x14a, 0x177}, Alternating{0x179, 0x17e},   Alternating{0x1cd, 0x1dc},
    Alternating{0x1de, 0x1ef}, Alternating{0x1f8, 0x21f},   Alternating{0x222, 0x233},
    Alternating{0x246, 0x24f}, Alternating{0x370, 0x373},   Alternating{0x3d8, 0x3ef},
    Alternating{0x460, 0x481}, Alternating{0x48a, 0x4bf},   Alternating{0x4c1, 0x4ce},
    Alternating{0x4d0, 0x52f}, Alternating{0x1e00, 0x1e95}, Alternating{0x1ea0, 0x1eff},
};

// Letters with one direction of their own.
struct Odd {
  char32_t from;
  char32_t to;
};
constexpr std::array kOnlyUp = {Odd{0xb5, 0x39c}, Odd{0x131, 'I'}, Odd{0x17f, 'S'}, Odd{0x3c2, 0x3a3}};
constexpr std::array kOnlyDown = {Odd{0x1e9e, 0xdf}};

struct LetterRange {
  char32_t first;
  char32_t last;
};
constexpr std::array kAlphabetic = {
    LetterRange{0x41, 0x5a},       LetterRange{0x61, 0x7a},     LetterRange{0xaa, 0xaa},     LetterRange{0xb5, 0xb5},
    LetterRange{0xba, 0xba},       LetterRange{0xc0, 0xd6},     LetterRange{0xd8, 0xf6},     LetterRange{0xf8, 0x2c1},
    LetterRange{0x370, 0x373},     LetterRange{0x376, 0x377},   LetterRange{0x37b, 0x37d},   LetterRange{0x37f, 0x37f},
    LetterRange{0x386, 0x386},     LetterRange{0x388, 0x38a},   LetterRange{0x38c, 0x38c},   LetterRange{0x38e, 0x3a1},
    LetterRange{0x3a3, 0x3f5},     LetterRange{0x3f7, 0x481},   LetterRange{0x48a, 0x52f},   LetterRange{0x531, 0x556},
    LetterRange{0x560, 0x588},     LetterRange{0x5d0, 0x5ea},   LetterRange{0x620, 0x64a},   LetterRange{0x671, 0x6d3},
    LetterRange{0x904, 0x939},     LetterRange{0xe01, 0xe30},   LetterRange{0x10d0, 0x10fa}, LetterRange{0x1100, 0x1248},
    LetterRange{0x1e00, 0x1f15},   LetterRange{0x3041, 0x3096}, LetterRange{0x30a1, 0x30fa}, LetterRange{0x3400, 0x4dbf},
    LetterRange{0x4e00, 0x9fff},   LetterRange{0xac00, 0xd7a3}, LetterRange{0xff21, 0xff3a}, LetterRange{0xff41, 0xff5a},
    LetterRange{0x20000, 0x2a6df},
};

template <typename Table>
bool Has(const Table& table, char32_t c) {
  return std::any_of(table.begin(), table.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.last; });
}

}  // namespace

char32_t UpperOf(char32_t c) {
  for (const Shifted& range : kShifted) {
    if (c >= range.first && c <= range.last && c != 0xf7) return c - static_cast<char32_t>(range.distance);
  }
  for (const Alternating& range : kAlternating) {
    if (c >= range.first && c <= range.last) return (c - range.first) % 2 == 1 ? c - 1 : c;
  }
  for (const Odd& odd : kOnlyUp) {
    if (odd.from == c) return odd.to;
  }
  return c;
}

char32_t LowerOf(char32_t c) {
  for (const Shifted& range : kShifted) {
    const char32_t small = c + static_cast<char32_t>(range.distance);
    if (small >= range.first && small <= range.last && small != 0xf7) return small;
  }
  for (const Alternating& range : kAlternating) {
    if (c >= range.first && c <= range.last) return (c - range.first) % 2 == 0 ? c + 1 : c;
  }
  for (const Odd& odd : kOnlyDown) {
    if (odd.from == c) return odd.to;
  }
  return c;
}

// ß, İ, ĸ and ŉ have a case, but no other letter of the other one.
bool IsCased(char32_t c) {
  return c == 0xdf || c == 0x130 || c == 0x138 || c == 0x149 || UpperOf(c) != c || LowerOf(c) != c;
}

bool IsAlphabetic(char32_t c) { return Has(kAlphabetic, c); }

}  // namespace millrace::jinja
