#include "scheduler/auth/keyring.h"

#include <sodium.h>

#include <utility>

#include "scheduler/auth/secrets.h"

namespace millrace::auth {
namespace {

constexpr std::string_view kVariable = "MILLRACE_SECRET_KEY=";
constexpr std::string_view kForm = "v1:";  // then base64 of nonce and text
constexpr std::size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), Bytes(bytes), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.resize(text.find('\0'));
  return text;
}

bool FromBase64(std::string_view text, std::string& bytes) {
  bytes.resize(text.size());
  std::size_t size = 0;
  const bool whole = sodium_base642bin(Bytes(bytes), bytes.size(), text.data(), text.size(), nullptr, &size,
                                       nullptr, sodium_base64_VARIANT_ORIGINAL) == 0;
  bytes.resize(size);
  return whole;
}

}  // namespace

StatusOr<Keyring> Keyring::FromText(std::string_view text) {
  MILLRACE_CHECK(sodium_init() >= 0);
  std::vector<std::string> keys;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    std::string key(kKeyBytes, '\0');
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_hex2bin(Bytes(key), key.size(), word.data(), word.size(), nullptr, &size, &end) != 0 ||
        size != kKeyBytes || end != word.data() + word.size()) {
      return InvalidArgument("a secret key is not 64 hexadecimal digits (openssl rand -hex 32 makes one)");
    }
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return InvalidArgument("there is no secret key (openssl rand -hex 32 makes one)");
  return Keyring(std::move(keys));
}

StatusOr<Keyring> Keyring::Open(const std::string& state_folder, const char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (!entry.starts_with(kVariable)) continue;
    StatusOr<Keyring> given = FromText(entry.substr(kVariable.size()));
    if (!given.ok()) return given.status().WithContext("MILLRACE_SECRET_KEY");
    return given;
  }
  const std::string path = state_folder + "/secret.key";
  StatusOr<std::string> kept = ReadSecretFile(path);
  if (!kept.ok() && kept.status().code() == Code::kNotFound) {
    kept = NewToken();
    RETURN_IF_ERROR(WriteSecretFile(path, *kept));
  }
  RETURN_IF_ERROR(kept.status());
  StatusOr<Keyring> read = FromText(*kept);
  if (!read.ok()) return read.status().WithContext(path);
  return read;
}

std::string Keyring::Seal(std::string_view text, std::string_view what) const {
  std::string sealed(kNonceBytes + text.size() + kTagBytes, '\0');
  randombytes_buf(sealed.data(), kNonceBytes);
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(Bytes(sealed) + kNonceBytes, &size, Bytes(text), text.size(),
                                             Bytes(what), what.size(), nullptr, Bytes(sealed),
                                             Bytes(std::string_view(keys_.front())));
  return std::string(kForm) + Base64(sealed);
}

StatusOr<std::string> Keyring::Unseal(std::string_view sealed, std::string_view what) const {
  std::string bytes;
  if (sealed.starts_with(kForm) && FromBase64(sealed.substr(kForm.size()), bytes) &&
      bytes.size() >= kNonceBytes + kTagBytes) {
    std::string text(bytes.size() - kNonceBytes - kTagBytes, '\0');
    for (const std::string& key : keys_) {
      unsigned long long size = 0;
      if (crypto_aead_xchacha20poly1305_ietf_decrypt(Bytes(text), &size, nullptr, Bytes(bytes) + kNonceBytes,
                                                     bytes.size() - kNonceBytes, Bytes(what), what.size(),
                                                     Bytes(bytes), Bytes(std::string_view(key))) == 0) {
        return text;
      }
    }
  }
  return FailedPrecondition("the value of " + std::string(what) +
                            " was sealed with another key: give the scheduler that key (STATE/secret.key, or "
                            "MILLRACE_SECRET_KEY), or set the value again");
}

}  // namespace millrace::auth
