// The bytes of a compressed file, one after the other, as they come out: gzip and zstd, also several of them joined to one file.
// Memory is bounded, whatever the file says. One thread a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/status.h"

namespace millrace::readers {

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };

// By the name, as DuckDB tells: .gz, .zst.
Compression CompressionOf(const std::string& path);

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // FAILED_PRECONDITION when the file cannot be opened. `compression` is not kNone.
  static StatusOr<std::unique_ptr<ByteStream>> Open(const std::string& path, Compression compression);
  // Up to `size` bytes; 0 at the end. FAILED_PRECONDITION when the file is damaged or cut short.
  virtual StatusOr<std::size_t> Read(char* to, std::size_t size) = 0;
};

}  // namespace millrace::readers
