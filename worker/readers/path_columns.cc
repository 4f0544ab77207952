#include "worker/readers/path_columns.h"

namespace millrace::readers {
namespace {

constexpr std::string_view kNull = "__HIVE_DEFAULT_PARTITION__";

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// "a%2Fb" -> "a/b".
std::string Decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && DigitOf(text[i + 1]) >= 0 && DigitOf(text[i + 2]) >= 0;
    decoded += escape ? static_cast<char>(DigitOf(text[i + 1]) * 16 + DigitOf(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return decoded;
}

}  // namespace

std::vector<PathValue> PathValuesOf(std::string_view path) {
  std::vector<PathValue> values;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    const std::string_view folder = path.substr(0, slash);
    path.remove_prefix(slash + 1);
    const std::size_t equals = folder.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    PathValue value{.name = Decoded(folder.substr(0, equals)), .value = {}};
    if (const std::string_view text = folder.substr(equals + 1); text != kNull) value.value = Decoded(text);
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace millrace::readers
