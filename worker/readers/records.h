// Records, a byte at a time: the exact half of RecordReader, and what knows where records begin. Any thread; reads memory only.
//
// A field is quoted when it begins with a quote, or with one space and a quote (as people write "a", "b", and as DuckDB reads
// it); spaces after its closing quote count for nothing, anything else there is an error. A quote elsewhere is a letter. Records
// end with a newline or a carriage return and a newline. Empty lines are no records, unless a record has one field only. Empty
// fields beyond the last column are nobody's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "worker/readers/bad_records.h"
#include "worker/readers/dialect.h"

namespace millrace::readers {

// The fields of some records, in order: [begin, end) of each, a quoted one with its quotes.
struct FieldList {
  std::vector<std::uint32_t> begins;
  std::vector<std::uint32_t> ends;
  std::size_t rows = 0;
  std::size_t consumed = 0;  // bytes of whole records
};

// The records that `data`, which begins with one, holds whole. FAILED_PRECONDITION for one that is not as the dialect says, with
// its place in the file, in which `data` begins at `offset`. With `bad`, those with a wrong number of fields go there.
StatusOr<FieldList> ListFields(const Dialect& dialect, std::string_view data, const std::string& path, std::uint64_t offset,
                               BadRecords* bad = nullptr);

// The length of the first record with its newline, however many fields it has; nothing when it does not end within `data`.
std::optional<std::size_t> FirstRecord(const Dialect& dialect, std::string_view data);

// Looks for the beginning of a record without knowing where in a record one is: every state that the bytes before may have left
// is followed at once, until a newline ends a record in all that remain. No guess: what remains includes the truth, if the file
// is as the dialect says. Where quotes stand so that two readings stay possible, it does not settle.
class RecordSeeker {
 public:
  explicit RecordSeeker(const Dialect& dialect, bool at_start) : dialect_(dialect), states_(at_start ? kStart : kAny) {}

  // How many bytes, counted from the first one ever given, come before a record begins; nothing while that is open.
  std::optional<std::uint64_t> Take(std::string_view data);
  // The bytes ahead hold no quote for longer than a record can be: then none of them lies within quotes.
  void RuleOutQuotes() { states_ &= ~kQuoted; }

 private:
  static constexpr std::uint8_t kStart = 1;
  static constexpr std::uint8_t kQuoted = 8;
  static constexpr std::uint8_t kAny = 0x3f;
  const Dialect& dialect_;
  std::uint8_t states_;  // a bit a state of the machine
  std::uint64_t taken_ = 0;
};

}  // namespace millrace::readers
