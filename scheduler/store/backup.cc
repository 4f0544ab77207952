#include "scheduler/store/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/model/ids.h"
#include "scheduler/store/sqlite.h"
#include "scheduler/store/sqlite_store.h"

namespace millrace::store {
namespace {

namespace fs = std::filesystem;

Status Failed(const std::error_code& code, const std::string& what) {
  return ErrnoStatus(code.value(), what);
}

Status Sync(const fs::path& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return ErrnoStatus(errno, "open " + path.string());
  const bool synced = fsync(descriptor) == 0;
  const int error = errno;
  close(descriptor);
  return synced ? OkStatus() : ErrnoStatus(error, "sync " + path.string());
}

// Of this process or of workers (dagctl up has their folders here), or made anew at every start, or the database, which is
// not copied as a file.
bool StaysBehind(const std::string& name) {
  return name == "lock" || name == "endpoints.json" || name == "backups" || name == "workers" ||
         name.starts_with("millrace.db");
}

Status CopyTree(const fs::path& from, const fs::path& to, std::int64_t* bytes) {
  std::error_code code;
  if (!fs::is_directory(from, code)) {
    // A log of a run that has just been deleted is no loss.
    if (!fs::exists(from, code)) return OkStatus();
    if (fs::copy_file(from, to, code); code)
      return Failed(code, "copy " + from.string() + " to " + to.string());
    *bytes += static_cast<std::int64_t>(fs::file_size(to, code));
    return Sync(to, O_RDONLY);
  }
  if (fs::create_directory(to, from, code); code) return Failed(code, "make " + to.string());
  for (fs::directory_iterator entry(from, code), end; !code && entry != end; entry.increment(code)) {
    if (entry->is_symlink() || entry->is_other()) continue;  // no link, and no socket
    RETURN_IF_ERROR(CopyTree(entry->path(), to / entry->path().filename(), bytes));
  }
  if (code) return Failed(code, "read " + from.string());
  return Sync(to, O_RDONLY | O_DIRECTORY);
}

Status CopyState(const fs::path& state, const fs::path& to, std::int64_t* bytes) {
  const fs::path copy = fs::path(DatabasePath(to.string()));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<Database> database,
                     Database::Open(DatabasePath(state.string()), Database::Mode::kReadOnly));
    ASSIGN_OR_RETURN(Statement into, database->Prepare("VACUUM INTO ?"));
    into.Bind(1, copy.string());
    RETURN_IF_ERROR(into.Run());
  }
  chmod(copy.c_str(), 0600);
  RETURN_IF_ERROR(Sync(copy, O_RDONLY));
  std::error_code code;
  *bytes += static_cast<std::int64_t>(fs::file_size(copy, code));
  // After the database: what it tells of logs is then in them.
  for (fs::directory_iterator entry(state, code), end; !code && entry != end; entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (StaysBehind(name) || entry->is_symlink() || entry->is_other()) continue;
    RETURN_IF_ERROR(CopyTree(entry->path(), to / name, bytes));
  }
  if (code) return Failed(code, "read " + state.string());
  return Sync(to, O_RDONLY | O_DIRECTORY);
}

}  // namespace

StatusOr<BackupInfo> FolderBackups::WriteBackup(const std::string& name) {
  if (!IsValidId(name) || name.starts_with(".")) {
    return InvalidArgument(
        "a backup's name is made of A-Z, a-z, 0-9, _, - and . and does not begin with a dot: " + name);
  }
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return AlreadyExists("a backup is being made; try again when it is done");
  const fs::path folder = fs::path(state_) / "backups";
  const fs::path partial = folder / ("." + name + ".partial");
  std::error_code code;
  fs::create_directory(folder, state_, code);
  if (fs::exists(folder / name, code))
    return AlreadyExists("there is a backup of that name: " + (folder / name).string());
  fs::remove_all(partial, code);
  if (fs::create_directory(partial, state_, code); code) return Failed(code, "make " + partial.string());
  BackupInfo info{(folder / name).string(), 0};
  Status status = CopyState(state_, partial, &info.bytes);
  if (status.ok()) {
    fs::rename(partial, folder / name, code);
    status = code ? Failed(code, "rename " + partial.string()) : Sync(folder, O_RDONLY | O_DIRECTORY);
  }
  if (status.ok()) return info;
  fs::remove_all(partial, code);
  return status.WithContext("backup " + name);
}

}  // namespace millrace::store
