#include "worker/lake/staging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "platform/failpoint/failpoint.h"

namespace millrace::lake {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  int number;
};

StatusOr<std::string> Digest(int descriptor, const std::string& path) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(kBufferBytes);
  while (true) {
    const ssize_t size = read(descriptor, buffer.data(), buffer.size());
    if (size < 0) return ErrnoStatus(errno, "read " + path);
    if (size == 0) break;
    XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(size));
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return std::string(text.data());
}

Status Sync(const std::string& path, int flags) {
  const Descriptor descriptor(open(path.c_str(), flags | O_CLOEXEC));
  if (descriptor.number < 0) return ErrnoStatus(errno, "open " + path);
  if (fsync(descriptor.number) != 0) return ErrnoStatus(errno, "sync " + path);
  return OkStatus();
}

}  // namespace

std::string StagingName(const std::string& scheduler, const std::string& kind, const TaskInstanceKey& instance) {
  return scheduler + "-" + kind + "-" + std::to_string(ToInt(instance.run)) + "-" + std::to_string(instance.index);
}

std::string StagingFolder(const std::string& root, const std::string& name) { return root + "/.millrace/staging/" + name; }

StatusOr<std::string> MakeStaging(const std::string& root, const std::string& name, const Fence& fence) {
  const std::string folder = StagingFolder(root, name) + "/" + ToString(fence);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), "make the staging folder " + folder);
  return folder;
}

void DropStaging(const std::string& root, const std::string& name) {
  std::error_code ignored;
  std::filesystem::remove_all(StagingFolder(root, name), ignored);
}

StatusOr<OutputFile> Seal(const std::string& folder, const std::string& relative, std::int64_t rows) {
  const std::string path = folder + "/" + relative;
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) return ErrnoStatus(errno, "open " + path);
  Failpoint("lake.before_seal");
  if (fsync(file.number) != 0) return ErrnoStatus(errno, "sync " + path);
  Failpoint("lake.after_seal");
  struct stat facts {};
  if (fstat(file.number, &facts) != 0) return ErrnoStatus(errno, "stat " + path);
  ASSIGN_OR_RETURN(std::string checksum, Digest(file.number, path));
  return OutputFile{.path = relative, .bytes = facts.st_size, .rows = rows, .checksum = std::move(checksum)};
}

Status SyncFile(const std::string& path) { return Sync(path, O_RDONLY); }

Status SyncFolder(const std::string& folder) { return Sync(folder, O_RDONLY | O_DIRECTORY); }

StatusOr<std::string> Checksum(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) return ErrnoStatus(errno, "open " + path);
  return Digest(file.number, path);
}

}  // namespace millrace::lake
