// The records of pieces of files, some thousand at a time, as the places of their fields in a buffer. One thread a reader. A
// compressed file (byte_stream.h) is read whole, as its bytes come out, whatever the piece says of its end.
//
// Two ways to the same answer: FindSeparators where it vouches for what it found and every record has its number of fields, else
// ListFields, for one window of the file. The buffer is the reader's: texts point into it until Next is called again.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/status.h"
#include "worker/readers/bad_records.h"
#include "worker/readers/boundaries.h"
#include "worker/readers/byte_stream.h"
#include "worker/readers/dialect.h"
#include "worker/readers/file_bytes.h"
#include "worker/readers/records.h"

namespace millrace::readers {

// Whole records in memory. At least kPadding bytes before and behind `data` can be read.
struct Window {
  char* data = nullptr;  // fields are unescaped where they lie
  const std::string* path = nullptr;
  std::size_t rows = 0;
  std::uint32_t columns = 1;
  // Field c of row r is number r * columns + c. `begins` may be missing: then a field begins one behind the end before, which
  // there is for the first field too, and the last of a row may have a carriage return at its end.
  const std::uint32_t* begins = nullptr;
  const std::uint32_t* ends = nullptr;
  bool ascii = true;
  std::uint64_t offset = 0;  // of `data` in the file
};

class RecordReader {
 public:
  static constexpr std::size_t kPadding = 64;
  static constexpr std::size_t kWindowBytes = std::size_t{256} << 10;

  // `window_bytes` is smaller in tests. With `bad`, records with a wrong number of fields go there; quotes that are out of order
  // stay errors, as nobody knows where the next record begins.
  explicit RecordReader(const Dialect& dialect, std::size_t window_bytes = kWindowBytes, BadRecords* bad = nullptr);

  // What is read next. Everything of the piece before has been read.
  Status Open(const Piece& piece);
  // False at the piece's end. FAILED_PRECONDITION: a record is not as the dialect says, or the file is not what it was.
  StatusOr<bool> Next(Window& window);

 private:
  Status Fill();
  StatusOr<std::size_t> ReadOn(char* to, std::size_t size);
  Status SkipHead();
  StatusOr<bool> Index(Window& window);
  void Reserve(std::size_t bytes);
  Status Incomplete() const;
  Status BadHere(const std::string& what) const { return BadRecord(piece_.path, offset_ + begin_, what); }
  bool drained() const { return compressed_ == nullptr ? next_ == piece_.end : stream_ended_; }
  char* data() { return buffer_.get() + kPadding; }

  const Dialect dialect_;
  BadRecords* const bad_;
  std::size_t capacity_ = 0;
  std::unique_ptr<char[]> buffer_;
  std::unique_ptr<std::uint32_t[]> positions_;
  FieldList listed_;
  Piece piece_;
  FileBytes file_;
  std::unique_ptr<ByteStream> compressed_;  // instead of it
  bool stream_ended_ = false;
  std::uint64_t next_ = 0;    // byte of the file to read next
  std::uint64_t offset_ = 0;  // of data() in the file
  std::size_t begin_ = 0;     // in data(): of what is not yet given out
  std::size_t end_ = 0;
  bool last_ = false;  // the piece ends the file
  bool head_ = false;  // BOM and header are still there
};

}  // namespace millrace::readers
