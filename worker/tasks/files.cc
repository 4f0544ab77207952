#include "worker/tasks/files.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "worker/tasks/spare_folder.h"

namespace millrace::tasks {

Status LayOutFiles(const TaskContext& context, const std::string& folder) {
  if (!context.assignment().files.empty())
    TakeFolder(folder, std::filesystem::path(context.scratch()).parent_path().string(), "files");
  for (const std::string& path : context.assignment().files) {
    ASSIGN_OR_RETURN(const std::string content, context.File(path));
    const std::filesystem::path target =
        std::filesystem::path(folder) / std::filesystem::path(path).lexically_normal();
    if (path.find("..") != std::string::npos || path.starts_with('/'))
      return InvalidArgument("bad file name: " + path);
    std::error_code error;
    std::filesystem::create_directories(target.parent_path(), error);
    errno = 0;  // streams have no other way to say why
    std::ofstream file(target, std::ios::binary);
    file << content;
    file.close();
    if (!file) return ErrnoStatus(errno != 0 ? errno : EIO, "write " + target.string());
    std::filesystem::permissions(target, std::filesystem::perms::owner_all, error);
  }
  return OkStatus();
}

}  // namespace millrace::tasks
