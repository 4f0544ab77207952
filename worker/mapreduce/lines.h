// The lines of a split of a text file: those that start within its bytes. The splits of a file, however it is cut, give every
// line once. Lines are bytes up to a newline; the last may lack it. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace millrace::mapreduce {

// The bytes of the lines that start in [begin, end) of `file`: whole lines, the last one of the file perhaps without its
// newline.
std::string_view LinesWithin(std::string_view file, std::uint64_t begin, std::uint64_t end);

// A file, mapped. Move-only.
class MappedFile {
 public:
  static StatusOr<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, std::size_t size) : data_(data), size_(size) {}
  const char* data_;
  std::size_t size_;
};

// Cuts lines off the front; false at the end.
inline bool NextLine(std::string_view& bytes, std::string_view& line) {
  if (bytes.empty()) return false;
  const std::size_t end = bytes.find('\n');
  line = bytes.substr(0, end);
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  return true;
}

}  // namespace millrace::mapreduce
