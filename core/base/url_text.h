// Text as a part of a URL: percent-encoded, as RFC 3986 has it. For whoever writes one; any thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace {

// Letters and digits stay as they are, and what is in `keep`; every other byte becomes "%2F".
std::string UrlEncoded(std::string_view text, std::string_view keep = "-_.~");

}  // namespace millrace
