#include "worker/readers/boundaries.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "worker/readers/byte_stream.h"
#include "worker/readers/file_bytes.h"
#include "worker/readers/records.h"

namespace millrace::readers {
namespace {

constexpr std::size_t kChunk = std::size_t{128} << 10;

class Cutter {
 public:
  Cutter(const Dialect& dialect, const FileBytes& file) : dialect_(dialect), file_(file), buffer_(kChunk) {}

  // Where a record begins, at `wanted` or soon after; the file's size when none does. `known`: a place before where one does.
  StatusOr<std::uint64_t> RecordAt(std::uint64_t wanted, std::uint64_t known) {
    // The record that begins exactly at `wanted` is seen by the newline before it.
    ASSIGN_OR_RETURN(const std::uint64_t mark, known == 0 ? MarkLength() : StatusOr<std::uint64_t>(0));
    const std::uint64_t from = std::max(wanted - 1, known + mark);
    const std::uint64_t limit = std::min(file_.size(), from + dialect_.max_record_bytes);
    RecordSeeker seeker(dialect_, /*at_start=*/false);
    ASSIGN_OR_RETURN(const bool quotes, HasQuote(from, limit));
    if (!quotes) seeker.RuleOutQuotes();
    ASSIGN_OR_RETURN(std::optional<std::uint64_t> record, Seek(seeker, from, limit));
    if (record) return from + *record;
    // Read on from what is certain.
    for (std::uint64_t at = known + mark; at < file_.size();) {
      RecordSeeker exact(dialect_, /*at_start=*/true);
      ASSIGN_OR_RETURN(record, Seek(exact, at, file_.size()));
      if (!record) return file_.size();
      at += *record;
      if (at >= wanted) return at;
    }
    return file_.size();
  }

 private:
  // Of the byte order mark, before which no quote opens a field.
  StatusOr<std::uint64_t> MarkLength() {
    ASSIGN_OR_RETURN(const std::string_view data, Read(0, file_.size()));
    return data.starts_with("\xef\xbb\xbf") ? 3 : 0;
  }

  StatusOr<std::string_view> Read(std::uint64_t at, std::uint64_t limit) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, limit - at));
    RETURN_IF_ERROR(file_.Read(at, buffer_.data(), size));
    return std::string_view(buffer_.data(), size);
  }

  StatusOr<bool> HasQuote(std::uint64_t from, std::uint64_t limit) {
    if (!dialect_.quoted()) return false;
    for (std::uint64_t at = from; at < limit; at += kChunk) {
      ASSIGN_OR_RETURN(const std::string_view data, Read(at, limit));
      if (std::memchr(data.data(), dialect_.quote, data.size()) != nullptr) return true;
    }
    return false;
  }

  StatusOr<std::optional<std::uint64_t>> Seek(RecordSeeker& seeker, std::uint64_t from, std::uint64_t limit) {
    for (std::uint64_t at = from; at < limit; at += kChunk) {
      ASSIGN_OR_RETURN(const std::string_view data, Read(at, limit));
      if (const auto record = seeker.Take(data)) return record;
    }
    return std::optional<std::uint64_t>();
  }

  const Dialect& dialect_;
  const FileBytes& file_;
  std::vector<char> buffer_;
};

}  // namespace

StatusOr<std::vector<Piece>> CutFile(const Dialect& dialect, const std::string& path, std::uint64_t piece_bytes) {
  ASSIGN_OR_RETURN(const FileBytes file, FileBytes::Open(path));
  if (CompressionOf(path) != Compression::kNone && file.size() != 0) return std::vector<Piece>{{path, 0, file.size()}};
  Cutter cutter(dialect, file);
  std::vector<Piece> pieces;
  std::uint64_t begin = 0;
  while (begin < file.size()) {
    std::uint64_t end = file.size();
    const std::uint64_t wanted = begin + std::max<std::uint64_t>(piece_bytes, 1);
    if (wanted < file.size()) {
      ASSIGN_OR_RETURN(end, cutter.RecordAt(wanted, begin));
    }
    pieces.push_back({path, begin, end});
    begin = end;
  }
  return pieces;
}

}  // namespace millrace::readers
