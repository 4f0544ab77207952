// An open file whose bytes are copied out by pread. Not mapped: a file cut short by somebody else while it is read is then a short
// read, which becomes an error, and not a SIGBUS that ends the runner; and copying into a buffer that stays in the cache is no
// slower. Move-only; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/status.h"

namespace millrace::readers {

class FileBytes {
 public:
  FileBytes() = default;
  static StatusOr<FileBytes> Open(const std::string& path);
  FileBytes(FileBytes&& other) noexcept;
  FileBytes& operator=(FileBytes&& other) noexcept;
  ~FileBytes();

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // when it was opened
  // Exactly `size` bytes; FAILED_PRECONDITION when the file has become shorter.
  Status Read(std::uint64_t offset, char* to, std::size_t size) const;

 private:
  std::string path_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

// FAILED_PRECONDITION "PATH: line 3, byte 10: what". Reads the file up to there to count its lines: for errors alone.
Status BadRecord(const std::string& path, std::uint64_t at, const std::string& what);

}  // namespace millrace::readers
