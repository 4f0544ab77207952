#include "worker/tasks/spare_folder.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;

// The agent empties the place when it starts.
std::string SparePath(const std::string& place, std::string_view name) {
  return place + "/spare-" + std::string(name) + "-" + std::to_string(::getpid());
}

// Of a folder that has just been made. umask() could only be asked by changing it, which other threads would
// see.
mode_t ModeOfNew() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    unsigned mask = 0;
    if (word == "Umask:" && status >> std::oct >> mask) return 0777 & ~mask;
  }
  return 0;  // not known: nothing is kept
}

bool IsAsMade(const std::string& path) {
  static const mode_t mode = ModeOfNew();
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  return (status.st_mode & 07777) == mode && status.st_uid == ::geteuid() && status.st_gid == ::getegid() &&
         ::lgetxattr(path.c_str(), "system.posix_acl_default", nullptr, 0) < 0;
}

bool Empty(const std::string& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    fs::remove_all(entry.path(), error);
    if (error) return false;
  }
  return !error;
}

}  // namespace

void TakeFolder(const std::string& path, const std::string& place, std::string_view spare) {
  if (std::rename(SparePath(place, spare).c_str(), path.c_str()) == 0) return;
  std::error_code ignored;
  fs::create_directories(path, ignored);
}

void DropFolder(const std::string& path, const std::string& place, std::string_view spare) {
  if (IsAsMade(path) && Empty(path) && std::rename(path.c_str(), SparePath(place, spare).c_str()) == 0)
    return;
  std::error_code ignored;  // a leftover costs only room
  fs::remove_all(path, ignored);
}

}  // namespace millrace::tasks
