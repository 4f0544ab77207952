#include "worker/lake/path.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>

#include "worker/lake/manifest.h"

namespace millrace::lake {
namespace {

namespace fs = std::filesystem;

bool IsWithin(const fs::path& path, const fs::path& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

bool IsHidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.empty() || name[0] == '_' || name[0] == '.';
}

bool IsPattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

// All data files below a folder; hidden files and folders are not data.
Status Collect(const fs::path& folder, std::vector<std::string>& files) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (IsHidden(entry->path())) {
      if (entry->is_directory(error)) entry.disable_recursion_pending();
    } else if (entry->is_regular_file(error)) {
      files.push_back(entry->path().string());
    }
  }
  if (error) return ErrnoStatus(error.value(), "list " + folder.string());
  return OkStatus();
}

Status FolderFiles(const fs::path& folder, std::vector<std::string>& files) {
  StatusOr<Manifest> manifest = ReadManifest(folder.string());
  if (manifest.ok()) {
    for (const OutputFile& file : manifest->files) files.push_back((folder / file.path).string());
    return OkStatus();
  }
  if (manifest.status().code() != Code::kNotFound) return manifest.status();
  return Collect(folder, files);
}

}  // namespace

StatusOr<std::string> Beneath(const std::string& root, std::string_view path) {
  std::error_code error;
  const fs::path base = fs::weakly_canonical(root, error);
  if (error) return ErrnoStatus(error.value(), "the worker's root " + root);
  const fs::path wanted = fs::path(path).is_absolute() ? fs::path(path) : base / path;
  // Resolves the links of whatever part exists, and the ".." of the rest.
  fs::path resolved = fs::weakly_canonical(wanted, error);
  if (error) return ErrnoStatus(error.value(), std::string(path));
  if (!IsWithin(resolved, base)) {
    return InvalidArgument("the path " + std::string(path) + " lies outside the worker's root " + base.string() +
                           ": data paths are relative to it");
  }
  if (resolved.filename().empty() && resolved != base) resolved = resolved.parent_path();
  return resolved.string();
}

StatusOr<std::vector<std::string>> InputFiles(const std::string& root, std::string_view path) {
  std::vector<std::string> files;
  if (IsPattern(path)) {
    const std::string fixed(path.substr(0, path.find_first_of("*?[")));
    const std::string folder_part = fixed.substr(0, fixed.rfind('/') == std::string::npos ? 0 : fixed.rfind('/') + 1);
    ASSIGN_OR_RETURN(const std::string folder, Beneath(root, folder_part.empty() ? "." : folder_part));
    std::vector<std::string> candidates;
    RETURN_IF_ERROR(Collect(folder, candidates));
    const std::string pattern = folder + "/" + std::string(path.substr(folder_part.size()));
    for (std::string& candidate : candidates) {
      if (fnmatch(pattern.c_str(), candidate.c_str(), FNM_PATHNAME) == 0) files.push_back(std::move(candidate));
    }
  } else {
    ASSIGN_OR_RETURN(const std::string resolved, Beneath(root, path));
    std::error_code error;
    if (fs::is_directory(resolved, error)) {
      RETURN_IF_ERROR(FolderFiles(resolved, files));
    } else if (fs::is_regular_file(resolved, error)) {
      files.push_back(resolved);
    }
  }
  if (files.empty()) return NotFound("no input files at " + std::string(path) + " (beneath the worker's root " + root + ")");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace millrace::lake
