// Where fields end: the separators of some records, found 64 bytes at a time. The fast half of RecordReader; what it does not
// vouch for, records.h reads. Any thread.
//
// Quotes are taken by parity: a separator is one when the quotes before it are even. That is what the state machine of
// records.h says too, as long as every opening quote follows a separator, every closing one comes before a separator or a
// second quote, and a carriage return is followed by a newline. Exactly that is checked along the way; where it does not hold
// (a quote within an unquoted field, say), `plain` is false and the positions must not be used.
#pragma once

#include <cstddef>
#include <cstdint>

#include "worker/readers/dialect.h"

namespace millrace::readers {

struct Separators {
  std::size_t count = 0;
  std::size_t newlines = 0;  // among them
  bool plain = true;
  bool ascii = true;
};

// `data` begins with a record. `positions` has room for size + 64.
Separators FindSeparators(const Dialect& dialect, const char* data, std::size_t size, std::uint32_t* positions);

// The same without instructions that not every processor has; for tests.
Separators FindSeparatorsPortably(const Dialect& dialect, const char* data, std::size_t size, std::uint32_t* positions);

}  // namespace millrace::readers
