// Where a file can be cut so that each piece holds whole records, quotes and all. The plan attempt calls it once a file and pins
// the cuts, so every stage task, and every map made again, reads the same records. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "worker/readers/dialect.h"

namespace millrace::readers {

// A piece of a file: whole records, the last one of the file perhaps without its newline. The piece that begins at 0 has the
// header.
struct Piece {
  std::string path;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  friend bool operator==(const Piece&, const Piece&) = default;
};

// Pieces of about `piece_bytes`, in order, together the whole file; none for an empty one. A compressed file is one piece.
//
// Around each wanted cut the file is read only until it is certain where a record begins (RecordSeeker); that takes a few
// records where there are quotes, and kMaxRecordBytes where there are none. Where two readings stay possible for so long, records
// are read from the cut before. Certain means: if the file is as its dialect says. If it is not, RecordReader finds that a piece
// does not end with a record, or meets the fault itself; pieces read without an error are the records of one whole read, as each
// begins where the one before was seen to end.
StatusOr<std::vector<Piece>> CutFile(const Dialect& dialect, const std::string& path, std::uint64_t piece_bytes);

}  // namespace millrace::readers
