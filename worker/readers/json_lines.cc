#include "worker/readers/json_lines.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "worker/readers/spellings.h"

namespace millrace::readers {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kArenaBlock = std::size_t{64} << 10;
constexpr std::size_t kBehind = 64;  // bytes that may be read behind a text
constexpr std::size_t kMaxKnownKeys = 4096;
constexpr int kMaxDepth = 200;
constexpr int kNobody = -1;
static_assert(simdjson::SIMDJSON_PADDING <= RecordReader::kPadding);

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view WithoutBlankEnd(std::string_view text) {
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

enum class Number { kNone, kInteger, kReal };

// JSON's own grammar of numbers.
Number NumberOf(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - from;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const std::size_t first = at;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return Number::kNone;
  if (at == text.size()) return Number::kInteger;
  if (text[at] == '.') {
    ++at;
    if (digits() == 0) return Number::kNone;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return Number::kNone;
  }
  return at == text.size() ? Number::kReal : Number::kNone;
}

bool IsScalar(std::string_view token) {
  return token == "true" || token == "false" || token == "null" || NumberOf(token) != Number::kNone;
}

// Texts that are not in the window as they mean; kept until the next batch.
class Arena {
 public:
  std::string_view Keep(std::string_view text) {
    const std::size_t need = text.size() + kBehind;
    if (blocks_.empty() || capacity_ - used_ < need) {
      capacity_ = std::max(kArenaBlock, need);
      blocks_.push_back(std::make_unique<char[]>(capacity_));
      used_ = 0;
    }
    char* const to = blocks_.back().get() + used_;
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    used_ += text.size();
    return {to, text.size()};
  }
  void Clear() {
    if (blocks_.size() > 1 || capacity_ > kArenaBlock) {
      blocks_.clear();
      capacity_ = 0;
    }
    used_ = 0;
  }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t capacity_ = 0;  // of the last block
  std::size_t used_ = 0;
};

// A whole number that is written with a fraction or an exponent, as DuckDB casts a DOUBLE.
template <typename T>
bool Rounded(std::string_view token, void* to) {
  double real = 0;
  if (!ReadReal(token.data(), token.size(), real)) return false;
  real = std::nearbyint(real);
  if (!(real >= static_cast<double>(std::numeric_limits<T>::lowest()) && real < std::ldexp(1.0, std::numeric_limits<T>::digits))) return false;
  const T value = static_cast<T>(real);
  std::memcpy(to, &value, sizeof value);
  return true;
}

bool RoundedTo(ValueKind kind, std::string_view token, void* to) {
  switch (kind) {
    case ValueKind::kInt8: return Rounded<std::int8_t>(token, to);
    case ValueKind::kInt16: return Rounded<std::int16_t>(token, to);
    case ValueKind::kInt32: return Rounded<std::int32_t>(token, to);
    case ValueKind::kInt64: return Rounded<std::int64_t>(token, to);
    case ValueKind::kUint8: return Rounded<std::uint8_t>(token, to);
    case ValueKind::kUint16: return Rounded<std::uint16_t>(token, to);
    case ValueKind::kUint32: return Rounded<std::uint32_t>(token, to);
    case ValueKind::kUint64: return Rounded<std::uint64_t>(token, to);
    default: return false;
  }
}

bool IsDate(ValueKind kind) { return kind == ValueKind::kDate || kind == ValueKind::kTimestamp; }

std::string_view LineOf(const Window& window, std::size_t line) {
  const std::uint32_t end = window.ends[line];
  if (window.begins != nullptr) return {window.data + window.begins[line], end - window.begins[line]};
  const std::uint32_t begin = window.ends[static_cast<std::ptrdiff_t>(line) - 1] + 1;  // there is one before the first
  return {window.data + begin, end - begin};
}

}  // namespace

struct JsonLines::Parser {
  // The member at a place of the object, as the line before had it: most lines have the same.
  struct Known {
    std::string key;
    int column = kNobody;
  };

  std::vector<JsonColumn> wanted;
  BadRecords* bad = nullptr;
  ondemand::parser parser;
  std::unordered_map<std::string, int> columns;
  std::vector<Known> known;
  std::vector<std::uint64_t> seen;  // the last line that had the column
  std::uint64_t lines = 0;
  Arena arena;
  std::string scratch;
  std::string reason;  // why the line is bad

  bool Fail(std::string why) {
    reason = std::move(why);
    return false;
  }
  bool Fail(simdjson::error_code error) { return Fail(std::string("is no JSON: ") + simdjson::error_message(error)); }
  bool FailValue(const JsonColumn& column, std::string_view token) {
    return Fail(column.called + ": " + Shown(token) + " is no such value");
  }

