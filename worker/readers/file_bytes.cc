#include "worker/readers/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

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

Status BadRecord(const std::string& path, std::uint64_t at, const std::string& what) {
  const std::string message = "byte " + std::to_string(at) + ": " + what;
  const StatusOr<FileBytes> file = FileBytes::Open(path);
  if (!file.ok()) return FailedPrecondition(path + ": " + message);
  std::vector<char> chunk(std::size_t{256} << 10);
  std::ptrdiff_t line = 1;
  for (std::uint64_t done = 0; done < at;) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), at - done));
    if (!file->Read(done, chunk.data(), size).ok()) return FailedPrecondition(path + ": " + message);
    line += std::count(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(size), '\n');
    done += size;
  }
  return FailedPrecondition(path + ": line " + std::to_string(line) + ", " + message);
}

}  // namespace millrace::readers
