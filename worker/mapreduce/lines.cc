#include "worker/mapreduce/lines.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "worker/shuffle/descriptor.h"

namespace millrace::mapreduce {
namespace {

// Where the first line begins that starts at `at` or later.
std::size_t LineStart(std::string_view file, std::uint64_t at) {
  if (at == 0) return 0;
  if (at >= file.size()) return file.size();
  const std::size_t newline = file.find('\n', at - 1);
  return newline == std::string_view::npos ? file.size() : newline + 1;
}

}  // namespace

std::string_view LinesWithin(std::string_view file, std::uint64_t begin, std::uint64_t end) {
  const std::size_t first = LineStart(file, begin);
  const std::size_t last = LineStart(file, end);
  return first < last ? file.substr(first, last - first) : std::string_view();
}

StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  const shuffle::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "open " + path);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return ErrnoStatus(errno, "stat " + path);
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size == 0) return MappedFile("", 0);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return ErrnoStatus(errno, "map " + path);
  ::madvise(data, size, MADV_SEQUENTIAL);
  return MappedFile(static_cast<const char*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept : data_(std::exchange(other.data_, "")), size_(std::exchange(other.size_, 0)) {}

MappedFile::~MappedFile() {
  if (size_ != 0) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace millrace::mapreduce
