#include "dagctl/dag_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <utility>

#include "core/model/yaml.h"
#include "scheduler/dagbag/folder_reader.h"

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;

// At most one byte more than `most`, so that a file that is too large is told as such.
StatusOr<std::string> ReadBytes(const std::string& path, std::size_t most) {
  std::error_code error;
  if (fs::is_directory(path, error)) return InvalidArgument("it is a folder");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return ErrnoStatus(errno != 0 ? errno : ENOENT, path);
  const std::uintmax_t size = fs::file_size(path, error);
  std::string text(error ? most + 1 : std::min<std::uintmax_t>(size, most) + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

// The archive that the file lies in, or "".
std::string ArchiveOf(const std::string& file) {
  const std::string parent = fs::path(file).parent_path().string();
  std::error_code error;
  return dagbag::IsArchiveName(parent) && fs::is_regular_file(parent, error) ? parent : "";
}

}  // namespace

StatusOr<std::string> ReadText(const std::string& path) { return ReadBytes(path, kMaxYamlBytes); }

std::string FolderOf(const std::string& file) {
  const std::string parent = fs::path(file).parent_path().string();
  return parent.empty() ? "." : parent;
}

Status DagFiles::Open(const std::string& path) {
  if (archive_ != nullptr && open_ == path) return OkStatus();
  ASSIGN_OR_RETURN(std::string bytes, ReadBytes(path, dagbag::kLargestArchive));
  if (bytes.size() > dagbag::kLargestArchive) return ResourceExhausted("it is larger than 64 MiB");
  ASSIGN_OR_RETURN(archive_, dagbag::Archive::Open(std::move(bytes)));
  open_ = path;
  return OkStatus();
}

// One that cannot be read stands for itself: loading it says why.
void DagFiles::ListArchive(const std::string& path, std::vector<std::string>& files) {
  if (!Open(path).ok()) return files.push_back(path);
  for (const std::string& name : archive_->dag_files()) files.push_back(path + "/" + name);
}

StatusOr<std::vector<std::string>> DagFiles::List() {
  std::vector<std::string> files;
  for (const std::string& path : paths_) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      ASSIGN_OR_RETURN(const std::vector<std::string> found, dagbag::FolderReader(path).List());
      for (const std::string& name : found) {
        const std::string file = (fs::path(path) / name).string();
        if (dagbag::IsArchiveName(file)) {
          ListArchive(file, files);
        } else {
          files.push_back(file);
        }
      }
    } else if (dagbag::IsArchiveName(path)) {
      const std::size_t before = files.size();
      ListArchive(path, files);
      if (files.size() == before) files.push_back(path);  // named, and not one to do without
    } else {
      files.push_back(path);
    }
  }
  return files;
}

std::string DagFiles::Beneath(const std::string& file) const {
  if (!folder_.empty()) return folder_;
  // A folder's own DAG files name their contracts from that folder, however deep they lie.
  for (const std::string& path : paths_) {
    std::error_code error;
    const std::string relative = fs::path(file).lexically_relative(path).string();
    if (fs::is_directory(path, error) && !relative.empty() && !relative.starts_with("..")) return path;
  }
  return FolderOf(file);
}

StatusOr<DagFiles::Loaded> DagFiles::Load(const std::string& file) {
  Loaded loaded;
  std::string beneath = ArchiveOf(file);
  if (!beneath.empty()) {
    RETURN_IF_ERROR(Open(beneath));
    ASSIGN_OR_RETURN(const std::string text, archive_->Read(fs::path(file).filename().string()));
    loaded.bytes = text.size();
    loaded.result = dagbag::LoadDagFile(file, text, *archive_, zones_);
  } else if (dagbag::IsArchiveName(file)) {
    RETURN_IF_ERROR(Open(file));
    return InvalidArgument("it has no DAG file at its root: pack the files, not the folder around them");
  } else {
    ASSIGN_OR_RETURN(const std::string text, ReadText(file));
    beneath = Beneath(file);
    loaded.bytes = text.size();
    loaded.result = dagbag::LoadDagFile(file, text, dagbag::FolderReader(beneath), zones_);
  }
  for (Problem& problem : loaded.result.problems) {
    if (problem.file != file) problem.file = (fs::path(beneath) / problem.file).string();  // a contract
  }
  return loaded;
}

}  // namespace millrace::dagctl
