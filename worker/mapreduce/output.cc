#include "worker/mapreduce/output.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "worker/lake/staging.h"
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

StatusOr<std::vector<OutputFile>> SealPartitioned(sql::Connection& connection, const Site& site, const std::string& folder) {
  const std::string job = lake::StagingFolder(site.root, site.job_folder);
  std::vector<std::string> paths;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_directory()) {
      RETURN_IF_ERROR(lake::SyncFolder(entry.path().string()));
    } else {
      paths.push_back(entry.path().string());
    }
  }
  if (error) return ErrnoStatus(error.value(), "list " + folder);
  std::sort(paths.begin(), paths.end());
  std::vector<OutputFile> files;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const sql::Result rows,
                     connection.Run("SELECT count(*) FROM " + ReadBack(site.spec.output.format, {path})));
    ASSIGN_OR_RETURN(OutputFile file, lake::Seal(job, fs::path(path).lexically_relative(job).string(), rows.Integer(0, 0)));
    files.push_back(std::move(file));
  }
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
  if (format == "csv") return "read_csv(" + list + ", header=true)";
  if (format == "jsonl") return "read_json(" + list + ", format='newline_delimited')";
  if (format == "text") {
    return "read_csv(" + list +
           ", columns={'line': 'VARCHAR'}, delim=E'\\x01', quote='', escape='', header=false, auto_detect=false, "
           "max_line_size=67108864)";
  }
  return "read_parquet(" + list + ")";
}

StatusOr<StagedPath> MakeStagedPath(const Site& site, const std::string& part) {
  ASSIGN_OR_RETURN(const std::string folder, lake::MakeStaging(site.root, site.job_folder, site.fence));
  const std::string& format = site.spec.output.format;
  return StagedPath{lake::StagingFolder(site.root, site.job_folder),
                    ToString(site.fence) + "/" + part + "." + (format == "text" ? "txt" : format)};
}

StatusOr<std::vector<OutputFile>> SealOutput(const StagedPath& staged, std::int64_t rows) {
  ASSIGN_OR_RETURN(OutputFile file, lake::Seal(staged.folder, staged.relative, rows));
  RETURN_IF_ERROR(lake::SyncFolder(fs::path(staged.path()).parent_path().string()));
  return std::vector<OutputFile>{std::move(file)};
}

StatusOr<std::vector<OutputFile>> WriteOutput(sql::Connection& connection, const Site& site, const std::string& select,
                                              const std::vector<Column>& columns, const std::string& part) {
  const std::string& format = site.spec.output.format;
  ASSIGN_OR_RETURN(const StagedPath staged, MakeStagedPath(site, part));
  std::string rows = WrittenSelect(select, columns);
  if (format == "text") rows = LinesOf(rows, columns);
  std::string options = CopyOptions(format);
  const std::vector<std::string>& by = site.spec.output.partition_by;
  if (by.empty()) {
    ASSIGN_OR_RETURN(const sql::Result copied,
                     connection.Run("COPY (\n" + rows + "\n) TO " + QuoteText(staged.path()) + " (" + options + ")"));
    return SealOutput(staged, static_cast<std::int64_t>(copied.rows_changed()));
  }
  std::string names;
  for (const std::string& column : by) names += (names.empty() ? "" : ", ") + QuoteName(column);
  options += ", PARTITION_BY (" + names + "), FILENAME_PATTERN " + QuoteText(part + "-{i}") + ", OVERWRITE_OR_IGNORE true";
  const std::string folder = fs::path(staged.path()).parent_path().string();
  RETURN_IF_ERROR(connection.Run("COPY (\n" + rows + "\n) TO " + QuoteText(folder) + " (" + options + ")").status());
  ASSIGN_OR_RETURN(std::vector<OutputFile> files, SealPartitioned(connection, site, folder));
  RETURN_IF_ERROR(lake::SyncFolder(folder));
  return files;
}

}  // namespace millrace::mapreduce
