#include "worker/mapreduce/file_pieces.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "worker/readers/boundaries.h"
#include "worker/readers/dialect.h"
#include "worker/readers/record_reader.h"

namespace millrace::mapreduce {
namespace {

namespace fs = std::filesystem;
using sql::QuoteText;

constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

std::string PiecePath(const std::string& path, std::size_t number) {
  const fs::path file(path);
  char suffix[24];
  std::snprintf(suffix, sizeof suffix, "-%04zu", number);
  return (file.parent_path() / (file.stem().string() + suffix + file.extension().string())).string();
}

Status CutParquet(sql::Connection& connection, const std::string& path, std::int64_t pieces) {
  const std::string source = "read_parquet(" + QuoteText(path) + ", file_row_number=true)";
  ASSIGN_OR_RETURN(const sql::Result counted, connection.Run("SELECT count(*) FROM " + source));
  const std::int64_t rows = counted.Integer(0, 0);
  for (std::int64_t i = 0; i < pieces; ++i) {
    const std::string where = " WHERE file_row_number >= " + std::to_string(rows * i / pieces) +
                              " AND file_row_number < " + std::to_string(rows * (i + 1) / pieces);
    RETURN_IF_ERROR(connection
                        .Run("COPY (SELECT * EXCLUDE (file_row_number) FROM " + source + where +
                             " ORDER BY file_row_number) TO " +
                             QuoteText(PiecePath(path, static_cast<std::size_t>(i))) + " (FORMAT parquet)")
                        .status());
  }
  return OkStatus();
}

// The first record, with its newline, and how many fields it has.
std::string HeaderOf(std::ifstream& file, std::uint32_t& columns) {
  std::string header;
  bool quoted = false;
  columns = 1;
  for (char c = 0; file.get(c);) {
    header += c;
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) ++columns;
    if (c == '\n' && !quoted) break;
  }
  return header;
}

Status CopyRange(std::ifstream& from, std::uint64_t begin, std::uint64_t end, const std::string& header,
                 const std::string& to) {
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  out << header;
  from.clear();
  from.seekg(static_cast<std::streamoff>(begin));
  std::vector<char> buffer(kCopyBytes);
  while (begin < end && out) {
    const auto size = static_cast<std::streamsize>(std::min<std::uint64_t>(buffer.size(), end - begin));
    if (!from.read(buffer.data(), size)) return Unavailable("cannot read a staged file to cut it");
    out.write(buffer.data(), size);
    begin += static_cast<std::uint64_t>(size);
  }
  out.flush();
  return out ? OkStatus() : ResourceExhausted("cannot write " + to);
}

// As DuckDB writes it. `header`: of CSV, with its newline.
readers::Dialect DialectOf(const std::string& format, std::ifstream& file, std::string& header) {
  if (format != "csv") return readers::Dialect::Lines();
  readers::Dialect dialect = {.header = true};
  header = HeaderOf(file, dialect.columns);
  return dialect;
}

Status CutRecords(const std::string& format, const std::string& path, std::int64_t file_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string header;
  const readers::Dialect dialect = DialectOf(format, file, header);
  ASSIGN_OR_RETURN(const std::vector<readers::Piece> pieces,
                   readers::CutFile(dialect, path, static_cast<std::uint64_t>(file_bytes)));
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    // The first piece has the header as its first record.
    RETURN_IF_ERROR(
        CopyRange(file, pieces[i].begin, pieces[i].end, i == 0 ? "" : header, PiecePath(path, i)));
  }
  return OkStatus();
}

// DuckDB would hold 30 MB and more of a file to count what is in it.
StatusOr<std::int64_t> CountRecords(const std::string& format, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string header;
  readers::RecordReader reader(DialectOf(format, file, header));
  std::error_code error;
  const std::uint64_t bytes = fs::file_size(path, error);
  if (error) return ErrnoStatus(error.value(), path);
  std::int64_t rows = 0;
  if (bytes == 0) return rows;
  RETURN_IF_ERROR(reader.Open({path, 0, bytes}));
  for (readers::Window window;; rows += static_cast<std::int64_t>(window.rows)) {
    ASSIGN_OR_RETURN(const bool more, reader.Next(window));
    if (!more) return rows;
  }
}

}  // namespace

StatusOr<std::int64_t> CountRows(sql::Connection& connection, const std::string& format, const std::string& path) {
  if (format != "parquet") return CountRecords(format, path);
  ASSIGN_OR_RETURN(const sql::Result counted, connection.Run("SELECT count(*) FROM read_parquet(" + QuoteText(path) + ")"));
  return counted.Integer(0, 0);
}

Status CutOutputFile(sql::Connection& connection, const std::string& format, const std::string& path,
                     std::int64_t file_bytes) {
  std::error_code error;
  const auto bytes = static_cast<std::int64_t>(fs::file_size(path, error));
  if (error) return ErrnoStatus(error.value(), path);
  if (bytes <= file_bytes + file_bytes / 4) return OkStatus();
  const std::int64_t pieces = (bytes + file_bytes - 1) / file_bytes;
  RETURN_IF_ERROR(format == "parquet" ? CutParquet(connection, path, pieces)
                                      : CutRecords(format, path, file_bytes));
  fs::remove(path, error);
  return error ? ErrnoStatus(error.value(), "remove " + path) : OkStatus();
}

}  // namespace millrace::mapreduce
