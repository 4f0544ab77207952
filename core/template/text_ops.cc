#include "core/template/text_ops.h"

#include "core/template/builtins.h"

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

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = IsUpper(c) ? static_cast<char>(c | 0x20) : c;
  return out;
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = IsLower(c) ? static_cast<char>(c & ~0x20) : c;
  return out;
}

std::string Capitalized(std::string_view text) {
  return Upper(text.substr(0, 1)) + Lower(text.substr(std::min<std::size_t>(1, text.size())));
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
