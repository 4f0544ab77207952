#include "worker/lake/publish.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>

#include "platform/failpoint/failpoint.h"
#include "worker/lake/staging.h"

namespace millrace::lake {
namespace {

namespace fs = std::filesystem;

// Held while publishing; the file's text is the last fence and whose it is, "term counter scheduler".
class FenceLock {
 public:
  static StatusOr<FenceLock> Take(const std::string& path) {
    FenceLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (lock.descriptor_ < 0) return ErrnoStatus(errno, "open " + path);
    while (flock(lock.descriptor_, LOCK_EX) != 0) {
      if (errno != EINTR) return ErrnoStatus(errno, "lock " + path);
    }
    return lock;
  }
  FenceLock(FenceLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FenceLock& operator=(FenceLock&&) = delete;
  ~FenceLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  // The last fence of this scheduler; none when it was another's.
  Fence Last(const std::string& scheduler) const {
    char text[128] = {};
    char owner[65] = {};
    unsigned term = 0;
    unsigned long long counter = 0;
    if (pread(descriptor_, text, sizeof text - 1, 0) > 0) std::sscanf(text, "%u %llu %64[0-9a-f]", &term, &counter, owner);
    return owner == scheduler ? Fence{term, counter} : Fence{};
  }
  Status Remember(const Fence& fence, const std::string& scheduler) {
    const std::string text = std::to_string(fence.term) + " " + std::to_string(fence.counter) + " " + scheduler + "\n";
    if (pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
        ftruncate(descriptor_, static_cast<off_t>(text.size())) != 0 || fsync(descriptor_) != 0) {
      return ErrnoStatus(errno, "write the fence of an output");
    }
    return OkStatus();
  }

 private:
  explicit FenceLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

Status Failed(const std::error_code& error, const std::string& what) { return ErrnoStatus(error.value(), what); }

// A second name for the same bytes; a copy where the file system has no links.
Status Link(const std::string& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  if (error) return Failed(error, "make " + to.parent_path().string());
  if (link(from.c_str(), to.c_str()) == 0) return OkStatus();
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) return Failed(error, "copy " + from);
  return Seal(to.parent_path().string(), to.filename().string(), 0).status();
}

Status WriteWhole(const std::string& path, const std::string& text) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return ErrnoStatus(errno, "write " + path);
  const bool written = write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(descriptor) == 0;
  const Status status = written ? OkStatus() : ErrnoStatus(errno, "write " + path);
  close(descriptor);
  return status;
}

// The new folder, complete and durable, under a name that no reader looks at.
Status Build(const fs::path& folder, Manifest manifest, const std::vector<StagedFile>& staged) {
  std::error_code error;
  fs::remove_all(folder, error);
  fs::create_directories(folder, error);
  if (error) return Failed(error, "make " + folder.string());
  std::set<std::string> folders = {folder.string()};
  for (const StagedFile& item : staged) {
    const fs::path target = folder / item.file.path;
    RETURN_IF_ERROR(Link(item.source, target));
    Failpoint("lake.linked");
    if (static_cast<std::int64_t>(fs::file_size(target, error)) != item.file.bytes || error) {
      return DataLoss("the staged file " + item.source + " is not what its attempt had sealed");
    }
    folders.insert(target.parent_path().string());
    manifest.files.push_back(item.file);
  }
  Failpoint("lake.before_manifest");
  RETURN_IF_ERROR(WriteWhole((folder / kManifestName).string(), EncodeManifest(manifest)));
  Failpoint("lake.after_manifest");
  for (const std::string& path : folders) RETURN_IF_ERROR(SyncFolder(path));
  return OkStatus();
}

}  // namespace

Status Publish(const std::string& folder, Manifest manifest, const std::vector<StagedFile>& staged) {
  const fs::path target(folder);
  const fs::path parent = target.parent_path();
  const std::string name = target.filename().string();
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) return Failed(error, "make " + parent.string());

  ASSIGN_OR_RETURN(FenceLock lock, FenceLock::Take((parent / ("." + name + ".lock")).string()));
  const Fence last = lock.Last(manifest.scheduler);
  if (manifest.fence < last) {
    return Aborted("a newer attempt has published " + folder + " (its fence is " + ToString(last) + ", this one's " +
                   ToString(manifest.fence) + ")");
  }
  // Before the visible step: from here on an older publisher is refused, also if this one dies now.
  Failpoint("lake.before_fence");
  RETURN_IF_ERROR(lock.Remember(manifest.fence, manifest.scheduler).WithContext(folder));
  Failpoint("lake.after_fence");

  const fs::path fresh = parent / ("." + name + ".new");
  RETURN_IF_ERROR(Build(fresh, std::move(manifest), staged));
  Failpoint("lake.before_rename");
  const fs::path old = parent / ("." + name + ".old");
  if (renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno != EEXIST) return ErrnoStatus(errno, "publish " + folder);
    fs::remove_all(old, error);
    if (renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) != 0) {
      return ErrnoStatus(errno, "publish " + folder);
    }
    Failpoint("lake.after_exchange");
    // What was visible until now carries the new one's name; keep it a while for whoever reads it.
    fs::rename(fresh, old, error);
  }
  Failpoint("lake.after_rename");
  RETURN_IF_ERROR(SyncFolder(parent.string()));
  Failpoint("lake.published");
  return OkStatus();
}

}  // namespace millrace::lake