  // Whose value this member is. False when its name cannot be read.
  bool ColumnOf(ondemand::field& field, const char* end, std::size_t place, int& column) {
    const char* const raw = field.key().raw();
    if (place < known.size()) {
      const Known& usual = known[place];
      const std::size_t size = usual.key.size();
      if (static_cast<std::size_t>(end - raw) > size && raw[size] == '"' && std::memcmp(raw, usual.key.data(), size) == 0) {
        column = usual.column;
        return true;
      }
    }
    const char* at = raw;
    while (at < end && *at != '"' && *at != '\\') ++at;
    const bool plain = at < end && *at == '"';
    std::string_view name(raw, static_cast<std::size_t>(at - raw));
    if (!plain) {
      if (const auto error = field.unescaped_key().get(name); error != simdjson::SUCCESS) return Fail(error);
    }
    const auto found = columns.find(std::string(name));
    column = found == columns.end() ? kNobody : found->second;
    if (plain && place < kMaxKnownKeys) {
      if (place >= known.size()) known.resize(place + 1);
      known[place] = {std::string(name), column};
    }
    return true;
  }

  // What a string means; `token` has its quotes.
  bool StringOf(ondemand::value& value, std::string_view token, std::string_view& text) {
    if (token.size() < 2 || token.back() != '"') return Fail("is no JSON: a string with text behind it");
    text = token.substr(1, token.size() - 2);
    if (std::memchr(text.data(), '\\', text.size()) == nullptr) return true;
    if (const auto error = value.get_string().get(text); error != simdjson::SUCCESS) return Fail(error);
    text = arena.Keep(text);
    return true;
  }

  // The value as JSON without the blanks, looked at to its end.
  bool AppendJson(ondemand::value value, int depth) {
    const std::string_view token = WithoutBlankEnd(value.raw_json_token());
    if (depth > kMaxDepth) return Fail("is nested more than " + std::to_string(kMaxDepth) + " deep");
    if (token.empty()) return Fail("is no JSON: a value is missing");
    if (token.front() == '{') return AppendObject(value, depth);
    if (token.front() == '[') {
      ondemand::array array;
      if (const auto error = value.get_array().get(array); error != simdjson::SUCCESS) return Fail(error);
      char before = '[';
      for (auto element : array) {
        ondemand::value one;
        if (const auto error = std::move(element).get(one); error != simdjson::SUCCESS) return Fail(error);
        scratch += before;
        before = ',';
        if (!AppendJson(one, depth + 1)) return false;
      }
      scratch += before == '[' ? "[]" : "]";
      return true;
    }
    if (token.front() == '"') {
      std::string_view ignored;
      if (!StringOf(value, token, ignored)) return false;
    } else if (!IsScalar(token)) {
      return Fail("is no JSON: " + Shown(token));
    }
    scratch += token;
    return true;
  }

  bool AppendObject(ondemand::value& value, int depth) {
    ondemand::object object;
    if (const auto error = value.get_object().get(object); error != simdjson::SUCCESS) return Fail(error);
    char before = '{';
    for (auto member : object) {
      ondemand::field field;
      if (const auto error = std::move(member).get(field); error != simdjson::SUCCESS) return Fail(error);
      const char* const raw = field.key().raw();
      const char* at = raw;
      while (*at != '"') at += *at == '\\' ? 2 : 1;
      std::string_view name;
      if (const auto error = field.unescaped_key().get(name); error != simdjson::SUCCESS) return Fail(error);
      scratch += before;
      before = ',';
      scratch += '"';
      scratch.append(raw, static_cast<std::size_t>(at - raw));
      scratch += "\":";
      if (!AppendJson(field.value(), depth + 1)) return false;
    }
    scratch += before == '{' ? "{}" : "}";
    return true;
  }

  bool PutText(ondemand::value value, std::string_view token, const JsonColumn& column, ColumnTarget& target, std::size_t row) {
    std::string_view text = token;
    if (token.front() == '{' || token.front() == '[' || (column.json && token.front() == '"')) {
      scratch.clear();
      if (!AppendJson(value, 0)) return false;
      text = arena.Keep(scratch);
    } else if (token.front() == '"') {
      if (!StringOf(value, token, text)) return false;
    } else if (!IsScalar(token)) {
      return Fail(column.called + ": " + Shown(token) + " is no JSON");
    }
    SetText(static_cast<Text*>(target.values)[row], text);
    return true;
  }

