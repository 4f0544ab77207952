#include "worker/readers/byte_stream.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "worker/readers/file_bytes.h"

namespace millrace::readers {
namespace {

constexpr std::size_t kInputBytes = std::size_t{128} << 10;
constexpr int kGzipOnly = 15 + 16;   // zlib's largest window, and only gzip's header
constexpr int kZstdWindowLog = 27;   // 128 MB, as zstd itself reads without being told otherwise

// The file's own bytes, a chunk at a time.
class Chunks {
 public:
  explicit Chunks(FileBytes file) : file_(std::move(file)), buffer_(kInputBytes) {}
  const std::string& path() const { return file_.path(); }
  bool at_end() const { return read_ == file_.size(); }
  char* data() { return buffer_.data(); }
  StatusOr<std::size_t> Next() {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), file_.size() - read_));
    RETURN_IF_ERROR(file_.Read(read_, buffer_.data(), size));
    read_ += size;
    return size;
  }

 private:
  FileBytes file_;
  std::vector<char> buffer_;
  std::uint64_t read_ = 0;
};

Status CutShort(const std::string& path) { return FailedPrecondition(path + ": the compressed file is cut short"); }

class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(FileBytes file) : chunks_(std::move(file)) {}
  ~GzipStream() override {
    if (open_) ::inflateEnd(&state_);
  }
  Status Init() {
    if (::inflateInit2(&state_, kGzipOnly) != Z_OK) return ResourceExhausted("no memory to decompress " + chunks_.path());
    open_ = true;
    return OkStatus();
  }
  StatusOr<std::size_t> Read(char* to, std::size_t size) override {
    size = std::min<std::size_t>(size, std::numeric_limits<uInt>::max());
    state_.next_out = reinterpret_cast<Bytef*>(to);
    state_.avail_out = static_cast<uInt>(size);
    while (state_.avail_out != 0) {
      if (state_.avail_in == 0) {
        if (chunks_.at_end()) {
          if (within_) return CutShort(chunks_.path());
          break;
        }
        ASSIGN_OR_RETURN(const std::size_t got, chunks_.Next());
        state_.next_in = reinterpret_cast<Bytef*>(chunks_.data());
        state_.avail_in = static_cast<uInt>(got);
      }
      within_ = true;
      const int result = ::inflate(&state_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {  // another one may follow
        within_ = false;
        ::inflateReset(&state_);
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return FailedPrecondition(chunks_.path() + ": the compressed file is damaged: " +
                                  (state_.msg != nullptr ? state_.msg : "not gzip"));
      }
    }
    return size - state_.avail_out;
  }

 private:
  Chunks chunks_;
  z_stream state_{};
  bool open_ = false;
  bool within_ = false;
};

class ZstdStream final : public ByteStream {
 public:
  explicit ZstdStream(FileBytes file) : chunks_(std::move(file)), state_(::ZSTD_createDStream(), &::ZSTD_freeDStream) {}
  Status Init() {
    if (state_ == nullptr) return ResourceExhausted("no memory to decompress " + chunks_.path());
    ::ZSTD_DCtx_setParameter(state_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
    return OkStatus();
  }
  StatusOr<std::size_t> Read(char* to, std::size_t size) override {
    ZSTD_outBuffer out{to, size, 0};
    while (out.pos != out.size) {
      if (input_.pos == input_.size && !held_back_) {
        if (chunks_.at_end()) {
          if (within_) return CutShort(chunks_.path());
          break;
        }
        ASSIGN_OR_RETURN(const std::size_t got, chunks_.Next());
        input_ = {chunks_.data(), got, 0};
      }
      const std::size_t result = ::ZSTD_decompressStream(state_.get(), &out, &input_);
      if (::ZSTD_isError(result) != 0) {
        return FailedPrecondition(chunks_.path() + ": the compressed file is damaged: " + ::ZSTD_getErrorName(result));
      }
      within_ = result != 0;
      held_back_ = within_ && out.pos == out.size;  // more may come out without more going in
    }
    return out.pos;
  }

 private:
  Chunks chunks_;
  std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> state_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool within_ = false;
  bool held_back_ = false;
};

template <typename Stream>
StatusOr<std::unique_ptr<ByteStream>> Opened(FileBytes file) {
  auto stream = std::make_unique<Stream>(std::move(file));
  RETURN_IF_ERROR(stream->Init());
  return std::unique_ptr<ByteStream>(std::move(stream));
}

}  // namespace

Compression CompressionOf(const std::string& path) {
  if (path.ends_with(".gz")) return Compression::kGzip;
  return path.ends_with(".zst") ? Compression::kZstd : Compression::kNone;
}

StatusOr<std::unique_ptr<ByteStream>> ByteStream::Open(const std::string& path, Compression compression) {
  ASSIGN_OR_RETURN(FileBytes file, FileBytes::Open(path));
  return compression == Compression::kGzip ? Opened<GzipStream>(std::move(file)) : Opened<ZstdStream>(std::move(file));
}

}  // namespace millrace::readers
