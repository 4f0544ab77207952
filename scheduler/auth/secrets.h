// libsodium behind plain functions: tokens, their hashes, passwords. Any thread. Keeps nothing.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace millrace::auth {

// 256 random bits as 64 hex digits.
std::string NewToken();
// 20 characters that people can type, about 103 bits.
std::string NewPassword();
// SHA-256, hex: how tokens are stored and found.
std::string TokenHash(std::string_view token);

// argon2id (19 MiB, two passes), encoded with its salt and costs. Takes some 30 ms: bound how many run at
// once.
StatusOr<std::string> HashPassword(std::string_view password);
bool PasswordMatches(std::string_view password, const std::string& hash);
// In time that does not depend on where they differ.
bool SameSecret(std::string_view a, std::string_view b);

// Whole or not at all, mode 0600, synced.
Status WriteSecretFile(const std::string& path, std::string_view content);
// Without the line's end. NOT_FOUND when there is none.
StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace millrace::auth
