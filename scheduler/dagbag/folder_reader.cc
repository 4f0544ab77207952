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

#include "scheduler/dagbag/ignore_rules.h"

namespace millrace::dagbag {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = 16 << 20;

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

bool IsLeftOut(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.starts_with('.') || name.starts_with('_') || name == "contracts";
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

StatusOr<std::string> FolderReader::Read(std::string_view path) const {
  const OpenFile folder(open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return ErrnoStatus(errno, "DAG folder " + folder_);
  const std::string name(path);
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const OpenFile file(static_cast<int>(syscall(SYS_openat2, folder.get(), name.c_str(), &how, sizeof how)));
  if (file.get() < 0) {
    if (errno == EXDEV || errno == ELOOP) return PermissionDenied("it leaves the DAG folder");
    return ErrnoStatus(errno, name);
  }
  struct stat status = {};
  if (fstat(file.get(), &status) != 0) return ErrnoStatus(errno, name);
  if (!S_ISREG(status.st_mode)) return InvalidArgument("it is no file");
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t count = read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, name);
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > kLargestFile)
      return ResourceExhausted("it is larger than 16 MiB");
    content.append(buffer, static_cast<std::size_t>(count));
  }
}

StatusOr<std::vector<std::string>> FolderReader::List() const {
  std::vector<std::string> files;
  RETURN_IF_ERROR(Walk(*this, [&](const fs::path&, const std::string& relative, bool is_folder) {
    if (!is_folder && IsDagFileName(relative)) files.push_back(relative);
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
