#include "worker/mapreduce/output.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "worker/lake/staging.h"
#include "worker/mapreduce/file_pieces.h"
#include "worker/mapreduce/plan.h"

namespace millrace::mapreduce {
namespace {

namespace fs = std::filesystem;
using sql::QuoteName;
using sql::QuoteText;

std::string CopyOptions(const std::string& format) {
  if (format == "csv") return "FORMAT csv, HEADER true";
  if (format == "jsonl") return "FORMAT json";
  // Nothing is quoted: the delimiter is a byte that text does not have.
  if (format == "text") return "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\\x01'";
  return "FORMAT parquet";
}

// The columns of a row as one line.
std::string LinesOf(const std::string& select, const std::vector<Column>& columns) {
  std::string joined;
  for (const Column& column : columns) {
    const std::string name = QuoteName(column.name);
    joined += (joined.empty() ? "" : " || E'\\t' || ") +
              ("coalesce(" + (column.type == "BLOB" ? "decode(" + name + ")" : "CAST(" + name + " AS VARCHAR)") + ", '')");
  }
  return "SELECT " + joined + " AS line FROM (\n" + select + "\n)";
}

// The columns of a row but for those of `by` as one line of JSON, beside those.
std::string JsonLinesOf(const std::string& select, const std::vector<Column>& columns, const std::vector<std::string>& by) {
  std::string packed;
  std::string beside;
  for (const Column& column : columns) {
    const std::string name = QuoteName(column.name);
    if (std::find(by.begin(), by.end(), column.name) != by.end()) {
      beside += ", " + name;
    } else {
      packed += (packed.empty() ? "" : ", ") + name + " := " + name;
    }
  }
  return "SELECT CAST(to_json(struct_pack(" + packed + ")) AS VARCHAR) AS \"millrace.line\"" + beside + " FROM (\n" + select + "\n)";
}

// Every file that was written by the name of `part`, cut where it is larger than the author wants.
StatusOr<std::vector<OutputFile>> SealFolder(sql::Connection& connection, const Site& site, const OutputSpec& output,
                                             const std::string& folder, const std::string& part) {
  const std::string job = lake::StagingFolder(site.root, site.job_folder);
  std::vector<std::string> paths;
  std::error_code error;
  const auto of_part = [&](const fs::directory_entry& entry) {
    return !entry.is_directory() && entry.path().filename().string().starts_with(part);
  };
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
    if (of_part(entry) && output.file_bytes > 0) paths.push_back(entry.path().string());
  }
  for (const std::string& path : paths) RETURN_IF_ERROR(CutOutputFile(connection, output.format, path, output.file_bytes));
  paths.clear();
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_directory()) {
      RETURN_IF_ERROR(lake::SyncFolder(entry.path().string()));
    } else if (of_part(entry)) {
      paths.push_back(entry.path().string());
    }
  }
  if (error) return ErrnoStatus(error.value(), "list " + folder);
  std::sort(paths.begin(), paths.end());
  std::vector<OutputFile> files;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::int64_t rows, CountRows(connection, output.format, path));
    ASSIGN_OR_RETURN(OutputFile file, lake::Seal(job, fs::path(path).lexically_relative(job).string(), rows));
    files.push_back(std::move(file));
  }
  return files;
}

// In the attempt's folder, or beside it in one of the output's own: `suffix` makes the difference.
StatusOr<StagedPath> StagedPathOf(const Site& site, const std::string& format, const std::string& suffix, const std::string& part) {
  RETURN_IF_ERROR(lake::MakeStaging(site.root, site.job_folder, site.fence).status());
  const std::string job = lake::StagingFolder(site.root, site.job_folder);
  const std::string folder = ToString(site.fence) + suffix;
  std::error_code error;
  fs::create_directories(job + "/" + folder, error);
  if (error) return ErrnoStatus(error.value(), "make " + job + "/" + folder);
  return StagedPath{job, folder + "/" + part + "." + (format == "text" ? "txt" : format)};
}

