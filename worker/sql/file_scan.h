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
#include "worker/readers/batch_reader.h"
#include "worker/readers/boundaries.h"
#include "worker/sql/instance.h"

namespace millrace::sql {

struct FileSource;

// How the files of a view are written.
struct FileReading {
  readers::Dialect dialect;
  bool json = false;                   // lines of JSON; the dialect is that of lines
  readers::BadRecords* bad = nullptr;  // outlives the view; null: a bad record fails the statement
  std::vector<std::string> path_columns;  // the last ones: their values are folders of the pieces' paths
  bool probe = false;                     // plans that read the view have kProbeMark in them, and others have not
};

// What EXPLAIN (FORMAT json) calls the reading of a probe, once a reading.
inline constexpr const char* kProbeMark = "\"name\": \"FILE_PROBE";

// A readable view; drop it after the last statement that reads it, before the connection.
class FileInput {
 public:
  FileInput(const FileInput&) = delete;
  FileInput& operator=(const FileInput&) = delete;
  ~FileInput();
  // That statements have read of it so far.
  std::uint64_t rows() const;
  // And of these rows, values that were made of their texts: those of columns that statements wanted, and no others.
  std::uint64_t values() const;

 private:
  friend StatusOr<std::unique_ptr<FileInput>> OpenFileInput(Connection&, const std::string&, const std::vector<Column>&,
                                                            const FileReading&, std::vector<readers::Piece>);
  FileInput(Connection& connection, std::string view, std::unique_ptr<FileSource> source);
  Connection& connection_;
  std::string view_;
  std::unique_ptr<FileSource> source_;
  std::uint64_t handle_;
};

// Makes the temporary view `view`, replacing an older one, with the files' columns in order. A type that worker/readers does not
// know is read as VARCHAR (of JSON Lines, as JSON) and cast by the view, as DuckDB casts. Statements over it fail with the file, the
// byte and the reason where a record is not as it should be or a value not of its type.
StatusOr<std::unique_ptr<FileInput>> OpenFileInput(Connection& connection, const std::string& view, const std::vector<Column>& columns,
                                                   const FileReading& how, std::vector<readers::Piece> pieces);

}  // namespace millrace::sql
