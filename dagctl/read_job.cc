#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/model/problem_line.h"
#include "dagctl/dag_files.h"
#include "dagctl/jobs.h"
#include "scheduler/dagbag/folder_reader.h"
#include "scheduler/dagbag/job_file.h"

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;

bool IsAddress(std::string_view path) { return path.find("://") != path.npos; }

std::string Absolute(const std::string& path, const fs::path& folder) {
  return IsAddress(path) ? path : (folder / path).lexically_normal().string();
}

StatusOr<std::pair<std::string, std::string>> NameAndPath(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == text.npos || equals + 1 == text.size()) {
    return InvalidArgument("--input " + text + ": must be name=path");
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

std::string PathOf(const Value* map) {
  const Value* path = map == nullptr ? nullptr : map->Find("path");
  return path != nullptr && path->is_string() ? path->as_string() : "";
}

// The lowest folder above all that these paths can mean: what a pattern or a template leaves open lies
// beneath it.
fs::path FolderAbove(fs::path folder, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (path.empty() || IsAddress(path)) continue;
    const std::string fixed = path.substr(0, path.find_first_of("*?[{"));
    std::error_code error;
    fs::path place = fs::weakly_canonical(fixed.substr(0, fixed.rfind('/') + 1), error);
    if (fixed.size() == path.size() && fs::is_directory(fixed, error))
      place = fs::weakly_canonical(fixed, error);
    if (place.filename().empty()) place = place.parent_path();
    const auto [ours, theirs] = std::mismatch(folder.begin(), folder.end(), place.begin(), place.end());
    fs::path common;
    for (auto part = folder.begin(); part != ours; ++part) common /= *part;
    folder = common.empty() ? fs::path("/") : common;
  }
  return folder;
}

Status Problems(const std::vector<Problem>& problems) {
  std::string lines;
  for (const Problem& problem : problems) lines += (lines.empty() ? "" : "\n") + ToLine(problem);
  return InvalidArgument(lines);
}

}  // namespace

StatusOr<ReadJob> ReadJobFile(const JobOptions& options, const std::string& caller_folder,
                              const ZoneDatabase& zones) {
  ReadJob read;
  JobFile& job = read.job;
  job.file = options.file;
  job.explain = options.explain;
  ASSIGN_OR_RETURN(job.text, ReadText(options.file));
  for (const std::string& input : options.inputs) {
    ASSIGN_OR_RETURN(auto named, NameAndPath(input));
    job.inputs.emplace_back(named.first, Absolute(named.second, caller_folder));
  }
  if (!options.output.empty()) job.output = Absolute(options.output, caller_folder);
  const JobDag loaded = dagbag::LoadJobFile(job, dagbag::FolderReader(FolderOf(options.file)), zones);
  if (loaded.dag == nullptr) return Problems(loaded.problems);
  job.files = loaded.dag->files;

  read.root = caller_folder;
  if (!options.local) return read;
  std::vector<std::pair<std::string, std::string>> inputs;
  const Value& with = loaded.dag->tasks.at(0).with;
  for (const auto& [name, input] : with.Find("inputs")->as_map())
    inputs.emplace_back(name, Absolute(PathOf(&input), caller_folder));
  const std::string output = Absolute(PathOf(with.Find("output")), caller_folder);
  std::vector<std::string> paths = {output};
  for (const auto& [name, path] : inputs) paths.push_back(path);
  read.root = FolderAbove(caller_folder, paths).string();
  if (read.root == caller_folder) return read;
  // The workers' folder is another one than the caller's.
  job.inputs = std::move(inputs);
  job.output = output;
  return read;
}

}  // namespace millrace::dagctl