StatusOr<std::vector<OutputFile>> WriteTo(sql::Connection& connection, const Site& site, const OutputSpec& output, const StagedPath& staged,
                                          const std::string& select, const std::vector<Column>& columns, const std::string& part,
                                          bool ordered) {
  std::string rows = WrittenSelect(select, columns);
  if (output.format == "text") rows = LinesOf(rows, columns);
  // DuckDB does not divide JSON among folders; lines of text it does.
  const bool as_lines = output.format == "jsonl" && !output.partition_by.empty();
  if (as_lines) rows = JsonLinesOf(rows, columns, output.partition_by);
  const std::string copy = "COPY (\n" + rows + "\n) TO ";
  const std::string options = CopyOptions(as_lines ? "text" : output.format);
  if (output.partition_by.empty() && (output.file_bytes == 0 || ordered)) {
    ASSIGN_OR_RETURN(const sql::Result copied, connection.Run(copy + QuoteText(staged.path()) + " (" + options + ")"));
    if (output.file_bytes == 0) return SealOutput(staged, static_cast<std::int64_t>(copied.rows_changed()));
  } else {
    std::string names;
    for (const std::string& column : output.partition_by) names += (names.empty() ? "" : ", ") + QuoteName(column);
    // DuckDB does one or the other.
    const std::string into = names.empty() ? "FILE_SIZE_BYTES " + std::to_string(output.file_bytes) : "PARTITION_BY (" + names + ")";
    RETURN_IF_ERROR(connection
                        .Run(copy + QuoteText(fs::path(staged.path()).parent_path().string()) + " (" + options + ", " + into + ", FILENAME_PATTERN " +
                             QuoteText(part + "-{i}") + ", FILE_EXTENSION " + QuoteText(output.format == "text" ? "txt" : output.format) +
                             ", OVERWRITE_OR_IGNORE true)")
                        .status());
  }
  const std::string folder = fs::path(staged.path()).parent_path().string();
  ASSIGN_OR_RETURN(std::vector<OutputFile> files, SealFolder(connection, site, output, folder, part));
  RETURN_IF_ERROR(lake::SyncFolder(folder));
  return files;
}

}  // namespace

std::string PartName(std::int32_t partition_begin) {
  char name[32];
  std::snprintf(name, sizeof name, "part-%05d", partition_begin);
  return name;
}

std::string ReadBack(const std::string& format, const std::vector<std::string>& paths) {
  std::string list;
  for (const std::string& path : paths) list += (list.empty() ? "[" : ", ") + QuoteText(path);
  list += "]";
  // DuckDB's own choice is buffers of 32 MB: two of them are all the memory of a small worker.
  if (format == "csv") return "read_csv(" + list + ", header=true, buffer_size=8388608)";
  if (format == "jsonl") return "read_json(" + list + ", format='newline_delimited')";
  if (format == "text") {
    return "read_csv(" + list +
           ", columns={'line': 'VARCHAR'}, delim=E'\\x01', quote='', escape='', header=false, auto_detect=false, "
           "max_line_size=67108864)";
  }
  return "read_parquet(" + list + ")";
}

Status AddFiles(StatusOr<std::vector<OutputFile>> written, std::vector<OutputFile>& files) {
  if (written.ok()) files.insert(files.end(), written->begin(), written->end());
  return written.status();
}

StatusOr<StagedPath> MakeStagedPath(const Site& site, const std::string& part) {
  return StagedPathOf(site, site.spec.output.format, "", part);
}

StatusOr<std::vector<OutputFile>> SealOutput(const StagedPath& staged, std::int64_t rows) {
  ASSIGN_OR_RETURN(OutputFile file, lake::Seal(staged.folder, staged.relative, rows));
  RETURN_IF_ERROR(lake::SyncFolder(fs::path(staged.path()).parent_path().string()));
  return std::vector<OutputFile>{std::move(file)};
}

StatusOr<std::vector<OutputFile>> WriteOutput(sql::Connection& connection, const Site& site, const std::string& select,
                                              const std::vector<Column>& columns, const std::string& part, bool ordered) {
  ASSIGN_OR_RETURN(const StagedPath staged, MakeStagedPath(site, part));
  return WriteTo(connection, site, site.spec.output, staged, select, columns, part, ordered);
}

StatusOr<std::vector<OutputFile>> WriteSide(sql::Connection& connection, const Site& site, const SideOutput& side, const std::string& part) {
  const OutputSpec output{.path = side.path, .format = side.format, .partition_by = side.partition_by, .file_bytes = side.file_bytes};
  ASSIGN_OR_RETURN(const StagedPath staged, StagedPathOf(site, side.format, "." + side.name, part));
  ASSIGN_OR_RETURN(std::vector<OutputFile> files,
                   WriteTo(connection, site, output, staged, "FROM " + QuoteName(side.view), side.columns, part, false));
  for (OutputFile& file : files) file.output = side.name;
  return files;
}

}  // namespace millrace::mapreduce
