// How the records of a text file are written, as far as this room reads it: RFC 4180 with any delimiter, or plain lines. Pure
// values; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::readers {

// A longer record is an error, as in DuckDB. It also bounds how far one must look to know whether a byte lies in quotes.
inline constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{2} << 20;
inline constexpr std::uint64_t kMaxLineBytes = std::uint64_t{64} << 20;  // of plain text

struct Dialect {
  char delimiter = ',';  // '\n': none, a record is a line
  char quote = '"';      // '\0': none; within quotes two of them are one
  bool header = false;   // the first record of a file holds names
  bool nulls = true;     // fields that are `null_text`, quoted or not, are NULL
  std::string null_text;
  std::uint32_t columns = 1;
  std::uint64_t max_record_bytes = kMaxRecordBytes;

  static Dialect Lines() {
    return {.delimiter = '\n', .quote = '\0', .nulls = false, .null_text = {}, .max_record_bytes = kMaxLineBytes};
  }
  bool quoted() const { return quote != '\0'; }
  bool lines() const { return delimiter == '\n'; }
};

}  // namespace millrace::readers