  bool Put(ondemand::value value, const JsonColumn& column, OtherCast& other, ColumnTarget& target, std::size_t row) {
    const std::string_view token = WithoutBlankEnd(value.raw_json_token());
    if (token.empty()) return Fail("is no JSON: a value is missing");
    if (token == "null") {
      PutNull(column, target, row);
      return true;
    }
    target.SetValid(row);
    if (column.type.kind == ValueKind::kText) return PutText(value, token, column, target, row);
    void* const to = static_cast<char*>(target.values) + row * column.type.bytes();
    if (token.front() == '"') {
      std::string_view text;
      if (!StringOf(value, token, text)) return false;
      return ReadValue(column.type, text, other, to) || FailValue(column, token);
    }
    const Number number = NumberOf(token);
    if (number != Number::kNone && !IsDate(column.type.kind)) {
      if (number == Number::kReal && RoundedTo(column.type.kind, token, to)) return true;
      if (column.type.kind == ValueKind::kBoolean) {
        double real = 0;
        const bool truth = ReadReal(token.data(), token.size(), real) && real != 0;
        std::memcpy(to, &truth, sizeof truth);
        return true;
      }
      return ReadValue(column.type, token, other, to) || FailValue(column, token);
    }
    if (token == "true" || token == "false") {
      if (column.type.kind == ValueKind::kBoolean) return ReadValue(column.type, token, other, to);
      if (!IsDate(column.type.kind)) return ReadValue(column.type, token == "true" ? "1       " : "0       ", other, to);
    }
    return FailValue(column, token);
  }

  static void PutNull(const JsonColumn& column, ColumnTarget& target, std::size_t row) {
    target.SetNull(row);
    const std::size_t bytes = column.type.bytes();
    std::memset(static_cast<char*>(target.values) + row * bytes, 0, bytes);
  }

  // The line's values become row `row`; false: the line is bad, and `reason` tells why.
  bool Line(std::string_view line, OtherCast& other, std::vector<ColumnTarget>& targets, std::size_t row) {
    ++lines;
    ondemand::document document;
    const simdjson::padded_string_view padded(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING);
    if (const auto error = parser.iterate(padded).get(document); error != simdjson::SUCCESS) return Fail(error);
    ondemand::object object;
    if (const auto error = document.get_object().get(object); error != simdjson::SUCCESS) {
      return Fail(error == simdjson::INCORRECT_TYPE ? "is no JSON object" : std::string("is no JSON: ") + simdjson::error_message(error));
    }
    const char* const end = line.data() + line.size();
    std::size_t place = 0;
    std::size_t found = 0;
    for (auto member : object) {
      ondemand::field field;
      if (const auto error = std::move(member).get(field); error != simdjson::SUCCESS) return Fail(error);
      int number = kNobody;
      if (!ColumnOf(field, end, place++, number)) return false;
      if (number == kNobody) continue;
      const auto column = static_cast<std::size_t>(number);
      if (std::exchange(seen[column], lines) == lines) continue;
      ++found;
      if (!Put(field.value(), wanted[column], other, targets[column], row)) return false;
    }
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) return Fail("is no JSON: there is text behind the object");
    for (std::size_t i = 0; found != wanted.size() && i < wanted.size(); ++i) {
      if (seen[i] != lines) PutNull(wanted[i], targets[i], row);
    }
    return true;
  }
};

JsonLines::JsonLines(std::vector<JsonColumn> wanted, BadRecords* bad) : parser_(std::make_unique<Parser>()) {
  parser_->bad = bad;
  parser_->seen.resize(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i].from_path) parser_->columns.emplace(wanted[i].name, static_cast<int>(i));
  }
  parser_->wanted = std::move(wanted);
}

JsonLines::~JsonLines() = default;

StatusOr<std::size_t> JsonLines::Read(const Window& window, std::size_t& line, OtherCast& other, std::vector<ColumnTarget>& targets) {
  Parser& parser = *parser_;
  parser.arena.Clear();
  for (ColumnTarget& target : targets) target.nulls = false;
  std::size_t rows = 0;
  for (; line < window.rows && rows < kMaxBatch; ++line) {
    std::string_view text = LineOf(window, line);
    while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
    if (WithoutBlankEnd(text).empty()) continue;
    if (parser.Line(text, other, targets, rows)) {
      ++rows;
      continue;
    }
    for (ColumnTarget& target : targets) target.SetValid(rows);
    const std::uint64_t at = window.offset + static_cast<std::uint64_t>(text.data() - window.data);
    const bool of_column = parser.reason.starts_with("column ");
    const std::string reason = of_column ? parser.reason : "'" + Shown(text) + "' " + parser.reason;
    if (parser.bad == nullptr) return BadRecord(*window.path, at, reason);
    RETURN_IF_ERROR(parser.bad->Skip(*window.path, at, WithoutBlankEnd(text), reason));
  }
  return rows;
}

}  // namespace millrace::readers
