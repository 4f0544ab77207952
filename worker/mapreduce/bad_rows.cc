#include "worker/mapreduce/bad_rows.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/model/json.h"
#include "worker/lake/staging.h"
#include "worker/readers/values.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteText;

constexpr std::size_t kMaxText = std::size_t{64} << 10;

Status TooMany(const std::string& input, std::int64_t limit, const std::string& last) {
  return InvalidArgument("input '" + input + "': more than " + std::to_string(limit) +
                         " records cannot be read (bad_rows: limit). The last one: " + last);
}

// In staging, beside the attempt's own folder, in which everything is the output's.
std::string FolderOf(const Site& site) { return ToString(site.fence) + ".bad"; }

StatusOr<OutputFile> SealIn(const Site& site, const std::string& relative, const std::string& input, std::int64_t rows) {
  const std::string job = lake::StagingFolder(site.root, site.job_folder);
  ASSIGN_OR_RETURN(OutputFile file, lake::Seal(job, relative, rows));
  RETURN_IF_ERROR(lake::SyncFolder(job + "/" + FolderOf(site)));
  file.output = kBadRowsOf + input;
  return file;
}

StatusOr<std::string> MakeFolder(const Site& site) {
  RETURN_IF_ERROR(lake::MakeStaging(site.root, site.job_folder, site.fence).status());
  const std::string folder = lake::StagingFolder(site.root, site.job_folder) + "/" + FolderOf(site);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), "make " + folder);
  return folder;
}

}  // namespace

Status BadRowLog::Skip(const std::string& path, std::uint64_t offset, std::string_view record, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  rows_.try_emplace({path, offset}, Row{reason, readers::Readable(record, kMaxText)});
  if (static_cast<std::int64_t>(rows_.size()) <= limit_) return OkStatus();
  return TooMany(input_, limit_, path + ", byte " + std::to_string(offset) + ": " + reason);
}

std::int64_t BadRowLog::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(rows_.size());
}

std::string BadRowLog::Lines() const {
  const std::lock_guard lock(mutex_);
  std::string lines;
  for (const auto& [place, row] : rows_) {
    lines += ToJson(Value::Map{{"input", input_},
                               {"path", place.first},
                               {"offset", static_cast<std::int64_t>(place.second)},
                               {"reason", row.reason},
                               {"text", row.text}}) +
             "\n";
  }
  return lines;
}

StatusOr<std::vector<OutputFile>> WriteBadRows(const Site& site, const BadRowLog& log, const std::string& part) {
  const std::int64_t rows = log.count();
  if (rows == 0) return std::vector<OutputFile>{};
  site.Log("skipped " + std::to_string(rows) + " records of " + log.input() + " that cannot be read");
  ASSIGN_OR_RETURN(const std::string folder, MakeFolder(site));
  const std::string name = log.input() + "-" + part + ".jsonl";
  std::ofstream file(folder + "/" + name, std::ios::binary | std::ios::trunc);
  file << log.Lines();
  file.flush();
  if (!file) return ResourceExhausted("cannot write " + folder + "/" + name);
  ASSIGN_OR_RETURN(OutputFile sealed, SealIn(site, FolderOf(site) + "/" + name, log.input(), rows));
  return std::vector<OutputFile>{std::move(sealed)};
}

StatusOr<std::vector<OutputFile>> MergeBadRows(sql::Connection& connection, const Site& site, const InputSpec& input,
                                               const std::vector<OutputFile>& files) {
  std::string list;
  for (const OutputFile& file : files) {
    if (file.output != kBadRowsOf + input.name) continue;
    list += (list.empty() ? "" : ", ") + QuoteText(lake::StagingFolder(site.root, site.job_folder) + "/" + file.path);
  }
  if (list.empty()) return std::vector<OutputFile>{};
  ASSIGN_OR_RETURN(const std::string folder, MakeFolder(site));
  const std::string name = input.name + ".jsonl";
  const std::string select = "SELECT DISTINCT ON (path, \"offset\") * FROM read_json([" + list +
                             "], format='newline_delimited', columns={input: 'VARCHAR', path: 'VARCHAR', \"offset\": 'BIGINT', reason: 'VARCHAR', "
                             "text: 'VARCHAR'}) ORDER BY path, \"offset\"";
  ASSIGN_OR_RETURN(const sql::Result copied, connection.Run("COPY (" + select + ") TO " + QuoteText(folder + "/" + name) + " (FORMAT json)"));
  const auto rows = static_cast<std::int64_t>(copied.rows_changed());
  if (rows > input.bad_rows_limit) {
    return InvalidArgument("the result was not published: " + std::to_string(rows) + " records of input '" + input.name +
                           "' cannot be read, and bad_rows allows " + std::to_string(input.bad_rows_limit));
  }
  ASSIGN_OR_RETURN(OutputFile sealed, SealIn(site, FolderOf(site) + "/" + name, input.name, rows));
  return std::vector<OutputFile>{std::move(sealed)};
}

}  // namespace millrace::mapreduce
