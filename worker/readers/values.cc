#include "worker/readers/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "worker/readers/spellings.h"

namespace millrace::readers {
namespace {

// The fields of one column of a window.
template <bool kListed>
class Fields {
 public:
  Fields(const Window& window, std::uint32_t column, std::size_t first)
      : window_(window), at_(first * window.columns + column), last_(column + 1 == window.columns) {}

  [[gnu::always_inline]] inline std::string_view Next() {
    const std::size_t at = at_;
    at_ += window_.columns;
    const std::uint32_t end = window_.ends[at];
    if constexpr (kListed) return {window_.data + window_.begins[at], end - window_.begins[at]};
    const std::uint32_t begin = window_.ends[static_cast<std::ptrdiff_t>(at) - 1] + 1;  // there is one before the first
    std::uint32_t size = end - begin;
    if (last_ && size != 0 && window_.data[end - 1] == '\r') --size;
    return {window_.data + begin, size};
  }

 private:
  const Window& window_;
  std::size_t at_;
  const bool last_;
};

struct Request {
  const Dialect& dialect;
  const Window& window;
  std::uint32_t column;
  const ValueType& type;
  std::string_view called;
  std::size_t first;
  std::size_t rows;
  OtherCast& other;
  ColumnTarget& target;
  BadField* bad;
};

// What a quoted field means; written over its own beginning.
std::string_view Unquoted(std::string_view field, char quote, BadField* bad) {
  field = field.substr(1, field.size() - 2);
  if (field.find(quote) == std::string_view::npos) return field;
  char* const begin = const_cast<char*>(field.data());  // the window's memory is its reader's to change
  if (bad != nullptr) bad->before.emplace_back(begin, field);
  char* to = begin;
  for (std::size_t i = 0; i < field.size(); ++i) {
    *to++ = field[i];
    if (field[i] == quote) ++i;  // the second of two
  }
  return {begin, static_cast<std::size_t>(to - begin)};
}

bool IsQuoted(const Dialect& dialect, std::string_view field) {
  return dialect.quoted() && field.size() >= 2 && field.front() == dialect.quote;
}

bool IsNull(const Dialect& dialect, std::string_view text) { return dialect.nulls && text == dialect.null_text; }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Status Bad(const Request& request, std::string_view field, std::size_t row, const char* what) {
  const std::uint64_t at = request.window.offset + static_cast<std::uint64_t>(field.data() - request.window.data);
  const std::string reason = std::string(request.called) + ": '" + Shown(field) + "' " + what;
  if (request.bad == nullptr) return BadRecord(*request.window.path, at, reason);
  request.bad->row = row;
  request.bad->reason = reason;
  return FailedPrecondition(reason);
}

// What is not as usual: NULL, in quotes, between spaces, spelt in another way, or wrong.
template <typename T, typename Read>
[[gnu::noinline]] Status ReadOther(const Request& request, std::string_view field, std::size_t row, const Read& read, T& value) {
  std::string_view text = field;
  if (IsQuoted(request.dialect, field)) text = Unquoted(field, request.dialect.quote, request.bad);
  if (IsNull(request.dialect, text)) {
    value = T{};
    request.target.SetNull(row);
    return OkStatus();
  }
  if (read(text.data(), text.size(), value)) return OkStatus();
  const std::string_view trimmed = Trimmed(text);
  // DuckDB takes no spaces around a BOOLEAN.
  if (request.type.kind != ValueKind::kBoolean && trimmed.size() != text.size() && read(trimmed.data(), trimmed.size(), value)) {
    return OkStatus();
  }
  if (request.other.Cast(request.type, text, &value)) return OkStatus();
  return Bad(request, field, row, "is no such value");
}

template <bool kListed, typename T, typename Read>
Status ReadValues(const Request& request, const Read& read) {
  Fields<kListed> fields(request.window, request.column, request.first);
  T* values = static_cast<T*>(request.target.values);
  const bool null_text = request.dialect.nulls && !request.dialect.null_text.empty();
  for (std::size_t i = 0; i < request.rows; ++i) {
    const std::string_view field = fields.Next();
    const bool usual = (!null_text || field != request.dialect.null_text) && read(field.data(), field.size(), values[i]);
    if (!usual) [[unlikely]] {
      RETURN_IF_ERROR(ReadOther(request, field, i, read, values[i]));
    }
  }
  return OkStatus();
}

template <bool kListed>
Status ReadTexts(const Request& request) {
  Fields<kListed> fields(request.window, request.column, request.first);
  Text* texts = static_cast<Text*>(request.target.values);
  for (std::size_t i = 0; i < request.rows; ++i) {
    const std::string_view field = fields.Next();
    std::string_view text = field;
    if (IsQuoted(request.dialect, field)) text = Unquoted(field, request.dialect.quote, request.bad);
    if (IsNull(request.dialect, text)) {
      texts[i] = {};
      request.target.SetNull(i);
      continue;
    }
    if (!request.window.ascii && !IsUtf8(text)) return Bad(request, field, i, "is not written in UTF-8");
    SetText(texts[i], text);
  }
  return OkStatus();
}

template <bool kListed, typename T>
Status ReadDecimals(const Request& request) {
  const int width = request.type.width;
  const int scale = request.type.scale;
  return ReadValues<kListed, T>(request, [width, scale](const char* text, std::size_t length, T& value) {
    __int128 wide = 0;
    if (!ReadDecimal(text, length, width, scale, wide)) return false;
    value = static_cast<T>(wide);
    return true;
  });
}

template <bool kListed>
Status ReadOfKind(const Request& request) {
  switch (request.type.kind) {
    case ValueKind::kText:
      return ReadTexts<kListed>(request);
    case ValueKind::kBoolean:
      return ReadValues<kListed, bool>(request, [](auto&&... with) { return ReadBoolean(with...); });
    case ValueKind::kInt8:
      return ReadValues<kListed, std::int8_t>(request, [](auto&&... with) { return ReadInteger(with...); });
    case ValueKind::kInt16:
      return ReadValues<kListed, std::int16_t>(request, [](auto&&... with) { return ReadInteger(with...); });
    case ValueKind::kInt32:
      return ReadValues<kListed, std::int32_t>(request, [](auto&&... with) { return ReadInteger(with...); });
    case ValueKind::kInt64:
      return ReadValues<kListed, std::int64_t>(request, [](auto&&... with) { return ReadInteger(with...); });
    case ValueKind::kUint8:
      return ReadValues<kListed, std::uint8_t>(request, [](auto&&... with) { return ReadInteger(with...); });
    case ValueKind::kUint16:
      return ReadValues<kListed, std::uint16_t>(request, [](auto&&... with) { return ReadInteger(with...); });
    case ValueKind::kUint32:
      return ReadValues<kListed, std::uint32_t>(request, [](auto&&... with) { return ReadInteger(with...); });
    case ValueKind::kUint64:
      return ReadValues<kListed, std::uint64_t>(request, [](auto&&... with) { return ReadInteger(with...); });
    case ValueKind::kFloat:
      return ReadValues<kListed, float>(request, [](auto&&... with) { return ReadReal(with...); });
    case ValueKind::kDouble:
      return ReadValues<kListed, double>(request, [](auto&&... with) { return ReadReal(with...); });
    case ValueKind::kDate:
      return ReadValues<kListed, std::int32_t>(request, [](auto&&... with) { return ReadDate(with...); });
    case ValueKind::kTimestamp:
      return ReadValues<kListed, std::int64_t>(request, [](auto&&... with) { return ReadTimestamp(with...); });
    case ValueKind::kDecimal16:
      return ReadDecimals<kListed, std::int16_t>(request);
    case ValueKind::kDecimal32:
      return ReadDecimals<kListed, std::int32_t>(request);
    case ValueKind::kDecimal64:
      return ReadDecimals<kListed, std::int64_t>(request);
    case ValueKind::kDecimal128:
      return ReadDecimals<kListed, __int128>(request);
  }
  return Internal("no such kind of value");
}

template <typename T, typename Read>
bool ReadOne(const ValueType& type, std::string_view text, OtherCast& other, const Read& read, void* to) {
  T value{};
  bool done = read(text.data(), text.size(), value);
  if (!done && type.kind != ValueKind::kBoolean) {
    const std::string_view trimmed = Trimmed(text);
    done = trimmed.size() != text.size() && read(trimmed.data(), trimmed.size(), value);
  }
  if (!done) return other.Cast(type, text, to);
  std::memcpy(to, &value, sizeof value);
  return true;
}

template <typename T>
bool ReadOneDecimal(const ValueType& type, std::string_view text, OtherCast& other, void* to) {
  const auto read = [&type](const char* from, std::size_t length, T& value) {
    __int128 wide = 0;
    if (!ReadDecimal(from, length, type.width, type.scale, wide)) return false;
    value = static_cast<T>(wide);
    return true;
  };
  return ReadOne<T>(type, text, other, read, to);
}

}  // namespace

bool ReadValue(const ValueType& type, std::string_view text, OtherCast& other, void* to) {
  const auto integer = [](auto&&... with) { return ReadInteger(with...); };
  const auto real = [](auto&&... with) { return ReadReal(with...); };
  switch (type.kind) {
    case ValueKind::kText: return false;
    case ValueKind::kBoolean: return ReadOne<bool>(type, text, other, [](auto&&... with) { return ReadBoolean(with...); }, to);
    case ValueKind::kInt8: return ReadOne<std::int8_t>(type, text, other, integer, to);
    case ValueKind::kInt16: return ReadOne<std::int16_t>(type, text, other, integer, to);
    case ValueKind::kInt32: return ReadOne<std::int32_t>(type, text, other, integer, to);
    case ValueKind::kInt64: return ReadOne<std::int64_t>(type, text, other, integer, to);
    case ValueKind::kUint8: return ReadOne<std::uint8_t>(type, text, other, integer, to);
    case ValueKind::kUint16: return ReadOne<std::uint16_t>(type, text, other, integer, to);
    case ValueKind::kUint32: return ReadOne<std::uint32_t>(type, text, other, integer, to);
    case ValueKind::kUint64: return ReadOne<std::uint64_t>(type, text, other, integer, to);
    case ValueKind::kFloat: return ReadOne<float>(type, text, other, real, to);
    case ValueKind::kDouble: return ReadOne<double>(type, text, other, real, to);
    case ValueKind::kDate: return ReadOne<std::int32_t>(type, text, other, [](auto&&... with) { return ReadDate(with...); }, to);
    case ValueKind::kTimestamp: return ReadOne<std::int64_t>(type, text, other, [](auto&&... with) { return ReadTimestamp(with...); }, to);
    case ValueKind::kDecimal16: return ReadOneDecimal<std::int16_t>(type, text, other, to);
    case ValueKind::kDecimal32: return ReadOneDecimal<std::int32_t>(type, text, other, to);
    case ValueKind::kDecimal64: return ReadOneDecimal<std::int64_t>(type, text, other, to);
    case ValueKind::kDecimal128: return ReadOneDecimal<__int128>(type, text, other, to);
  }
  return false;
}

std::size_t ValueType::bytes() const {
  switch (kind) {
    case ValueKind::kBoolean:
    case ValueKind::kInt8:
    case ValueKind::kUint8:
      return 1;
    case ValueKind::kInt16:
    case ValueKind::kUint16:
    case ValueKind::kDecimal16:
      return 2;
    case ValueKind::kInt32:
    case ValueKind::kUint32:
    case ValueKind::kFloat:
    case ValueKind::kDate:
    case ValueKind::kDecimal32:
      return 4;
    case ValueKind::kText:
    case ValueKind::kDecimal128:
      return 16;
    default:
      return 8;
  }
}

std::optional<ValueType> ValueTypeOf(std::string_view type) {
  struct Named {
    std::string_view name;
    ValueKind kind;
  };
  static constexpr Named kNamed[] = {
      {"VARCHAR", ValueKind::kText},       {"BOOLEAN", ValueKind::kBoolean},     {"TINYINT", ValueKind::kInt8},
      {"SMALLINT", ValueKind::kInt16},     {"INTEGER", ValueKind::kInt32},       {"BIGINT", ValueKind::kInt64},
      {"UTINYINT", ValueKind::kUint8},     {"USMALLINT", ValueKind::kUint16},    {"UINTEGER", ValueKind::kUint32},
      {"UBIGINT", ValueKind::kUint64},     {"FLOAT", ValueKind::kFloat},         {"DOUBLE", ValueKind::kDouble},
      {"DATE", ValueKind::kDate},          {"TIMESTAMP", ValueKind::kTimestamp},
  };
  for (const Named& named : kNamed) {
    if (named.name == type) return ValueType{.kind = named.kind};
  }
  constexpr std::string_view kDecimal = "DECIMAL(";
  if (!type.starts_with(kDecimal) || !type.ends_with(')')) return std::nullopt;
  ValueType decimal;
  const char* const end = type.data() + type.size() - 1;
  const auto width = std::from_chars(type.data() + kDecimal.size(), end, decimal.width);
  if (width.ec != std::errc() || width.ptr == end || *width.ptr != ',') return std::nullopt;
  const auto scale = std::from_chars(width.ptr + 1, end, decimal.scale);
  if (scale.ec != std::errc() || scale.ptr != end || decimal.width < 1 || decimal.width > 38 || decimal.scale > decimal.width) {
    return std::nullopt;
  }
  decimal.kind = decimal.width <= 4    ? ValueKind::kDecimal16
                 : decimal.width <= 9  ? ValueKind::kDecimal32
                 : decimal.width <= 18 ? ValueKind::kDecimal64
                                       : ValueKind::kDecimal128;
  return decimal;
}

Status ReadColumn(const Dialect& dialect, const Window& window, std::uint32_t column, const ValueType& type, std::string_view called,
                  std::size_t first, std::size_t rows, OtherCast& other, ColumnTarget& target, BadField* bad) {
  target.nulls = false;
  const Request request{dialect, window, column, type, called, first, rows, other, target, bad};
  return window.begins != nullptr ? ReadOfKind<true>(request) : ReadOfKind<false>(request);
}

void BadField::Restore() {
  // Backwards, as a field may have been changed twice.
  for (auto change = before.rbegin(); change != before.rend(); ++change) {
    std::memcpy(change->first, change->second.data(), change->second.size());
  }
  before.clear();
}

std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, 60));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') c = '?';
  }
  return shown;
}

std::string Readable(std::string_view bytes, std::size_t most) {
  if (bytes.size() > most) {
    // Not in the middle of a character.
    for (int i = 0; i < 3 && most > 0 && (static_cast<unsigned char>(bytes[most]) & 0xc0) == 0x80; ++i) --most;
    bytes = bytes.substr(0, most);
  }
  if (IsUtf8(bytes)) return std::string(bytes);
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += {'\\', 'x', kDigits[byte / 16], kDigits[byte % 16]};
    }
  }
  return text;
}

bool IsUtf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* const end = at + text.size();
  while (at < end) {
    std::uint64_t word = 0;
    if (end - at >= 8) {
      std::memcpy(&word, at, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    const unsigned lead = *at++;
    if (lead < 0x80) continue;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || end - at < more) return false;
    // The second byte's bounds keep out what is written too long, surrogates, and what lies beyond U+10FFFF.
    const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[0] < low || at[0] > high) return false;
    for (int i = 1; i < more; ++i) {
      if ((at[i] & 0xc0) != 0x80) return false;
    }
    at += more;
  }
  return true;
}

}  // namespace millrace::readers
