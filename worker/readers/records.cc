#include "worker/readers/records.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "worker/readers/file_bytes.h"

namespace millrace::readers {
namespace {

// Where in a record one is. Bit i of RecordSeeker's set is state i.
enum State : std::uint8_t { kFieldStart, kOneSpace, kPlain, kInQuotes, kClosed, kClosedSpace, kInvalid };
constexpr std::size_t kStates = 6;

enum ByteClass : std::uint8_t { kLetter, kSpace, kQuoteByte, kDelimiterByte, kNewlineByte, kCarriageByte };
constexpr std::size_t kClasses = 6;

// kCarriageByte outside of quotes: its newline must follow, which the callers that report errors see to.
constexpr State kNext[kStates][kClasses] = {
    // letter, space, quote, delimiter, newline, carriage return
    {kPlain, kOneSpace, kInQuotes, kFieldStart, kFieldStart, kPlain},       // kFieldStart
    {kPlain, kPlain, kInQuotes, kFieldStart, kFieldStart, kPlain},          // kOneSpace
    {kPlain, kPlain, kPlain, kFieldStart, kFieldStart, kPlain},             // kPlain
    {kInQuotes, kInQuotes, kClosed, kInQuotes, kInQuotes, kInQuotes},       // kInQuotes
    {kInvalid, kClosedSpace, kInQuotes, kFieldStart, kFieldStart, kClosedSpace},     // kClosed
    {kInvalid, kClosedSpace, kInvalid, kFieldStart, kFieldStart, kClosedSpace},      // kClosedSpace
};

class Classes {
 public:
  explicit Classes(const Dialect& dialect) {
    At(' ') = kSpace;
    At('\r') = kCarriageByte;
    if (dialect.quoted()) At(dialect.quote) = kQuoteByte;
    At(dialect.delimiter) = kDelimiterByte;
    At('\n') = kNewlineByte;
  }
  ByteClass operator[](char c) const { return of_[static_cast<std::uint8_t>(c)]; }

 private:
  ByteClass& At(char c) { return of_[static_cast<std::uint8_t>(c)]; }
  std::array<ByteClass, 256> of_{};
};

// Cuts one record's fields off; errors know their place.
class Lister {
 public:
  Lister(const Dialect& dialect, std::string_view data, const std::string& path, std::uint64_t offset, BadRecords* bad)
      : dialect_(dialect), classes_(dialect), data_(data), path_(path), offset_(offset), bad_(bad) {}

  StatusOr<FieldList> List() {
    for (std::size_t i = 0; i < data_.size(); ++i) {
      const ByteClass byte = classes_[data_[i]];
      if (byte == kCarriageByte && state_ != kInQuotes && !dialect_.lines()) {
        if (i + 1 == data_.size()) break;  // its newline may yet come
        if (data_[i + 1] != '\n') return Bad(i, "a carriage return that no newline follows");
        continue;
      }
      const State from = state_;
      state_ = kNext[from][byte];
      if (state_ == kInvalid) return Bad(i, "text after a closing quote; a quote within quotes is written twice");
      if (state_ == kInQuotes && from != kInQuotes && from != kClosed) begin_ = i;  // without the one space
      if (from == kInQuotes && state_ == kClosed) closed_ = i + 1;
      if (byte != kDelimiterByte && byte != kNewlineByte) continue;
      if (state_ == kInQuotes) continue;
      RETURN_IF_ERROR(EndField(i, from));
      if (byte == kNewlineByte) RETURN_IF_ERROR(EndRecord(i));
      begin_ = i + 1;
    }
    return std::move(list_);
  }

 private:
  Status EndField(std::size_t at, State from) {
    std::size_t end = from == kClosed || from == kClosedSpace ? closed_ : at;
    if (end == at && end > begin_ && data_[end - 1] == '\r') --end;
    ++fields_;
    if (fields_ <= dialect_.columns) {
      list_.begins.push_back(static_cast<std::uint32_t>(begin_));
      list_.ends.push_back(static_cast<std::uint32_t>(end));
      return OkStatus();
    }
    const std::string_view text = data_.substr(begin_, end - begin_);
    const bool empty = text.empty() || (text.size() == 2 && text[0] == dialect_.quote && text[1] == dialect_.quote);
    if (!empty) full_ = true;
    return OkStatus();
  }

  Status EndRecord(std::size_t at) {
    const bool blank = fields_ == 1 && list_.ends.back() == list_.begins.back();
    if (blank && dialect_.columns > 1) {
      list_.begins.pop_back();
      list_.ends.pop_back();
    } else if (fields_ < dialect_.columns || full_) {
      const std::string what = "a record with " + std::to_string(fields_) + " fields instead of " + std::to_string(dialect_.columns);
      if (bad_ == nullptr) return BadAt(list_.consumed, what);
      RETURN_IF_ERROR(bad_->Skip(path_, offset_ + list_.consumed, data_.substr(list_.consumed, at - list_.consumed), what));
      list_.begins.resize(list_.rows * dialect_.columns);
      list_.ends.resize(list_.begins.size());
    } else {
      ++list_.rows;
    }
    fields_ = 0;
    full_ = false;
    list_.consumed = at + 1;
    return OkStatus();
  }

  Status Bad(std::size_t at, const std::string& what) const { return BadAt(at, what); }
  Status BadAt(std::size_t at, const std::string& what) const {
    const std::string_view rest = data_.substr(list_.consumed);
    std::string line(rest.substr(0, std::min<std::size_t>(rest.find('\n'), 100)));
    for (char& c : line) {
      if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') c = '?';
    }
    return BadRecord(path_, offset_ + at, what + ": " + line);
  }

  const Dialect& dialect_;
  const Classes classes_;
  const std::string_view data_;
  const std::string& path_;
  const std::uint64_t offset_;
  BadRecords* const bad_;
  State state_ = kFieldStart;
  FieldList list_;
  std::size_t begin_ = 0;
  std::size_t closed_ = 0;
  std::uint32_t fields_ = 0;
  bool full_ = false;  // a field beyond the last column is not empty
};

}  // namespace

StatusOr<FieldList> ListFields(const Dialect& dialect, std::string_view data, const std::string& path, std::uint64_t offset,
                               BadRecords* bad) {
  return Lister(dialect, data, path, offset, bad).List();
}

std::optional<std::size_t> FirstRecord(const Dialect& dialect, std::string_view data) {
  RecordSeeker seeker(dialect, /*at_start=*/true);
  if (const auto length = seeker.Take(data)) return static_cast<std::size_t>(*length);
  return std::nullopt;
}

std::optional<std::uint64_t> RecordSeeker::Take(std::string_view data) {
  const Classes classes(dialect_);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const ByteClass byte = classes[data[i]];
    std::uint8_t next = 0;
    for (unsigned rest = states_; rest != 0; rest &= rest - 1) {
      const State state = kNext[std::countr_zero(rest)][byte];
      if (state != kInvalid) next = static_cast<std::uint8_t>(next | 1u << state);
    }
    states_ = next;
    if (byte == kNewlineByte && states_ == kStart) {
      taken_ += i + 1;
      return taken_;
    }
  }
  taken_ += data.size();
  return std::nullopt;
}

}  // namespace millrace::readers
