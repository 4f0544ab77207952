// Typed rows of pieces of files, a batch of at most kMaxBatch at a time: some columns of CSV records, of lines, or of JSON Lines.
// What cannot be read is an error with its place, or goes to BadRecords. One thread a reader.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "worker/readers/bad_records.h"
#include "worker/readers/json_lines.h"
#include "worker/readers/record_reader.h"
#include "worker/readers/values.h"

namespace millrace::readers {

// How files are read: what all threads of a statement share.
struct FileFormat {
  Dialect dialect;
  bool json = false;                // the dialect's records are lines of JSON
  std::vector<JsonColumn> columns;  // of the files, of CSV by their position; behind them those from the path
};

class BatchReader {
 public:
  // `wanted`: numbers of columns, in the order of the targets. `format` and `bad` outlive the reader.
  BatchReader(const FileFormat& format, std::vector<std::uint32_t> wanted, BadRecords* bad,
              std::size_t window_bytes = RecordReader::kWindowBytes);

  Status Open(const Piece& piece);
  // How many rows there are, 0 at the piece's end. Texts are valid until the next call.
  StatusOr<std::size_t> Next(OtherCast& other, std::vector<ColumnTarget>& targets);

 private:
  StatusOr<std::size_t> FromWindow(OtherCast& other, std::vector<ColumnTarget>& targets);
  Status SkipRow(const BadField& field);
  Status ReadPath(const std::string& path, OtherCast& other);
  void FillFromPath(std::size_t rows, std::vector<ColumnTarget>& targets) const;

  const FileFormat& format_;
  const std::vector<std::uint32_t> wanted_;
  BadRecords* const bad_;
  RecordReader reader_;
  std::unique_ptr<JsonLines> json_;
  Window window_;
  std::size_t row_ = 0;  // of the window

  // The same in every row of a file.
  struct Constant {
    std::size_t target = 0;
    std::string text;  // as a text, with bytes behind it that may be read
    bool null = false;
    alignas(16) char value[16] = {};
  };
  std::vector<Constant> constants_;
  std::string path_;  // whose they are
};

}  // namespace millrace::readers
