#include "worker/readers/record_reader.h"

#include <algorithm>
#include <cstring>

#include "worker/readers/separators.h"

namespace millrace::readers {
namespace {

// Whether all rows have `columns` fields, which the numbers of separators and newlines alone do not tell.
bool IsRegular(const char* data, const std::uint32_t* ends, std::size_t rows, std::uint32_t columns) {
  for (std::size_t row = 1; row <= rows; ++row) {
    if (data[ends[row * columns - 1]] != '\n') return false;
  }
  return true;
}

}  // namespace

RecordReader::RecordReader(const Dialect& dialect, std::size_t window_bytes, BadRecords* bad) : dialect_(dialect), bad_(bad) {
  Reserve(window_bytes);
}

void RecordReader::Reserve(std::size_t bytes) {
  auto larger = std::make_unique<char[]>(kPadding + bytes + 1 + kPadding);
  if (end_ != 0) std::memcpy(larger.get() + kPadding, data(), end_);
  buffer_ = std::move(larger);
  capacity_ = bytes;
  positions_ = std::make_unique_for_overwrite<std::uint32_t[]>(1 + bytes + 1 + 64);
  positions_[0] = ~std::uint32_t{0};  // the first field begins behind it, at 0
}

Status RecordReader::Open(const Piece& piece) {
  piece_ = piece;
  compressed_.reset();
  stream_ended_ = false;
  if (const Compression compression = CompressionOf(piece.path); compression != Compression::kNone) {
    ASSIGN_OR_RETURN(compressed_, ByteStream::Open(piece.path, compression));
    last_ = true;
  } else {
    if (file_.path() != piece.path) {
      ASSIGN_OR_RETURN(file_, FileBytes::Open(piece.path));
    }
    if (file_.size() < piece.end) {
      return FailedPrecondition(piece.path + " has " + std::to_string(file_.size()) + " bytes; when the job was planned it had at least " +
                                std::to_string(piece.end));
    }
    last_ = piece.end == file_.size();
  }
  head_ = piece.begin == 0;
  next_ = offset_ = piece.begin;
  begin_ = end_ = 0;
  return OkStatus();
}

// The piece's next bytes, at most `size`.
StatusOr<std::size_t> RecordReader::ReadOn(char* to, std::size_t size) {
  if (compressed_ != nullptr) {
    ASSIGN_OR_RETURN(const std::size_t got, compressed_->Read(to, size));
    stream_ended_ = got < size;
    return got;
  }
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, piece_.end - next_));
  RETURN_IF_ERROR(file_.Read(next_, to, size));
  return size;
}

// More of the piece behind what is left of the last window.
Status RecordReader::Fill() {
  std::memmove(data(), data() + begin_, end_ - begin_);
  end_ -= begin_;
  offset_ += begin_;
  begin_ = 0;
  if (end_ == capacity_) {
    if (capacity_ >= dialect_.max_record_bytes) {
      return BadHere("a record of more than " + std::to_string(dialect_.max_record_bytes) + " bytes; is a quote open?");
    }
    Reserve(std::min<std::size_t>(2 * capacity_, dialect_.max_record_bytes));
  }
  ASSIGN_OR_RETURN(const std::size_t size, ReadOn(data() + end_, capacity_ - end_));
  next_ += size;
  end_ += size;
  if (drained() && last_ && end_ != 0 && data()[end_ - 1] != '\n') data()[end_++] = '\n';
  std::memset(data() + end_, 0, kPadding);
  return OkStatus();
}

// The byte order mark and the header, once they are there whole.
Status RecordReader::SkipHead() {
  std::string_view rest(data() + begin_, end_ - begin_);
  if (rest.starts_with("\xef\xbb\xbf")) {
    begin_ += 3;
    rest.remove_prefix(3);
  }
  if (dialect_.header) {
    const auto length = FirstRecord(dialect_, rest);
    if (!length && drained() && rest.empty()) head_ = false;  // a compressed file of nothing
    if (!length) return drained() && !rest.empty() ? Incomplete() : OkStatus();
    begin_ += *length;
  }
  head_ = false;
  return OkStatus();
}

Status RecordReader::Incomplete() const {
  if (last_) return BadHere("a quote is opened in this record and never closed");
  return BadHere("this record goes on beyond byte " + std::to_string(piece_.end) +
                 ", where one should begin: quotes are out of order, or the file was changed");
}

StatusOr<bool> RecordReader::Next(Window& window) {
  for (;;) {
    if (begin_ == end_ && drained()) return false;
    RETURN_IF_ERROR(Fill());
    if (head_) {
      RETURN_IF_ERROR(SkipHead());
      if (head_) continue;
    }
    ASSIGN_OR_RETURN(const bool any, Index(window));
    if (drained() && begin_ != end_) return Incomplete();
    if (any) return true;
  }
}

// False when there was no whole record.
StatusOr<bool> RecordReader::Index(Window& window) {
  char* text = data() + begin_;
  const std::size_t size = end_ - begin_;
  window = {.data = text, .path = &piece_.path, .columns = dialect_.columns, .offset = offset_ + begin_};
  const std::uint32_t* const ends = positions_.get() + 1;
  const Separators found = FindSeparators(dialect_, text, size, positions_.get() + 1);
  window.ascii = found.ascii;
  const std::size_t rows = found.newlines;
  const std::size_t fields = rows * dialect_.columns;
  const std::size_t behind = found.count - std::min(found.count, fields);  // fields of a record that is not there whole
  if (found.plain && rows != 0 && fields <= found.count && behind < dialect_.columns &&
      IsRegular(text, ends, rows, dialect_.columns)) {
    window.rows = rows;
    window.ends = ends;
    begin_ += ends[fields - 1] + 1;
    return true;
  }
  ASSIGN_OR_RETURN(listed_, ListFields(dialect_, {text, size}, piece_.path, window.offset, bad_));
  window.rows = listed_.rows;
  window.begins = listed_.begins.data();
  window.ends = listed_.ends.data();
  begin_ += listed_.consumed;
  return window.rows != 0;
}

}  // namespace millrace::readers
