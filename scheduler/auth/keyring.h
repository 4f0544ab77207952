// The key of secrets at rest: what is sealed with it can be stored, and is opened by nobody without it. The
// key is MILLRACE_SECRET_KEY, or the file STATE/secret.key (0600), made at the first start. Several keys, by
// commas: the first seals, all open, so that keys can be changed. XChaCha20-Poly1305. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace millrace::auth {

class Keyring {
 public:
  // `text`: keys of 64 hexadecimal digits. INVALID_ARGUMENT never repeats it.
  static StatusOr<Keyring> FromText(std::string_view text);
  // MILLRACE_SECRET_KEY of `environment` ("NAME=value", ended by null), or else the folder's file.
  static StatusOr<Keyring> Open(const std::string& state_folder, const char* const* environment);

  // `what` names the thing ("variable x"): a sealed text put in another thing's place does not open.
  std::string Seal(std::string_view text, std::string_view what) const;
  // FAILED_PRECONDITION when it was sealed with another key, or is damaged.
  StatusOr<std::string> Unseal(std::string_view sealed, std::string_view what) const;

 private:
  explicit Keyring(std::vector<std::string> keys) : keys_(std::move(keys)) {}

  std::vector<std::string> keys_;  // 32 bytes each
};

}  // namespace millrace::auth
