#include "worker/readers/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "worker/readers/byte_stream.h"

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

namespace {

// In which line of the file, or of what is compressed in it, a byte lies.
StatusOr<std::ptrdiff_t> LineOf(const std::string& path, std::uint64_t at) {
  FileBytes file;
  std::unique_ptr<ByteStream> stream;
  if (const Compression compression = CompressionOf(path); compression != Compression::kNone) {
    ASSIGN_OR_RETURN(stream, ByteStream::Open(path, compression));
  } else {
    ASSIGN_OR_RETURN(file, FileBytes::Open(path));
  }
  std::vector<char> chunk(std::size_t{256} << 10);
  std::ptrdiff_t line = 1;
  for (std::uint64_t done = 0; done < at;) {
    auto size = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), at - done));
    if (stream != nullptr) {
      ASSIGN_OR_RETURN(size, stream->Read(chunk.data(), size));
      if (size == 0) return FailedPrecondition(path + " has become shorter");
    } else {
      RETURN_IF_ERROR(file.Read(done, chunk.data(), size));
    }
    line += std::count(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(size), '\n');
    done += size;
  }
  return line;
}

}  // namespace

Status BadRecord(const std::string& path, std::uint64_t at, const std::string& what) {
  const StatusOr<std::ptrdiff_t> line = LineOf(path, at);
  return FailedPrecondition(path + ": " + (line.ok() ? "line " + std::to_string(*line) + ", " : "") + "byte " + std::to_string(at) + ": " +
                            what);
}

}  // namespace millrace::readers
