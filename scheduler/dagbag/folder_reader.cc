#include "scheduler/dagbag/folder_reader.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "scheduler/dagbag/archive.h"
#include "scheduler/dagbag/ignore_rules.h"

namespace millrace::dagbag {
namespace {

namespace fs = std::filesystem;

// A file system's clock goes in ticks: what is written twice within one looks the same.
constexpr Duration kTick = std::chrono::milliseconds(20);

class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Beneath the folder, by no way out of it.
StatusOr<int> Open(const std::string& folder_path, std::string_view path) {
  const OpenFile folder(open(folder_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return ErrnoStatus(errno, "DAG folder " + folder_path);
  const std::string name(path);
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const int file = static_cast<int>(syscall(SYS_openat2, folder.get(), name.c_str(), &how, sizeof how));
  if (file >= 0) return file;
  if (errno == EXDEV || errno == ELOOP) return PermissionDenied("it leaves the DAG folder");
  return ErrnoStatus(errno, name);
}

StatusOr<struct stat> FactsOf(const OpenFile& file, std::string_view path) {
  struct stat facts = {};
  if (fstat(file.get(), &facts) != 0) return ErrnoStatus(errno, path);
  if (!S_ISREG(facts.st_mode)) return InvalidArgument("it is no file");
  return facts;
}

StatusOr<std::string> ReadAll(const OpenFile& file, std::string_view path, std::size_t most) {
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t count = read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, path);
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > most)
      return ResourceExhausted("it is larger than " + std::to_string(most >> 20) + " MiB");
    content.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string IdentityOf(const struct stat& facts) {
  std::string identity;
  for (const auto number : {static_cast<std::int64_t>(facts.st_dev), static_cast<std::int64_t>(facts.st_ino),
                            static_cast<std::int64_t>(facts.st_size), facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec,
                            facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec})
    identity += std::to_string(number) + " ";
  return identity;
}

// Regular files and folders beneath the DAG folder, as they are at this moment, except those that are ignored. A path comes
// whole, and relative to the folder.
template <typename Visit>
Status Walk(const FolderReader& reader, Visit visit) {
  IgnoreRules rules;
  std::vector<std::string> ruled;  // folders around the one that is walked that have rules, outermost first
  const auto enter = [&](const std::string& beneath) -> Status {
    const StatusOr<std::string> text =
        reader.Read(beneath.empty() ? kIgnoreFile : beneath + "/" + kIgnoreFile);
    if (!text.ok()) {
      const Code code = text.status().code();
      return code == Code::kNotFound || code == Code::kInvalidArgument ? OkStatus() : text.status();
    }
    rules.Add(beneath, *text);
    ruled.push_back(beneath);
    return OkStatus();
  };
  const std::string& folder = reader.folder();
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  if (error) return ErrnoStatus(error.value(), "DAG folder " + folder);
  RETURN_IF_ERROR(enter(""));
  const std::size_t above = (fs::path(folder) / "").native().size();
  for (; at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (error) return ErrnoStatus(error.value(), "DAG folder " + folder);
    std::error_code ignored;
    const bool is_folder = at->is_directory(ignored) && !at->is_symlink(ignored);
    const std::string relative = at->path().native().substr(above);
    if (IsLeftOut(relative)) {
      if (is_folder) at.disable_recursion_pending();
      continue;
    }
    while (!ruled.empty() && !ruled.back().empty() && !relative.starts_with(ruled.back() + "/")) {
      rules.Forget(ruled.back());
      ruled.pop_back();
    }
    if (rules.Ignores(relative, is_folder)) {
      if (is_folder) at.disable_recursion_pending();
      continue;
    }
    if (is_folder) RETURN_IF_ERROR(enter(relative));
    visit(at->path(), relative, is_folder);
  }
  return OkStatus();
}

}  // namespace

bool IsLeftOut(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.starts_with('.') || name.starts_with('_') || name == "contracts";
}

StatusOr<std::string> FolderReader::Read(std::string_view path) const {
  ASSIGN_OR_RETURN(const int descriptor, Open(folder_, path));
  const OpenFile file(descriptor);
  RETURN_IF_ERROR(FactsOf(file, path).status());
  return ReadAll(file, path, kLargestFile);
}

StatusOr<std::optional<std::string>> FolderReader::ReadChanged(std::string_view path, WallTime now,
                                                               std::string& identity) const {
  ASSIGN_OR_RETURN(const int descriptor, Open(folder_, path));
  const OpenFile file(descriptor);
  ASSIGN_OR_RETURN(const struct stat facts, FactsOf(file, path));
  std::string found = IdentityOf(facts);
  if (found == identity) return std::optional<std::string>();
  const auto changed = std::chrono::seconds(facts.st_ctim.tv_sec) + std::chrono::nanoseconds(facts.st_ctim.tv_nsec);
  identity = now.time_since_epoch() - changed > kTick ? std::move(found) : "";
  ASSIGN_OR_RETURN(std::string content, ReadAll(file, path, kLargestArchive));
  return std::optional(std::move(content));
}

StatusOr<std::vector<std::string>> FolderReader::List() const {
  std::vector<std::string> files;
  RETURN_IF_ERROR(Walk(*this, [&](const fs::path&, const std::string& relative, bool is_folder) {
    if (!is_folder && (IsDagFileName(relative) || IsArchiveName(relative))) files.push_back(relative);
  }));
  std::sort(files.begin(), files.end());
  return files;
}

StatusOr<std::vector<std::string>> FolderReader::Folders() const {
  std::vector<std::string> folders = {folder_};
  std::error_code error;
  const fs::path contracts = fs::path(folder_) / "contracts";
  if (fs::is_directory(contracts, error)) folders.push_back(contracts.string());
  RETURN_IF_ERROR(Walk(*this, [&](const fs::path& path, const std::string&, bool is_folder) {
    if (is_folder) folders.push_back(path.string());
  }));
  return folders;
}

}  // namespace millrace::dagbag
