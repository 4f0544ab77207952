#include "scheduler/auth/secrets.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace millrace::auth {
namespace {

constexpr std::size_t kPasswordMemory = 19 * 1024 * 1024;
constexpr unsigned long long kPasswordPasses = 2;

void InitSodium() { MILLRACE_CHECK(sodium_init() >= 0); }

std::string Hex(const unsigned char* bytes, std::size_t size) {
  std::string text(size * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes, size);
  text.pop_back();
  return text;
}

Status SyncFolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open " + folder);
  const Status synced = fsync(fd) == 0 ? OkStatus() : ErrnoStatus(errno, "fsync " + folder);
  close(fd);
  return synced;
}

Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write " + path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return fsync(fd) == 0 ? OkStatus() : ErrnoStatus(errno, "fsync " + path);
}

}  // namespace

std::string NewToken() {
  InitSodium();
  std::array<unsigned char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return Hex(bytes.data(), bytes.size());
}

std::string NewPassword() {
  static constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  InitSodium();
  std::string password;
  for (int i = 0; i < 20; ++i) password += kLetters[randombytes_uniform(kLetters.size())];
  return password;
}

std::string TokenHash(std::string_view token) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(token.data()), token.size());
  return Hex(hash.data(), hash.size());
}

StatusOr<std::string> HashPassword(std::string_view password) {
  InitSodium();
  std::array<char, crypto_pwhash_STRBYTES> encoded{};
  if (crypto_pwhash_str_alg(encoded.data(), password.data(), password.size(), kPasswordPasses,
                            kPasswordMemory, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return ResourceExhausted("Not enough memory to hash a password");
  }
  return std::string(encoded.data());
}

bool PasswordMatches(std::string_view password, const std::string& hash) {
  InitSodium();
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

bool SameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Status WriteSecretFile(const std::string& path, std::string_view content) {
  const std::string staged = path + ".new";
  unlink(staged.c_str());
  const int fd =
      open(staged.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd < 0) return ErrnoStatus(errno, "open " + staged);
  Status written = fchmod(fd, S_IRUSR | S_IWUSR) == 0 ? OkStatus() : ErrnoStatus(errno, "chmod " + staged);
  if (written.ok()) written = WriteAll(fd, std::string(content) + "\n", staged);
  close(fd);
  if (written.ok() && rename(staged.c_str(), path.c_str()) != 0)
    written = ErrnoStatus(errno, "rename " + staged);
  if (!written.ok()) {
    unlink(staged.c_str());
    return written;
  }
  return SyncFolderOf(path);
}

StatusOr<std::string> ReadSecretFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open " + path);
  std::array<char, 4096> buffer{};
  const ssize_t count = read(fd, buffer.data(), buffer.size());
  const Status failed = count < 0 ? ErrnoStatus(errno, "read " + path) : OkStatus();
  close(fd);
  RETURN_IF_ERROR(failed);
  std::string text(buffer.data(), static_cast<std::size_t>(count));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace millrace::auth
