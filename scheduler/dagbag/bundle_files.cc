#include "scheduler/dagbag/bundle_files.h"

#include <optional>
#include <utility>

#include "scheduler/dagbag/parse_memory.h"

namespace millrace::dagbag {

Status BundleFiles::Look() {
  BundleLook look = bundle_.Look();
  if (look.folder != folder_.folder()) {
    folder_ = FolderReader(look.folder);
    archives_.clear();
  }
  version_ = look.version;
  const Status scanned = look.folder.empty() ? OkStatus() : Scan();
  if (!scanned.ok() && name() == kDagsFolder) return scanned;
  if (!scanned.ok() && look.failure.empty())
    TellWhole("cannot be read: " + scanned.message(), "make the folder readable for the scheduler; its DAGs stay as they are");
  else
    TellWhole(look.failure, look.advice);
  return OkStatus();
}

std::vector<std::string> BundleFiles::Folders() const {
  std::vector<std::string> folders;
  if (!folder_.folder().empty()) {
    if (StatusOr<std::vector<std::string>> listed = folder_.Folders(); listed.ok()) folders = *std::move(listed);
  }
  if (std::string bell = bundle_.Bell(); !bell.empty()) folders.push_back(std::move(bell));
  return folders;
}

void BundleFiles::TellWhole(const std::string& failure, const std::string& advice) {
  if (failure.empty()) {
    if (const auto at = files_.find(kWhole); at != files_.end()) {
      if (at->second.told_problems) cleared.insert(kWhole);
      files_.erase(at);
    }
    return;
  }
  const std::vector<Problem> problems = {{"bundle " + name(), {}, failure, advice}};
  File& whole = files_[kWhole];
  if (whole.problems == problems) return;
  whole.problems = problems;
  whole.told_problems = false;
  log_.Log(LogLevel::kWarning, "A DAG bundle cannot be read; its DAGs stay as they are (bundle=" + name() + ", " + failure + ")");
}

Status BundleFiles::Scan() {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, folder_.List());
  std::set<std::string> present(paths.begin(), paths.end());
  std::erase_if(archives_, [&](const auto& archive) { return !present.contains(archive.first); });
  std::erase_if(present, IsArchiveName);
  for (const std::string& path : paths) {
    if (IsArchiveName(path)) {
      LoadArchive(path, present);
    } else {
      LoadFile("", path, folder_);
    }
  }
  Forget(present);
  return OkStatus();
}

void BundleFiles::Forget(const std::set<std::string>& present) {
  for (auto at = files_.begin(); at != files_.end();) {
    if (present.contains(at->first) || at->first == kWhole) {
      ++at;
      continue;
    }
    if (at->second.told_problems) cleared.insert(at->first);
    at = files_.erase(at);
    changed = true;
  }
}

std::string BundleFiles::ContentKey(const std::string& text, const std::vector<std::string>& names,
                                    const FileReader& files) const {
  std::string key = Fingerprint(text);
  for (const std::string& name : names) {
    const StatusOr<std::string> content = files.Read(name);
    key += content.ok() ? Fingerprint(*content) : content.status().message();
  }
  if (!bundle_.team().empty()) key += " of team " + bundle_.team();
  return names.empty() && bundle_.team().empty() ? key : Fingerprint(key);
}

void BundleFiles::CannotRead(const std::string& path, const Status& status, const std::string& suggestion, File& file) {
  const std::vector<Problem> problems = {{path, {1, 1}, "cannot be read: " + status.message(), suggestion}};
  if (file.problems == problems) return;
  file.content_key.clear();
  file.problems = problems;
  file.told_problems = false;
}

StatusOr<std::unique_ptr<Archive>> BundleFiles::OpenArchive(const std::string& path, std::string& identity) const {
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, folder_.ReadChanged(path, clock_.now().wall, identity));
  if (!bytes) return std::unique_ptr<Archive>();
  return Archive::Open(*std::move(bytes));
}

void BundleFiles::LoadArchive(const std::string& path, std::set<std::string>& present) {
  const StatusOr<std::unique_ptr<Archive>> archive = OpenArchive(path, archives_[path]);
  if (!archive.ok() || *archive == nullptr) {
    for (auto at = files_.lower_bound(path); at != files_.end() && at->first.starts_with(path); ++at) {
      if (at->first == path || at->first.starts_with(path + "/")) present.insert(at->first);
    }
    // Gone since it was listed: the next look sees it.
    if (archive.ok() || archive.status().code() == Code::kNotFound) return;
    present.insert(path);
    return CannotRead(path, archive.status(), "mend it, or name it in .airflowignore if it is not for DAGs",
                      files_[path]);
  }
  for (const std::string& name : (*archive)->dag_files()) {
    present.insert(path + "/" + name);
    LoadFile(path + "/", name, **archive);
  }
}

void BundleFiles::LoadFile(const std::string& folder, const std::string& name, const FileReader& files) {
  const std::string path = folder + name;
  File& file = files_[path];
  const StatusOr<std::string> text = files.Read(name);
  if (!text.ok()) {
    // Gone since it was listed: the next look sees it.
    if (text.status().code() != Code::kNotFound) CannotRead(path, text.status(), "", file);
    return;
  }
  std::string key = ContentKey(*text, file.names, files);
  if (key == file.content_key) return;
  LoadResult loaded = LoadDagFile(path, *text, files, zones_, Origin());
  ++parsed;
  changed = true;
  file.names = std::move(loaded.files);
  file.content_key = ContentKey(*text, file.names, files);
  for (Problem& problem : loaded.problems) {
    if (problem.file != path) problem.file = folder + problem.file;  // of a contract
  }
  if (file.problems != loaded.problems) {
    if (loaded.problems.empty()) cleared.insert(path);
    file.problems = std::move(loaded.problems);
    file.told_problems = false;
  }
  std::map<std::string, Version> dags;
  for (DagPtr& dag : loaded.dags) dags.emplace(dag->id, Version{dag->hash, dag});
  // What a bad file no longer says, it may have meant to say.
  if (!file.problems.empty()) dags.merge(file.dags);
  file.dags = std::move(dags);
  const std::string bundle = this->name() == kDagsFolder ? "" : ", bundle=" + this->name();
  log_.Log(file.problems.empty() ? LogLevel::kInfo : LogLevel::kWarning,
           "DAG file loaded (file=" + path + bundle + ", dags=" + std::to_string(file.dags.size()) +
               ", problems=" + std::to_string(file.problems.size()) + ")");
}

DagPtr BundleFiles::Again(const std::string& path, const std::string& dag_id, const Version& version) const {
  const std::size_t end = path.rfind('/');
  const std::string around = path.substr(0, end == std::string::npos ? 0 : end);
  std::unique_ptr<Archive> archive;
  if (archives_.contains(around)) {
    std::string any;
    StatusOr<std::unique_ptr<Archive>> opened = OpenArchive(around, any);
    if (!opened.ok()) return nullptr;
    archive = *std::move(opened);
  }
  const FileReader& files = archive != nullptr ? static_cast<const FileReader&>(*archive) : folder_;
  const StatusOr<std::string> text = files.Read(archive != nullptr ? path.substr(end + 1) : path);
  if (!text.ok()) return nullptr;
  for (DagPtr& dag : LoadDagFile(path, *text, files, zones_, Origin()).dags) {
    if (dag->id == dag_id && dag->hash == version.hash) return std::move(dag);
  }
  return nullptr;  // the file is another one by now: the next look sees it
}

}  // namespace millrace::dagbag
