// Fields to typed values, a column at a time, laid out as DuckDB's vectors are: fixed-width values in a row, texts of 16 bytes, a
// validity bit a row. Knows nothing of DuckDB; worker/sql hands in the memory. Any thread.
//
// What is read here is read as DuckDB's cast would read it. Rare spellings (1e3 as a BIGINT, 2001-1-2 as a DATE) are left to
// `OtherCast`, which is DuckDB's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "worker/readers/dialect.h"
#include "worker/readers/record_reader.h"

namespace millrace::readers {

enum class ValueKind : std::uint8_t {
  kText, kBoolean, kInt8, kInt16, kInt32, kInt64, kUint8, kUint16, kUint32, kUint64, kFloat, kDouble,
  kDate, kTimestamp, kDecimal16, kDecimal32, kDecimal64, kDecimal128,
};

struct ValueType {
  ValueKind kind = ValueKind::kText;
  std::uint8_t width = 0;  // of a decimal
  std::uint8_t scale = 0;
  std::size_t bytes() const;
};

// The types that are read here, from DuckDB's texts ("BIGINT", "DECIMAL(18,2)"). Others are read as texts and cast in SQL.
std::optional<ValueType> ValueTypeOf(std::string_view type);

// A VARCHAR as DuckDB holds it.
union Text {
  struct {
    std::uint32_t length;
    char text[12];  // zeros behind a text that fits
  } inlined;
  struct {
    std::uint32_t length;
    char prefix[4];
    char* text;
  } pointer;
};
static_assert(sizeof(Text) == 16);

// A text that is longer than 12 bytes stays where it is.
inline void SetText(Text& target, std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  if (length > sizeof target.inlined.text) {
    target.pointer.length = length;
    std::memcpy(target.pointer.prefix, text.data(), sizeof target.pointer.prefix);
    target.pointer.text = const_cast<char*>(text.data());
    return;
  }
  target.inlined.length = length;
  std::memset(target.inlined.text, 0, sizeof target.inlined.text);
  if (length != 0) std::memcpy(target.inlined.text, text.data(), length);
}

class OtherCast {
 public:
  virtual ~OtherCast() = default;
  // The value into `to`, as wide as the type; false when the text is no such value.
  virtual bool Cast(const ValueType& type, std::string_view text, void* to) = 0;
};

inline constexpr std::size_t kMaxBatch = 2048;

// What a batch of one column goes to.
struct ColumnTarget {
  void* values = nullptr;              // kMaxBatch of them
  std::uint64_t valid[kMaxBatch / 64];  // bits of the rows of the batch, when `nulls`
  bool nulls = false;

  void SetNull(std::size_t row) {
    if (!nulls) std::memset(valid, 0xff, sizeof valid);
    nulls = true;
    valid[row / 64] &= ~(std::uint64_t{1} << row % 64);
  }
  void SetValid(std::size_t row) {
    if (nulls) valid[row / 64] |= std::uint64_t{1} << row % 64;
  }
};

// One value of a kind that is no text, as DuckDB casts it. At least 8 bytes behind `text` can be read.
bool ReadValue(const ValueType& type, std::string_view text, OtherCast& other, void* to);

// What a caller that skips bad records learns of one, instead of an error that says where it is.
struct BadField {
  std::size_t row = 0;  // of the batch
  std::string reason;
  std::vector<std::pair<char*, std::string>> before;  // bytes of the window that were changed, and what they were
  void Restore();
};

// Column `column` of rows [first, first + rows) of the window; at most kMaxBatch. FAILED_PRECONDITION: a value is not of the type,
// or a text is no UTF-8; the message has the place and what the column is `called`, or `bad` is filled in.
Status ReadColumn(const Dialect& dialect, const Window& window, std::uint32_t column, const ValueType& type, std::string_view called,
                  std::size_t first, std::size_t rows, OtherCast& other, ColumnTarget& target, BadField* bad = nullptr);

bool IsUtf8(std::string_view text);

// The first `most` bytes as UTF-8, which JSON has to be: text that is UTF-8 as it is, of other bytes those beyond ASCII as "\xe9".
std::string Readable(std::string_view bytes, std::size_t most = std::string_view::npos);

// The beginning of a text as messages show it.
std::string Shown(std::string_view text);

}  // namespace millrace::readers
