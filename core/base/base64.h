// Bytes as base64 text (RFC 4648, with padding, on one line): of mails and of credentials in headers. What is sealed is encoded
// by libsodium, in scheduler/auth. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace {

std::string Base64(std::string_view bytes);

}  // namespace millrace
