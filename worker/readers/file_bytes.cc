#include "worker/readers/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace millrace::readers {

StatusOr<FileBytes> FileBytes::Open(const std::string& path) {
  FileBytes file;
  file.path_ = path;
  file.file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.file_ < 0) return ErrnoStatus(errno, "open " + path);
  struct stat facts {};
  if (::fstat(file.file_, &facts) != 0) return ErrnoStatus(errno, "stat " + path);
  if (!S_ISREG(facts.st_mode)) return FailedPrecondition(path + " is no file");
  file.size_ = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

FileBytes::FileBytes(FileBytes&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), size_(std::exchange(other.size_, 0)) {}

FileBytes& FileBytes::operator=(FileBytes&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(size_, other.size_);
  return *this;
}

FileBytes::~FileBytes() {
  if (file_ >= 0) ::close(file_);
}

Status FileBytes::Read(std::uint64_t offset, char* to, std::size_t size) const {
  while (size != 0) {
    const ::ssize_t got = ::pread(file_, to, size, static_cast<::off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read " + path_);
    if (got == 0) {
      return FailedPrecondition(path_ + " ends at byte " + std::to_string(offset) + " now; it was longer when it was opened");
    }
    offset += static_cast<std::uint64_t>(got);
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return OkStatus();
}

}  // namespace millrace::readers
