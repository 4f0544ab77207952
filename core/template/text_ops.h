// What filters and str methods have in common. Private to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/template/datum.h"

namespace millrace::jinja {

inline bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
inline bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool IsLetter(char c) { return IsLower(c) || IsUpper(c); }
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

void AppendUtf8(std::uint32_t code, std::string& out);
// Of one of Characters(text); a stray byte is itself.
char32_t CodeOf(std::string_view character);
// A letter, digit or underscore of any script: what \w matches.
bool IsWordCode(char32_t code);
std::string Lower(std::string_view text);
std::string Upper(std::string_view text);
// Text that begins a word: its first letter up, the rest as Lower.
std::string Capitalized(std::string_view text);
// It has letters of two cases, and all are of this one: islower, isupper.
bool HasCase(std::string_view text, std::string (*change)(std::string_view));
// Without the characters at both ends (spaces for none); `left`, `right`: which ends.
std::string Stripped(std::string_view text, std::string_view characters, bool left, bool right);
// At most `count` times; all when negative.
StatusOr<std::string> Replaced(std::string_view text, std::string_view from, std::string_view to,
                               std::int64_t count);
StatusOr<std::string> Joined(const List& items, std::string_view separator);
// `align` is <, > or ^.
StatusOr<std::string> Justified(std::string_view text, std::int64_t width, char fill, char align);

}  // namespace millrace::jinja
