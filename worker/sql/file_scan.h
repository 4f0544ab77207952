// Records of text files into SQL: a view over file_scan(), a table function of DuckDB's C API that reads pieces of files with
// worker/readers, a piece a thread at a time, and only the columns that the statement needs. Plan, map, reduce and fused tasks call
// it, on the connection's thread. Which files are read so, and where they are cut, is decided in worker/mapreduce.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/readers/boundaries.h"
#include "worker/readers/dialect.h"
#include "worker/sql/instance.h"

namespace millrace::sql {

struct FileSource;

// A readable view; drop it after the last statement that reads it, before the connection.
class FileInput {
 public:
  FileInput(const FileInput&) = delete;
  FileInput& operator=(const FileInput&) = delete;
  ~FileInput();

 private:
  friend StatusOr<std::unique_ptr<FileInput>> OpenFileInput(Connection&, const std::string&, const std::vector<Column>&,
                                                            const readers::Dialect&, std::vector<readers::Piece>);
  FileInput(Connection& connection, std::string view, std::unique_ptr<FileSource> source);
  Connection& connection_;
  std::string view_;
  std::unique_ptr<FileSource> source_;
  std::uint64_t handle_;
};

// Makes the temporary view `view`, replacing an older one, with the files' columns in order. A type that worker/readers does not
// know is read as VARCHAR and cast by the view, as DuckDB casts. Statements over it fail with the file, the byte and the reason
// where a record is not as the dialect says or a value not of its type.
StatusOr<std::unique_ptr<FileInput>> OpenFileInput(Connection& connection, const std::string& view, const std::vector<Column>& columns,
                                                   const readers::Dialect& dialect, std::vector<readers::Piece> pieces);

}  // namespace millrace::sql
