#include "worker/tasks/mask.h"

#include <algorithm>
#include <utility>

namespace millrace::tasks {
namespace {

constexpr std::size_t kShortestSecret = 3;
constexpr std::string_view kMask = "***";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0) {
      decoded.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

}  // namespace

std::vector<std::string> SecretsOf(std::string_view uri) {
  const std::size_t scheme = uri.find("://");
  if (scheme == std::string_view::npos) return {std::string(uri)};
  // Everything between "user:" and the last '@' of the authority.
  const std::string_view authority =
      uri.substr(scheme + 3, uri.find_first_of("/?#", scheme + 3) - scheme - 3);
  const std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.find(':');
  std::vector<std::string> secrets;
  if (at != std::string_view::npos && colon != std::string_view::npos && colon < at) {
    const std::string_view password = authority.substr(colon + 1, at - colon - 1);
    secrets = {std::string(uri), std::string(password), PercentDecoded(password)};
  } else if (const std::size_t query = uri.find('?'); query != std::string_view::npos) {
    secrets = {std::string(uri)};
  }
  // "?password=...&key=...": every value counts, because names differ from one service to the next.
  for (std::size_t query = uri.find('?'); query != std::string_view::npos; query = uri.find('&', query + 1)) {
    const std::size_t equal = uri.find('=', query);
    if (equal == std::string_view::npos) break;
    const std::string_view name = uri.substr(query + 1, equal - query - 1);
    const bool secret =
        name.find("pass") != std::string_view::npos || name.find("secret") != std::string_view::npos ||
        name.find("key") != std::string_view::npos || name.find("token") != std::string_view::npos;
    if (!secret) continue;
    const std::string_view value = uri.substr(equal + 1, uri.find('&', equal) - equal - 1);
    secrets.emplace_back(value);
    secrets.push_back(PercentDecoded(value));
  }
  return secrets;
}

Mask::Mask(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const std::string& secret) { return secret.size() < kShortestSecret; });
  std::sort(secrets_.begin(), secrets_.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  secrets_.erase(std::unique(secrets_.begin(), secrets_.end()), secrets_.end());
}

std::string Mask::Apply(std::string_view text) const {
  std::string masked(text);
  for (const std::string& secret : secrets_) {
    for (std::size_t at = masked.find(secret); at != std::string::npos;
         at = masked.find(secret, at + kMask.size())) {
      masked.replace(at, secret.size(), kMask);
    }
  }
  return masked;
}

// The longest end of `text` that begins a secret.
std::size_t Mask::HeldBack(std::string_view text) const {
  std::size_t longest = 0;
  for (const std::string& secret : secrets_) {
    for (std::size_t size = std::min(secret.size() - 1, text.size()); size > longest; --size) {
      if (text.substr(text.size() - size) == std::string_view(secret).substr(0, size)) longest = size;
    }
  }
  return longest;
}

std::string Mask::Feed(std::string_view piece) {
  if (secrets_.empty()) return std::string(piece);
  held_.append(piece);
  // Whole secrets go first, so that their ends are not taken for beginnings.
  std::string text = Apply(std::exchange(held_, {}));
  const std::size_t held = HeldBack(text);
  held_ = text.substr(text.size() - held);
  text.resize(text.size() - held);
  return text;
}

std::string Mask::Finish() { return Apply(std::exchange(held_, {})); }

}  // namespace millrace::tasks
