#include "core/template/text_ops.h"

#include <algorithm>
#include <array>

#include "core/template/builtins.h"
#include "core/template/letters.h"

namespace millrace::jinja {

void AppendUtf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

char32_t CodeOf(std::string_view character) {
  const auto byte = [character](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  constexpr std::array<unsigned, 5> kLead = {0, 0xff, 0x1f, 0x0f, 0x07};
  char32_t code = byte(0) & kLead[std::min<std::size_t>(character.size(), 4)];
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(i) & 0x3fU);
  return code;
}

bool IsWordCode(char32_t code) {
  return code < 0x80 ? IsLetter(static_cast<char>(code)) || IsDigit(static_cast<char>(code)) || code == '_'
                     : IsAlphabetic(code);
}

namespace {

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

constexpr char32_t kSharpS = 0xdf;
constexpr char32_t kCapitalDottedI = 0x130;
constexpr char32_t kCapitalSigma = 0x3a3;
constexpr char32_t kFinalSigma = 0x3c2;

}  // namespace

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = IsUpper(c) ? static_cast<char>(c | 0x20) : c;
  if (IsAscii(text)) return out;
  out.clear();
  bool in_word = false;
  const std::vector<std::string_view> characters = Characters(text);
  for (std::size_t i = 0; i < characters.size(); ++i) {
    const char32_t code = CodeOf(characters[i]);
    const bool goes_on = i + 1 < characters.size() && IsCased(CodeOf(characters[i + 1]));
    if (code == kCapitalDottedI) {
      out += "i\u0307";
    } else if (code == kCapitalSigma && in_word && !goes_on) {
      AppendUtf8(kFinalSigma, out);
    } else if (const char32_t lower = LowerOf(code); lower == code) {
      out += characters[i];
    } else {
      AppendUtf8(lower, out);
    }
    in_word = IsCased(code);
  }
  return out;
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = IsLower(c) ? static_cast<char>(c & ~0x20) : c;
  if (IsAscii(text)) return out;
  out.clear();
  for (const std::string_view character : Characters(text)) {
    const char32_t code = CodeOf(character);
    if (code == kSharpS) {
      out += "SS";
    } else if (const char32_t upper = UpperOf(code); upper == code) {
      out += character;
    } else {
      AppendUtf8(upper, out);
    }
  }
  return out;
}

std::string Capitalized(std::string_view text) {
  if (text.empty()) return "";
  const std::string_view first = Characters(text.substr(0, 4)).front();
  const std::string rest = Lower(text).substr(Lower(first).size());
  return (CodeOf(first) == kSharpS ? "Ss" : Upper(first)) + rest;
}

bool HasCase(std::string_view text, std::string (*change)(std::string_view)) {
  const std::vector<std::string_view> characters = Characters(text);
  return change(text) == text && std::any_of(characters.begin(), characters.end(),
                                             [](std::string_view c) { return IsCased(CodeOf(c)); });
}

std::string Stripped(std::string_view text, std::string_view characters, bool left, bool right) {
  const auto goes = [&](char c) {
    return characters.empty() ? IsSpace(c) : characters.find(c) != std::string_view::npos;
  };
  while (left && !text.empty() && goes(text.front())) text.remove_prefix(1);
  while (right && !text.empty() && goes(text.back())) text.remove_suffix(1);
  return std::string(text);
}

StatusOr<std::string> Replaced(std::string_view text, std::string_view from, std::string_view to,
                               std::int64_t count) {
  std::string out;
  std::size_t at = 0;
  const auto room = [&] { return Budget::CheckSize(static_cast<std::int64_t>(out.size() + to.size())); };
  if (from.empty()) {  // between all characters, as in Python
    for (const std::string_view character : Characters(text)) {
      if (count != 0) {
        RETURN_IF_ERROR(room());
        out += to;
        --count;
      }
      out += character;
    }
    return count != 0 ? out + std::string(to) : out;
  }
  while (count != 0) {
    const std::size_t found = text.find(from, at);
    if (found == std::string_view::npos) break;
    RETURN_IF_ERROR(room());
    out.append(text.substr(at, found - at)).append(to);
    at = found + from.size();
    --count;
  }
  return out.append(text.substr(at));
}

StatusOr<std::string> Joined(const List& items, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i != 0) out += separator;
    out += ToText(items[i]);
    RETURN_IF_ERROR(Budget::CheckSize(static_cast<std::int64_t>(out.size())));
  }
  return out;
}

StatusOr<std::string> Justified(std::string_view text, std::int64_t width, char fill, char align) {
  RETURN_IF_ERROR(Budget::CheckSize(width));
  const std::int64_t missing =
      std::max<std::int64_t>(0, width - static_cast<std::int64_t>(Characters(text).size()));
  // Python's odd one goes left when the width is odd.
  const std::int64_t before = align == '>' ? missing : align == '^' ? missing / 2 + (missing & width & 1) : 0;
  return std::string(static_cast<std::size_t>(before), fill) + std::string(text) +
         std::string(static_cast<std::size_t>(missing - before), fill);
}

}  // namespace millrace::jinja
