#include "scheduler/http/message.h"

#include <array>

namespace millrace::http {
namespace {

const std::string* Find(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view ViewOf(const std::string* text) {
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

}  // namespace

std::string_view Request::Param(std::string_view name) const { return ViewOf(Find(params, name)); }
std::string_view Request::Query(std::string_view name) const { return ViewOf(Find(query, name)); }
std::string_view Request::Header(std::string_view name) const { return ViewOf(Find(headers, name)); }
bool Request::HasQuery(std::string_view name) const { return Find(query, name) != nullptr; }

std::vector<std::string> Request::QueryAll(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::string JsonQuoted(std::string_view text) {
  static constexpr std::array<char, 17> kHex = {"0123456789abcdef"};
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {  // refusals quote what strangers sent: plain ASCII only
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + '"';
}

Response ErrorResponse(int status, std::string_view detail) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = "{\"detail\":" + JsonQuoted(detail) + "}";
  return response;
}

}  // namespace millrace::http
